"""Untrusted text on its way to a terminal or a log: shown, never obeyed."""

import re
import textwrap
import unicodedata
from typing import Final

# Stands for the second column of a wide character while a text is wrapped; no shown text has it.
_SECOND_COLUMN: Final = "\x00"
# What a service that runs builds takes for an order in a log: GitHub a line that begins with two
# colons, behind spaces too, or ##[...] anywhere in it (ActionCommand.cs of actions/runner), Azure
# ##vso[...], TeamCity ##teamcity[...].
_ORDERS: Final = re.compile(r"^(\s*):(?=:)|(#)(?=#\w*\[)", re.MULTILINE)


def visible(text: str, limit: int) -> str:
    """Cut text, and show control and invisible characters instead of obeying them."""
    shown = harmless("".join(map(_shown, text[:limit])))
    rest = len(text) - limit
    return f"{shown} [... {rest} more characters]" if rest > 0 else shown


def one_line(text: str, limit: int) -> str:
    """Do the same, on one line."""
    return visible(" ".join(text[: 2 * limit].split()), limit)


def escaped(text: str) -> str:
    """Show control and invisible characters, line breaks too: a name stays on its line."""
    return harmless("".join(map(_escape, text)))


def escaped_lines(text: str) -> str:
    """Do the same with a message of several lines, which stay lines."""
    return "\n".join(map(escaped, text.split("\n")))


def columns(text: str) -> int:
    """Return how many columns of a terminal a shown text takes: two for a Chinese character."""
    return sum(map(_width, text))


def padded(text: str, width: int) -> str:
    """Bring a shown text to a width, with spaces behind it, or cut with dots."""
    if columns(text) > width:
        end = next(end for end in range(len(text), -1, -1) if columns(text[:end]) <= width - 3)
        text = f"{text[:end]}..."
    return text + " " * (width - columns(text))


def wrapped(text: str, width: int, hanging: str) -> list[str]:
    """Break a shown text into lines of a terminal; names stay whole where they fit.

    Args:
        text: one paragraph.
        width: of a line, in columns.
        hanging: what every line but the first begins with.
    """
    spread = "".join(character + _SECOND_COLUMN * (_width(character) - 1) for character in text)
    # Where a line breaks within a wide character, it goes to that line whole.
    room = width - 1 if _SECOND_COLUMN in spread else width
    lines = textwrap.wrap(spread, room, subsequent_indent=hanging, break_on_hyphens=False)
    return [harmless(line.replace(_SECOND_COLUMN, "")) for line in lines]


def harmless(text: str) -> str:
    """Show orders to a service that runs builds, whatever line they begin; other text stays."""
    return _ORDERS.sub(_told, text)


def _told(order: re.Match[str]) -> str:
    return "\\x23" if order[2] else f"{order[1]}\\x3a"


def _shown(character: str) -> str:
    return "\n" + " " * 10 if character == "\n" else _escape(character)


def _escape(character: str) -> str:
    if unicodedata.category(character)[0] == "C" or character in "\u2028\u2029":
        return character.encode("unicode_escape", "surrogatepass").decode("ascii")
    return character


def _width(character: str) -> int:
    if character < "\u0300":
        return 1
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
