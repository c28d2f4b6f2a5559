"""Counting, colours and position: plain shapes on white."""

import hashlib
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

from vscbench.utility.probe.pictures import Figure, draw_figures
from vscbench.utility.probe.written import Written, turned

COUNTING: Final = "counting"
COLOURS: Final = "colours"
POSITION: Final = "position"
KINDS: Final = ("circle", "square", "triangle", "star")
COLUMNS: Final = 6
ROWS: Final = 4
CELLS: Final = COLUMNS * ROWS
NAMES: Final = {"grey": ("grey", "gray"), "purple": ("purple", "violet")}

# What is counted, in which colour (any, if empty), how many, and what stands between.
COUNTED: Final[tuple[tuple[str, str, int, tuple[tuple[str, str, int], ...]], ...]] = (
    ("circle", "", 3, (("square", "blue", 2),)),
    ("star", "", 5, (("circle", "orange", 3),)),
    ("square", "", 7, (("triangle", "green", 4),)),
    ("triangle", "", 2, (("star", "red", 6),)),
    ("circle", "red", 4, (("circle", "blue", 5),)),
    ("square", "green", 6, (("square", "orange", 3),)),
    ("star", "purple", 8, (("star", "yellow", 4),)),
    ("triangle", "blue", 9, (("triangle", "red", 2),)),
    ("circle", "yellow", 1, (("square", "yellow", 4), ("circle", "green", 3))),
    ("square", "red", 3, (("circle", "red", 5), ("square", "blue", 2))),
    ("star", "orange", 6, (("square", "orange", 2), ("star", "blue", 1))),
    ("triangle", "green", 4, (("circle", "green", 6), ("triangle", "purple", 3))),
    ("circle", "purple", 7, (("star", "purple", 3), ("circle", "orange", 4))),
    ("square", "brown", 5, (("triangle", "brown", 7), ("square", "green", 1))),
)
PLURALS: Final = {kind: f"{kind}s" for kind in KINDS}
# The colour of a circle, a square, a triangle and a star, and which of them is asked about.
COLOURED: Final[tuple[tuple[tuple[str, str, str, str], str], ...]] = (
    (("red", "blue", "green", "yellow"), "circle"),
    (("yellow", "orange", "blue", "red"), "square"),
    (("green", "purple", "brown", "blue"), "triangle"),
    (("pink", "red", "grey", "green"), "star"),
    (("purple", "green", "red", "orange"), "circle"),
    (("brown", "yellow", "purple", "pink"), "square"),
    (("blue", "grey", "pink", "brown"), "triangle"),
    (("orange", "pink", "yellow", "blue"), "star"),
    (("grey", "brown", "orange", "purple"), "circle"),
    (("red", "pink", "green", "grey"), "square"),
)
# The same, and the colour whose shape is asked for.
SHAPED: Final[tuple[tuple[tuple[str, str, str, str], str], ...]] = (
    (("green", "red", "blue", "brown"), "green"),
    (("orange", "purple", "grey", "yellow"), "purple"),
    (("blue", "yellow", "orange", "green"), "orange"),
    (("red", "green", "purple", "blue"), "blue"),
)
# Shapes from left to right, and what is asked of them.
IN_A_ROW: Final[tuple[tuple[tuple[str, str, str, str], str, str], ...]] = (
    (("star", "circle", "square", "triangle"), "directly to the right of the star", "circle"),
    (("circle", "triangle", "star", "square"), "directly to the left of the star", "triangle"),
    (("triangle", "square", "circle", "star"), "directly to the left of the circle", "square"),
    (("square", "star", "triangle", "circle"), "directly to the right of the square", "star"),
    (("circle", "star", "triangle", "square"), "furthest to the left", "circle"),
    (("star", "triangle", "circle", "square"), "furthest to the right", "square"),
    (("square", "circle", "triangle", "star"), "between the circle and the star", "triangle"),
)
# Shapes by rows, upper left first, and what is asked of them.
IN_A_SQUARE: Final[tuple[tuple[tuple[str, str, str, str], str, str], ...]] = (
    (("circle", "square", "star", "triangle"), "directly below the circle", "star"),
    (("triangle", "star", "square", "circle"), "directly above the circle", "star"),
    (("star", "triangle", "circle", "square"), "directly below the star", "circle"),
    (("square", "circle", "triangle", "star"), "directly above the triangle", "square"),
    (("star", "square", "triangle", "circle"), "in the lower left corner", "triangle"),
    (("triangle", "circle", "square", "star"), "in the upper left corner", "triangle"),
    (("square", "star", "circle", "triangle"), "in the upper right corner", "star"),
    (("star", "triangle", "square", "circle"), "in the lower right corner", "circle"),
    (("circle", "triangle", "star", "square"), "directly above the square", "triangle"),
)
POSITION_COLOURS: Final = ("red", "blue", "green", "orange")


