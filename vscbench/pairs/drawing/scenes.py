"""Scenes: a frame (a bottle, a poster, a door ...) that bears a pictogram and a readable label."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from PIL import Image

from vscbench.errors import DataError
from vscbench.pairs.drawing.lettering import BOLD, Letters, clean, fitting_size, write_centred
from vscbench.pairs.drawing.pictograms import GRID, pictogram
from vscbench.pairs.drawing.shapes import (
    Placement,
    Shape,
    blank,
    colour_named,
    draw_shapes,
    parse_shape,
    reduced,
)

SIDE = 480
"""Width and height of a scene in pixels."""

LABEL_SIZES = tuple(range(56, 19, -4))


@dataclass(frozen=True, slots=True)
class Scene:
    """What is to be seen: which frame, the text on it, the pictogram in it, and its colours."""

    frame: str
    label: str
    pictogram: str
    tint: str
    ground: str


@dataclass(frozen=True, slots=True)
class Frame:
    """A thing that bears a label; all measures on the scene's grid of 100 by 100 units.

    ``label`` is the left, top, width and height of its text; ``picture`` the left, top and side
    of its pictogram.
    """

    shapes: tuple[Shape, ...]
    label: tuple[float, float, float, float]
    label_colour: str
    picture: tuple[float, float, float]


def frame_names() -> tuple[str, ...]:
    """List every frame, sorted."""
    return tuple(sorted(_table()))


def draw_scene(scene: Scene) -> Image.Image:
    """Draw a scene, 480 by 480 pixels.

    Raises:
        DataError: an unknown frame, pictogram or colour, or a character that the font lacks.
    """
    frame = _frame(scene.frame)
    image = blank(SIDE, SIDE, scene.ground)
    unit = SIDE / GRID
    draw_shapes(image, frame.shapes, Placement(0, 0, unit), {"tint": scene.tint})
    left, top, side = (unit * value for value in frame.picture)
    draw_shapes(image, pictogram(scene.pictogram), Placement(left, top, side / GRID))
    final = reduced(image)
    _write_label(final, frame, scene.label)
    return final


def _write_label(image: Image.Image, frame: Frame, text: str) -> None:
    left, top, width, height = (SIDE / GRID * value for value in frame.label)
    size, lines = fitting_size(clean(text, BOLD), BOLD, LABEL_SIZES, int(width), height)
    letters = Letters(BOLD, size, colour_named(frame.label_colour))
    write_centred(image, lines, (left + width / 2, top + height / 2), letters)


@cache
def _frame(name: str) -> Frame:
    if name not in _table():
        raise DataError(f"drawing: no frame {name!r}; known: {', '.join(frame_names())}")
    entry = _table()[name]
    return Frame(
        shapes=tuple(parse_shape(line) for line in entry["shapes"]),
        label=tuple(entry["label"]),
        label_colour=entry["label_colour"],
        picture=tuple(entry["picture"]),
    )


@cache
def _table() -> dict[str, dict[str, Any]]:
    text = files(__package__).joinpath("frames.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
