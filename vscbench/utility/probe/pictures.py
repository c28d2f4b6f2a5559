"""What the pictures of the shipped set are drawn from: signs, shapes, bars, tables."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from PIL import Image

from vscbench.pairs.drawing.lettering import BOLD, REGULAR, Letters, write_centred, write_left
from vscbench.pairs.drawing.palette import COLOURS
from vscbench.pairs.drawing.shapes import (
    Placement,
    blank,
    draw_shapes,
    parse_shape,
    reduced,
)

INK: Final = COLOURS["ink"]
PIXELS: Final = Placement(0, 0, 1)
STAR_POINTS: Final = 5
# The inner radius of a star's points, as a share of the outer.
STAR_WAIST: Final = 0.42
MARGIN: Final = 24


class Figure(NamedTuple):
    """A shape on a picture: its kind and colour, and its centre and half its width in pixels."""

    kind: str
    colour: str
    x: float
    y: float
    radius: float


def draw_sign(lines: Sequence[str], ground: str) -> Image.Image:
    """Draw lines of text on a coloured board, the longest line decides their size."""
    width, height, size = 400, 60 + 56 * len(lines), 34
    image = _filled(width, height, [f"rect {ground} 10 10 {width - 20} {height - 20} 14"], "white")
    for number, line in enumerate(lines):
        middle = 30 + 56 * number + 28
        face = BOLD if line.isupper() else REGULAR
        write_centred(image, [line], (width / 2, middle), Letters(face, size, INK))
    return image


def draw_figures(figures: Iterable[Figure], width: int = 400, height: int = 280) -> Image.Image:
    """Draw shapes on white, within a thin frame."""
    lines = [
        f"rect silver 0 0 {width} {height}",
        f"rect white 3 3 {width - 6} {height - 6}",
        *map(figure_line, figures),
    ]
    return _filled(width, height, lines, "white")


def figure_line(figure: Figure) -> str:
    """Write a circle, square, triangle or star in the drawing language."""
    kind, colour, x, y, radius = figure
    if kind == "circle":
        return f"disc {colour} {x} {y} {radius}"
    if kind == "square":
        side = 1.8 * radius
        return f"rect {colour} {x - side / 2:.2f} {y - side / 2:.2f} {side:.2f} {side:.2f}"
    corners = 3 if kind == "triangle" else 2 * STAR_POINTS
    points = []
    for corner in range(corners):
        reach = radius * (STAR_WAIST if kind == "star" and corner % 2 else 1.1)
        angle = 2 * math.pi * corner / corners
        points.append(f"{x + reach * math.sin(angle):.2f} {y - reach * math.cos(angle):.2f}")
    return f"poly {colour} {' '.join(points)}"


def draw_bars(title: str, bars: Mapping[str, int], step: int, top: int) -> Image.Image:
    """Draw a bar chart whose bars end at the lines of its scale.

    Args:
        title: above the chart.
        bars: the height of each bar, a multiple of ``step``.
        step: between two lines of the scale.
        top: the highest line.
    """
    width, height = 480, 320
    left, right, base, high = 64, width - 20, height - 48, 56
    unit = (base - high) / top
    lines = [
        f"rect silver {left} {base - value * unit - 1:.2f} {right - left} 2"
        for value in range(0, top + 1, step)
    ]
    slot = (right - left) / len(bars)
    for number, value in enumerate(bars.values()):
        x = left + slot * number + slot * 0.2
        lines.append(
            f"rect blue {x:.2f} {base - value * unit:.2f} {slot * 0.6:.2f} {value * unit:.2f}"
        )
    lines.append(f"rect ink {left} {base} {right - left} 2")
    image = _filled(width, height, lines, "white")
    write_centred(image, [title], (width / 2, 26), Letters(BOLD, 22, INK))
    for value in range(0, top + 1, step):
        beside = (left - 24, base - value * unit)
        write_centred(image, [str(value)], beside, Letters(REGULAR, 18, INK))
    for number, name in enumerate(bars):
        below = (left + slot * (number + 0.5), base + 22)
        write_centred(image, [name], below, Letters(REGULAR, 18, INK))
    return image


def draw_table(rows: Sequence[Sequence[str]]) -> Image.Image:
    """Draw a table whose first row is its head."""
    column, line = 140, 42
    width, height = column * len(rows[0]) + 2 * MARGIN, line * len(rows) + 2 * MARGIN
    rules = [f"rect sky {MARGIN} {MARGIN} {width - 2 * MARGIN} {line}"]
    rules += [
        f"rect grey {MARGIN} {MARGIN + line * number} {width - 2 * MARGIN} 1"
        for number in range(len(rows) + 1)
    ]
    rules += [
        f"rect grey {MARGIN + column * number} {MARGIN} 1 {height - 2 * MARGIN}"
        for number in range(len(rows[0]) + 1)
    ]
    image = _filled(width, height, rules, "white")
    for number, row in enumerate(rows):
        face = Letters(REGULAR if number else BOLD, 20, INK)
        for place, cell in enumerate(row):
            centre = (MARGIN + column * (place + 0.5), MARGIN + line * (number + 0.5))
            write_centred(image, [cell], centre, face)
    return image


def draw_receipt(title: str, items: Mapping[str, str]) -> Image.Image:
    """Draw a list of things, each with what it costs or weighs, on a slip of paper."""
    width, height, line = 340, 84 + 40 * len(items), 40
    image = _filled(width, height, [f"rect paper 8 8 {width - 16} {height - 16}"], "silver")
    write_centred(image, [title], (width / 2, 36), Letters(BOLD, 24, INK))
    for number, (name, amount) in enumerate(items.items()):
        top = 60 + line * number
        write_left(image, [name], (30, top), Letters(REGULAR, 22, INK))
        write_left(image, [amount], (230, top), Letters(REGULAR, 22, INK))
    return image


def draw_sum(text: str) -> Image.Image:
    """Draw one line large on a board."""
    image = _filled(400, 140, ["rect pine 6 6 388 128 10"], "tan")
    write_centred(image, [text], (200, 70), Letters(BOLD, 52, COLOURS["white"]))
    return image


def _filled(width: int, height: int, lines: Iterable[str], ground: str) -> Image.Image:
    image = blank(width, height, ground)
    draw_shapes(image, map(parse_shape, lines), PIXELS)
    return reduced(image)
