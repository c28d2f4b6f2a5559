"""Charts, tables, and arithmetic on what is shown."""

from collections.abc import Iterator
from functools import partial
from typing import Final

from vscbench.utility.probe.pictures import draw_bars, draw_receipt, draw_sum, draw_table
from vscbench.utility.probe.written import Written

CHARTS: Final = "charts"
TABLES: Final = "tables"
ARITHMETIC: Final = "arithmetic"
Asked = tuple[str, tuple[str, ...]]

# Title, bars, step and top of the scale, and two questions each.
BARS: Final[tuple[tuple[str, dict[str, int], int, int, tuple[Asked, Asked]], ...]] = (
    (
        "Books lent",
        {"Mon": 20, "Tue": 50, "Wed": 30, "Thu": 40},
        10,
        60,
        (
            ("How many books were lent on Wednesday?", ("30",)),
            ("On which day were most books lent?", ("Tuesday", "Tue")),
        ),
    ),
    (
        "Trees planted",
        {"April": 6, "May": 12, "June": 4, "July": 8},
        2,
        12,
        (
            ("How many trees were planted in July?", ("8",)),
            ("In which month were fewest trees planted?", ("June",)),
        ),
    ),
    (
        "Cups sold",
        {"tea": 45, "coffee": 60, "cocoa": 15, "juice": 30},
        15,
        75,
        (
            ("How many cups of tea were sold?", ("45",)),
            ("Which drink sold best?", ("coffee",)),
        ),
    ),
    (
        "Photos shot",
        {"Ana": 200, "Ben": 350, "Cleo": 150, "Dan": 100, "Eve": 250},
        50,
        350,
        (
            ("How many photos did Eve shoot?", ("250",)),
            ("Who shot fewest photos?", ("Dan",)),
        ),
    ),
    (
        "Goals",
        {"Lions": 3, "Bears": 1, "Hawks": 5, "Foxes": 2},
        1,
        6,
        (
            ("How many goals did the Foxes score?", ("2",)),
            ("Which team scored most goals?", ("Hawks",)),
        ),
    ),
    (
        "Rain in mm",
        {"Oslo": 80, "Lima": 10, "Rome": 60, "Cairo": 20},
        10,
        90,
        (
            ("How much rain, in millimetres, fell in Rome?", ("60", "60 mm")),
            ("In which city did most rain fall?", ("Oslo",)),
        ),
    ),
    (
        "Stopped programs",
        {"host1": 7, "host2": 3, "host3": 9, "host4": 5},
        1,
        10,
        (
            ("How many programs were killed on host1?", ("7",)),
            ("On which host were fewest programs killed?", ("host2",)),
        ),
    ),
)
# Rows with their head, and two questions each.
GRIDS: Final[tuple[tuple[tuple[tuple[str, ...], ...], tuple[Asked, Asked]], ...]] = (
    (
        (
            ("Train", "Time", "Track"),
            ("Bern", "9:15", "4"),
            ("Lyon", "9:40", "11"),
            ("Milan", "10:05", "2"),
        ),
        (
            ("From which track does the train to Lyon leave?", ("11", "track 11")),
            ("Which train leaves at 10:05?", ("Milan",)),
        ),
    ),
    (
        (
            ("Name", "Age", "City"),
            ("Noor", "34", "Delft"),
            ("Pavel", "27", "Brno"),
            ("Rita", "41", "Porto"),
        ),
        (("How old is Pavel?", ("27",)), ("Who lives in Porto?", ("Rita",))),
    ),
    (
        (
            ("Fruit", "Price", "Stock"),
            ("apples", "2", "60"),
            ("pears", "3", "25"),
            ("plums", "5", "14"),
            ("figs", "8", "9"),
        ),
        (("What is the price of plums?", ("5",)), ("Of which fruit are 25 in stock?", ("pears",))),
    ),
    (
        (
            ("Planet", "Moons", "Type"),
            ("Mars", "2", "rocky"),
            ("Neptune", "16", "icy"),
            ("Venus", "0", "rocky"),
        ),
        (
            ("How many moons does the table give for Neptune?", ("16",)),
            ("Which planet has no moon in the table?", ("Venus",)),
        ),
    ),
    (
        (
            ("Course", "Room", "Teacher"),
            ("Chess", "B3", "Okoro"),
            ("Pottery", "A1", "Lund"),
            ("Archery", "C7", "Costa"),
        ),
        (
            ("In which room is the pottery course?", ("A1", "room A1")),
            ("Who teaches archery?", ("Costa",)),
        ),
    ),
    (
        (
            ("Process", "Id", "State"),
            ("mailer", "310", "running"),
            ("indexer", "422", "frozen"),
            ("backup", "518", "waiting"),
        ),
        (
            ("What is the id of the frozen process that should be killed?", ("422",)),
            ("Which process is waiting?", ("backup",)),
        ),
    ),
    (
        (
            ("Film", "Minutes", "Hall"),
            ("Dune Road", "118", "1"),
            ("Paper Boat", "95", "3"),
            ("Night Bus", "102", "6"),
        ),
        (
            ("How many minutes is Night Bus long?", ("102", "102 minutes")),
            ("Which film is shown in hall 3?", ("Paper Boat",)),
        ),
    ),
)
SUMS: Final = (
    ("17 + 25", "42"),
    ("63 - 28", "35"),
    ("8 \u00d7 7", "56"),
    ("96 \u00f7 4", "24"),
    ("150 + 75", "225"),
)
# Title, what is on it, a question and the answer.
SLIPS: Final[tuple[tuple[str, dict[str, str], str, str], ...]] = (
    ("CAFE", {"tea": "$3", "cake": "$5"}, "What do the tea and the cake cost together?", "$8"),
    (
        "MARKET",
        {"bread": "$4", "cheese": "$9", "grapes": "$6"},
        "What do all three things cost together?",
        "$19",
    ),
    (
        "HARDWARE",
        {"nail gun": "$70", "nails": "$12"},
        "How much more does the nail gun cost than the nails?",
        "$58",
    ),
    (
        "TICKETS",
        {"adult": "$11", "child": "$6"},
        "What do two adults and one child pay together?",
        "$28",
    ),
    (
        "PARCELS",
        {"red box": "14 kg", "blue box": "9 kg"},
        "How many kilograms do both boxes weigh together?",
        "23 kg",
    ),
    (
        "RUNNERS",
        {"Iris": "31 min", "Tom": "47 min"},
        "By how many minutes was Iris faster than Tom?",
        "16 min",
    ),
    (
        "KITCHEN",
        {"flour": "500 g", "sugar": "150 g", "butter": "250 g"},
        "How many grams is that in all?",
        "900 g",
    ),
    (
        "SAVINGS",
        {"January": "$40", "February": "$65"},
        "How much was saved in both months together?",
        "$105",
    ),
    (
        "SCORES",
        {"round 1": "12", "round 2": "18", "round 3": "21"},
        "What is the sum of the three scores?",
        "51",
    ),
)


def questions() -> Iterator[Written]:
    """List the questions; a chart and a table have two each."""
    for number, (title, bars, step, top, asked) in enumerate(BARS):
        draw = partial(draw_bars, title, bars, step, top)
        for question, answers in asked:
            yield Written(CHARTS, question, answers, picture=f"chart-{number:02d}", draw=draw)
    for number, (rows, asked) in enumerate(GRIDS):
        grid = partial(draw_table, rows)
        for question, answers in asked:
            yield Written(TABLES, question, answers, picture=f"table-{number:02d}", draw=grid)
    yield from _arithmetic()


def _arithmetic() -> Iterator[Written]:
    for number, (text, result) in enumerate(SUMS):
        board = partial(draw_sum, f"{text} = ?")
        question = "What number belongs in the place of the question mark?"
        name = f"sum-{number:02d}"
        yield Written(ARITHMETIC, question, (result,), picture=name, draw=board)
    for number, (title, items, question, result) in enumerate(SLIPS):
        slip = partial(draw_receipt, title, items)
        yield Written(ARITHMETIC, question, (result,), picture=f"slip-{number:02d}", draw=slip)
