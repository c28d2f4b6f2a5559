"""Untrusted text on its way to a terminal or a log: shown, never obeyed."""

import re
import unicodedata
from typing import Final

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


def harmless(text: str) -> str:
    """Show orders to a service that runs builds, whatever line they begin; other text stays."""
    return _ORDERS.sub(_told, text)


def _told(order: re.Match[str]) -> str:
    return "\\x23" if order[2] else f"{order[1]}\\x3a"


def _shown(character: str) -> str:
    if character == "\n":
        return "\n" + " " * 10
    if unicodedata.category(character)[0] == "C" or character in "\u2028\u2029":
        return character.encode("unicode_escape", "surrogatepass").decode("ascii")
    return character
