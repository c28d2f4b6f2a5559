"""Lettering: text in the shipped font, wrapped and fitted, alike on every machine."""

import unicodedata
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

from vscbench.errors import DataError

FONTS = Path(__file__).parent.parent / "fonts"
BOLD = "OpenSans-Bold.ttf"
REGULAR = "OpenSans-Regular.ttf"
LINE_SPACING = 1.3
"""From one base line to the next, in font sizes."""

SHADES = 16
"""Steps from ground to letter at a letter's edge: as smooth to the eye as 256, in smaller files."""

ABSENT = "\uffff"
"""A code point that Unicode keeps free for ever: any font answers it with its box."""


class Letters(NamedTuple):
    """How text looks: a shipped face, a size in pixels, and red, green and blue."""

    face: str
    size: int
    colour: tuple[int, int, int]


_SHADED = [value * SHADES // 256 * 255 // (SHADES - 1) for value in range(256)]


@cache
def font(face: str, size: int) -> ImageFont.FreeTypeFont:
    """Open a shipped font; ``size`` in pixels.

    The basic layout is named because Pillow would take Raqm where a machine happens to have it.
    """
    return ImageFont.truetype(FONTS / face, size, layout_engine=ImageFont.Layout.BASIC)


def clean(text: str, face: str) -> str:
    """Compose the text's characters, and make sure that the font has every one.

    Raises:
        DataError: nothing visible to draw, or a character that the font lacks.
    """
    composed = " ".join(unicodedata.normalize("NFC", text).split())
    if not composed:
        raise DataError("drawing: there is no text to draw")
    for character in composed:
        if not _drawable(face, character):
            name = unicodedata.name(character, "no name")
            raise DataError(
                f"drawing: the font {Path(face).stem} has no character {character!r} "
                f"(U+{ord(character):04X}, {name}), needed for {text!r}; "
                "leave it out, or draw this image yourself"
            )
    return composed


def wrap(text: str, face: str, size: int, width: int) -> list[str]:
    """Break text into lines of at most ``width`` pixels, within a word only if it is longer."""
    lines = [""]
    for word in text.split():
        joined = f"{lines[-1]} {word}".strip()
        if _length(joined, face, size) <= width:
            lines[-1] = joined
        else:
            lines += _pieces(word, face, size, width)
    return [line for line in lines if line]


def fitting_size(
    text: str, face: str, sizes: Sequence[int], width: int, height: float
) -> tuple[int, list[str]]:
    """Choose the first size at which no word is broken and all lines fit; else the last."""
    for size in sizes:
        lines = wrap(text, face, size, width)
        words_whole = " ".join(lines) == text
        if words_whole and len(lines) * LINE_SPACING * size <= height:
            return size, lines
    return sizes[-1], wrap(text, face, sizes[-1], width)


def block_height(lines: Sequence[str], size: int) -> int:
    """Say how many pixels a block of lines takes."""
    return round(len(lines) * LINE_SPACING * size)


def write_centred(
    image: Image.Image, lines: Sequence[str], centre: tuple[float, float], letters: Letters
) -> None:
    """Write lines around a centre, in pixels."""
    top = round(centre[1] - block_height(lines, letters.size) / 2)
    for number, line in enumerate(lines):
        left = round(centre[0] - _length(line, letters.face, letters.size) / 2)
        _write(image, line, (left, top + _offset(number, letters.size)), letters)


def write_left(
    image: Image.Image, lines: Sequence[str], corner: tuple[int, int], letters: Letters
) -> None:
    """Write lines below one another from an upper left corner, in pixels."""
    left, top = corner
    for number, line in enumerate(lines):
        _write(image, line, (left, top + _offset(number, letters.size)), letters)


def _offset(line_number: int, size: int) -> int:
    return round(line_number * LINE_SPACING * size)


def _write(image: Image.Image, line: str, corner: tuple[int, int], letters: Letters) -> None:
    # Anchored at the middle of the line's height, so that a line's place is the same whatever
    # letters it has.
    middle = corner[1] + round(LINE_SPACING * letters.size / 2)
    face = font(letters.face, letters.size)
    mask = Image.new("L", image.size)
    ImageDraw.Draw(mask).text((corner[0], middle), line, font=face, fill=255, anchor="lm")
    image.paste(letters.colour, mask=mask.point(_SHADED))


def _length(text: str, face: str, size: int) -> float:
    return font(face, size).getlength(text)


def _pieces(word: str, face: str, size: int, width: int) -> list[str]:
    pieces = [""]
    for character in word:
        if pieces[-1] and _length(pieces[-1] + character, face, size) > width:
            pieces.append("")
        pieces[-1] += character
    return pieces


@cache
def _drawable(face: str, character: str) -> bool:
    if unicodedata.category(character).startswith("C"):
        return False
    return character == " " or _picture(face, character) != _picture(face, ABSENT)


def _picture(face: str, character: str) -> tuple[tuple[int, int], bytes]:
    mask = font(face, 32).getmask(character)
    return mask.size, bytes(mask)
