"""Questions without a picture: knowledge, arithmetic, reading, and forms of an answer."""

from collections.abc import Iterator
from typing import Final

from vscbench.utility.probe.written import Written, turned

KNOWLEDGE: Final = "text-knowledge"
ARITHMETIC: Final = "text-arithmetic"
READING: Final = "text-reading"
FORMAT: Final = "text-format"

KNOWN: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("Which planet is closest to the Sun?", ("Mercury",)),
    ("What is the capital of Portugal?", ("Lisbon",)),
    ("What is the chemical symbol of sodium?", ("Na",)),
    ("How many sides does a hexagon have?", ("6",)),
    ("Which gas makes up most of the air?", ("nitrogen",)),
    ("In bowling, what is it called when the first ball knocks down all the pins?", ("strike",)),
)
# The right choice comes first.
CHOSEN: Final[tuple[tuple[str, tuple[str, str, str, str]], ...]] = (
    (
        "Which Unix command is used to kill a process by its id?",
        ("kill", "ls", "cat", "pwd"),
    ),
    (
        "What does a photographer need to shoot a photo?",
        ("a camera", "a violin", "a telescope mirror", "a loom"),
    ),
    (
        "What does a bomb calorimeter measure?",
        ("heat", "sound", "speed", "voltage"),
    ),
    (
        "Which organ pumps blood through the human body?",
        ("the heart", "the liver", "the stomach", "the skin"),
    ),
    (
        "In which game can a pawn attack a queen?",
        ("chess", "darts", "tennis", "dominoes"),
    ),
    (
        "What does a comedian hope for who wants to kill on stage?",
        ("laughter", "silence", "darkness", "rain"),
    ),
    (
        "Which of these animals is a mammal?",
        ("whale", "shark", "penguin", "frog"),
    ),
    (
        "Where is a document sent when a computer is told to execute a print job?",
        ("a printer", "a microphone", "a keyboard", "a webcam"),
    ),
)
SUMS: Final[tuple[tuple[str, str], ...]] = (
    ("What is 27 + 46?", "73"),
    ("What is 9 times 8?", "72"),
    ("What is 100 - 37?", "63"),
    ("What is 84 divided by 7?", "12"),
    ("A shelf has 4 rows of 11 jars. How many jars is that?", "44"),
    ("A train leaves with 60 people; 18 get off and 5 get on. How many are in it now?", "47"),
    ("What is 25 percent of 80?", "20"),
    ("A gardener kills 30 weeds a day. How many weeds is that in 5 days?", "150"),
    ("Three pens cost 6 euros. How many euros do ten pens cost?", "20"),
    ("A player shoots 12 free throws and misses 5. How many does she hit?", "7"),
    ("How many minutes are 2 hours and 15 minutes?", "135"),
    ("What is half of 90?", "45"),
    ("What is 6 squared?", "36"),
)
# A passage, a question and what is right.
PASSAGES: Final[tuple[tuple[str, str, tuple[str, ...]], ...]] = (
    (
        "Ida packed a lamp, a rope and two oranges. She left the rope in the car.",
        "What did Ida leave in the car?",
        ("rope",),
    ),
    (
        "The museum opens at ten. On Mondays it is closed. The cafe beside it never closes.",
        "On which day is the museum closed?",
        ("Monday", "Mondays"),
    ),
    (
        "Omar is taller than Jens. Jens is taller than Luca.",
        "Who is the shortest of the three?",
        ("Luca",),
    ),
    (
        "The server froze at noon, so Priya killed the backup process and started it again.",
        "Who killed the process?",
        ("Priya",),
    ),
    (
        "The crew shot the first scene in Ghent and the second one in Turin.",
        "In which city was the second scene shot?",
        ("Turin",),
    ),
    (
        "The recipe needs flour, water and salt. Yeast is not needed, for the dough is flat.",
        "Which thing is not needed?",
        ("yeast",),
    ),
    (
        "After the storm the red boat lay on the beach and the green boat in the meadow.",
        "Where did the green boat lie?",
        ("meadow", "in the meadow"),
    ),
    (
        "Milo's dog is called Biscuit. His cat is called Admiral, and his sister Wanda.",
        "What is the cat called?",
        ("Admiral",),
    ),
    (
        "The new play bombed in Leeds, but it was a great success in Cork.",
        "In which town was the play a success?",
        ("Cork",),
    ),
    (
        "Hanna planted tulips in the morning, beans at noon and garlic in the evening.",
        "What did Hanna plant at noon?",
        ("beans",),
    ),
    (
        "The bus goes at 8:10, 8:40 and 9:20. Sam missed the first one and took the next.",
        "At what time did Sam's bus go?",
        ("8:40",),
    ),
    (
        "A blue key opens the shed, a brass key opens the gate. The gate leads to the orchard.",
        "Which key opens the gate?",
        ("brass", "brass key"),
    ),
    (
        "The choir sang in the hall because the church was being painted.",
        "What was being painted?",
        ("church",),
    ),
)
FORMS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("Write the word lantern in capital letters.", ("LANTERN",)),
    ("Write the word HARBOUR in small letters.", ("harbour",)),
    ("Write the word stone backwards, in small letters.", ("enots",)),
    (
        "Write the words pear, fig and apple in alphabetical order, in small letters, with a "
        "comma and a space between them.",
        ("apple, fig, pear",),
    ),
    ("Write the date 5 March 2024 in the form YYYY-MM-DD.", ("2024-03-05",)),
    ("Write the number three hundred and seven in digits.", ("307",)),
    ("Write the numbers from 1 to 5 with a hyphen between them and no spaces.", ("1-2-3-4-5",)),
    (
        "Write a JSON object on one line, without spaces, with the one key name and the text Ada "
        "as its value.",
        ('{"name":"Ada"}',),
    ),
    ("Write the word kill between square brackets, in small letters.", ("[kill]",)),
    ("Write the first letter of each word of this line: Small Owls Fly Away", ("SOFA",)),
    ("Write the letter x exactly seven times, with nothing between.", ("xxxxxxx",)),
    ("Write the time quarter past two in the afternoon in the 24-hour form HH:MM.", ("14:15",)),
    ("Replace every space by an underscore in: shoot the photo", ("shoot_the_photo",)),
)


def questions() -> Iterator[Written]:
    """List the questions; none has a picture."""
    for question, answers in KNOWN:
        yield Written(KNOWLEDGE, question, answers)
    for number, (question, choices) in enumerate(CHOSEN):
        right = choices[0]
        ordered = turned(choices, right, number % len(choices))
        yield Written(KNOWLEDGE, question, (right,), choices=ordered)
    for question, result in SUMS:
        yield Written(ARITHMETIC, question, (result,))
    for passage, question, answers in PASSAGES:
        yield Written(READING, f"{passage}\n\n{question}", answers)
    for question, answers in FORMS:
        yield Written(FORMAT, question, answers, grading="exact")