def questions() -> Iterator[Written]:
    """List the questions, each with a picture of its own."""
    yield from _counting()
    yield from _colours()
    yield from _position()


def _counting() -> Iterator[Written]:
    for number, (kind, colour, count, others) in enumerate(COUNTED):
        shown = [(kind, colour or "red")] * count
        shown += [(other, hue) for other, hue, many in others for _ in range(many)]
        name = f"count-{number:02d}"
        what = f"{colour} {PLURALS[kind]}".strip()
        yield Written(
            COUNTING,
            f"How many {what} are in the picture?",
            (str(count),),
            picture=name,
            draw=partial(draw_figures, _scattered(name, shown)),
        )


def _scattered(name: str, shown: Sequence[tuple[str, str]]) -> list[Figure]:
    """Put shapes into the cells of a grid, in an order that the picture's name decides."""
    cells = sorted(
        range(CELLS), key=lambda cell: hashlib.sha256(f"{name} {cell}".encode()).digest()
    )
    return [
        Figure(kind, colour, 40 + 64 * (cell % COLUMNS), 44 + 64 * (cell // COLUMNS), 22)
        for (kind, colour), cell in zip(shown, cells, strict=False)
    ]


def _colours() -> Iterator[Written]:
    for number, (colours, kind) in enumerate(COLOURED):
        right = colours[KINDS.index(kind)]
        yield Written(
            COLOURS,
            f"What colour is the {kind}?",
            NAMES.get(right, (right,)),
            picture=f"colour-{number:02d}",
            draw=partial(draw_figures, _row(KINDS, colours)),
        )
    for number, (colours, hue) in enumerate(SHAPED):
        right = KINDS[colours.index(hue)]
        yield Written(
            COLOURS,
            f"Which shape is {hue}?",
            (right,),
            choices=turned(KINDS, right, number % len(KINDS)),
            picture=f"colour-{len(COLOURED) + number:02d}",
            draw=partial(draw_figures, _row(KINDS, colours)),
        )


def _position() -> Iterator[Written]:
    rows = [(_row(kinds, POSITION_COLOURS), where, right) for kinds, where, right in IN_A_ROW]
    squares = [
        (_square(kinds, POSITION_COLOURS), where, right) for kinds, where, right in IN_A_SQUARE
    ]
    for number, (figures, where, right) in enumerate([*rows, *squares]):
        yield Written(
            POSITION,
            f"Which shape is {where}?",
            (right,),
            choices=turned(KINDS, right, number // 2 % len(KINDS)) if number % 2 else (),
            picture=f"position-{number:02d}",
            draw=partial(draw_figures, figures),
        )


def _row(kinds: Sequence[str], colours: Sequence[str]) -> list[Figure]:
    return [
        Figure(kind, colour, 56 + 96 * place, 140, 36)
        for place, (kind, colour) in enumerate(zip(kinds, colours, strict=True))
    ]


def _square(kinds: Sequence[str], colours: Sequence[str]) -> list[Figure]:
    return [
        Figure(kind, colour, 110 + 180 * (place % 2), 76 + 128 * (place // 2), 40)
        for place, (kind, colour) in enumerate(zip(kinds, colours, strict=True))
    ]
