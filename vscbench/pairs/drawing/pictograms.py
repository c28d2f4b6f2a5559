"""Pictograms: drawings of things, kept as data in two TOML files beside this one."""

import tomllib
from functools import cache
from importlib.resources import files

from PIL import Image

from vscbench.errors import DataError
from vscbench.pairs.drawing.shapes import (
    Placement,
    Shape,
    blank,
    draw_shapes,
    parse_shape,
    reduced,
)

GRID = 100
"""A pictogram is drawn on a square grid of this many units, origin at the upper left."""

HEIGHT_SHARE = 0.88
TABLES = ("pictograms.toml", "scene_pictograms.toml")


@cache
def pictogram_names() -> tuple[str, ...]:
    """List every pictogram, sorted."""
    return tuple(sorted(_table()))


@cache
def pictogram(name: str) -> tuple[Shape, ...]:
    """Look up the shapes of a pictogram, back to front.

    Raises:
        DataError: there is none of that name, or one of its lines cannot be read.
    """
    if name not in _table():
        raise DataError(f"drawing: no pictogram {name!r}; known: {', '.join(pictogram_names())}")
    return tuple(parse_shape(line) for line in _table()[name])


def draw_pictogram(name: str, width: int, height: int, ground: str) -> Image.Image:
    """Draw a pictogram in the middle of a plain ground.

    Args:
        name: one of ``pictogram_names()``.
        width: of the image, in pixels.
        height: of the image, in pixels.
        ground: a colour of the palette.

    Raises:
        DataError: no such pictogram or colour.
    """
    image = blank(width, height, ground)
    side = HEIGHT_SHARE * min(width, height)
    corner = Placement((width - side) / 2, (height - side) / 2, side / GRID)
    draw_shapes(image, pictogram(name), corner)
    return reduced(image)


@cache
def _table() -> dict[str, list[str]]:
    folder = files(__package__)
    tables = [tomllib.loads(folder.joinpath(name).read_text(encoding="utf-8")) for name in TABLES]
    return {name: lines for table in tables for name, lines in table.items()}
