"""The drawing language: a picture as lines such as ``disc red 50 50 20``, and its filling.

A line is a kind, a colour and numbers in the picture's own grid:

- ``rect COLOUR x y width height [corner-radius]``
- ``disc COLOUR x y radius [radius-y]`` and ``ring COLOUR x y radius width``
- ``poly COLOUR x y x y ...`` (straight) and ``blob COLOUR x y x y ...`` (smooth), both closed
- ``line COLOUR width x y x y ...`` (straight) and ``curve COLOUR width x y ...`` (smooth), open
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from math import ceil
from typing import NamedTuple

from PIL import Image, ImageDraw

from vscbench.errors import DataError
from vscbench.pairs.drawing import outlines
from vscbench.pairs.drawing.outlines import Outline, Point
from vscbench.pairs.drawing.palette import COLOURS

OVERSAMPLING = 3
"""Shapes are filled at this multiple of the final size; the reduction smooths their edges."""


class Placement(NamedTuple):
    """Where a picture's grid lies: its origin in pixels, and pixels per grid unit."""

    x: float
    y: float
    scale: float


class Shape(NamedTuple):
    """One filled part of a picture: the outlines (in its grid) and the name of their colour."""

    colour: str
    outlines: tuple[Outline, ...]


def parse_shape(line: str) -> Shape:
    """Read one line of the drawing language.

    Raises:
        DataError: an unknown kind or colour, or numbers that do not fit the kind.
    """
    kind, colour, *words = (*line.split(), "", "")
    if kind not in _KINDS:
        raise DataError(f"drawing: no kind {kind!r} in {line!r}; known: {', '.join(_KINDS)}")
    try:
        numbers = [float(word) for word in words if word]
        return Shape(colour, _KINDS[kind](numbers))
    except (ValueError, TypeError, IndexError) as error:
        raise DataError(f"drawing: the numbers of {line!r} do not make a {kind}") from error


def draw_shapes(
    image: Image.Image,
    shapes: Iterable[Shape],
    placement: Placement,
    names: Mapping[str, str] | None = None,
) -> None:
    """Fill shapes in order onto an oversampled RGB image.

    Args:
        image: what is drawn on, at ``OVERSAMPLING`` times its final size.
        shapes: the parts, from back to front.
        placement: in final pixels.
        names: colour names that stand for others, such as ``tint``.

    Raises:
        DataError: a colour that the palette lacks.
    """
    canvas = ImageDraw.Draw(image)
    for shape in shapes:
        colour = colour_named((names or {}).get(shape.colour, shape.colour))
        for outline in shape.outlines:
            _fill(canvas, [_placed(contour, placement) for contour in outline], colour)


def colour_named(name: str) -> tuple[int, int, int]:
    """Look a colour up in the palette.

    Raises:
        DataError: there is none of that name.
    """
    if name not in COLOURS:
        raise DataError(f"drawing: no colour {name!r}; known: {', '.join(sorted(COLOURS))}")
    return COLOURS[name]


def blank(width: int, height: int, ground: str) -> Image.Image:
    """Make an oversampled RGB image of one colour, for a picture of the given final size."""
    size = (width * OVERSAMPLING, height * OVERSAMPLING)
    return Image.new("RGB", size, colour_named(ground))


def reduced(image: Image.Image) -> Image.Image:
    """Bring an oversampled image to its final size: each pixel the mean of those it covers."""
    return image.reduce(OVERSAMPLING)


def _rect(numbers: Sequence[float]) -> tuple[Outline, ...]:
    return (outlines.rectangle((numbers[0], numbers[1]), *numbers[2:]),)


def _disc(numbers: Sequence[float]) -> tuple[Outline, ...]:
    x, y, radius_x, *radius_y = numbers
    return (outlines.ellipse((x, y), radius_x, *(radius_y or [radius_x])),)


def _ring(numbers: Sequence[float]) -> tuple[Outline, ...]:
    return (outlines.ring((numbers[0], numbers[1]), *numbers[2:]),)


def _poly(numbers: Sequence[float]) -> tuple[Outline, ...]:
    return (outlines.polygon(_points(numbers)),)


def _blob(numbers: Sequence[float]) -> tuple[Outline, ...]:
    return (outlines.blob(_points(numbers)),)


def _line(numbers: Sequence[float]) -> tuple[Outline, ...]:
    return outlines.stroke(_points(numbers[1:]), numbers[0])


def _curve(numbers: Sequence[float]) -> tuple[Outline, ...]:
    return outlines.curve(_points(numbers[1:]), numbers[0])


_KINDS: Mapping[str, Callable[[Sequence[float]], tuple[Outline, ...]]] = {
    "rect": _rect,
    "disc": _disc,
    "ring": _ring,
    "poly": _poly,
    "blob": _blob,
    "line": _line,
    "curve": _curve,
}


def _points(numbers: Sequence[float]) -> list[Point]:
    return list(zip(numbers[0::2], numbers[1::2], strict=True))


def _placed(contour: Sequence[Point], placement: Placement) -> list[Point]:
    left, top, scale = (OVERSAMPLING * value for value in placement)
    return [(left + scale * x, top + scale * y) for x, y in contour]


def _fill(
    canvas: ImageDraw.ImageDraw, contours: Sequence[Sequence[Point]], colour: tuple[int, int, int]
) -> None:
    # Row by row with whole numbers: Pillow's own polygon edges are computed in C floats.
    for row, crossings in _crossings(contours).items():
        ordered = sorted(crossings)
        for left, right in zip(ordered[0::2], ordered[1::2], strict=True):
            first, last = ceil(left - 0.5), ceil(right - 0.5) - 1
            if first <= last:
                canvas.rectangle((first, row, last, row), fill=colour)


def _crossings(contours: Sequence[Sequence[Point]]) -> dict[int, list[float]]:
    crossings: defaultdict[int, list[float]] = defaultdict(list)
    for contour in contours:
        for (x, y), (end_x, end_y) in pairwise((*contour, contour[0])):
            top, bottom = min(y, end_y), max(y, end_y)
            for row in range(ceil(top - 0.5), ceil(bottom - 0.5)):
                crossings[row].append(x + (row + 0.5 - y) * (end_x - x) / (end_y - y))
    return crossings
