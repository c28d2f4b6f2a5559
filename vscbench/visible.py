"""Untrusted text on its way to a terminal: shown, never obeyed."""

import unicodedata


def visible(text: str, limit: int) -> str:
    """Cut text, and show control and invisible characters instead of obeying them."""
    shown = "".join(map(_shown, text[:limit]))
    rest = len(text) - limit
    return f"{shown} [... {rest} more characters]" if rest > 0 else shown


def _shown(character: str) -> str:
    if character == "\n":
        return "\n" + " " * 10
    if unicodedata.category(character)[0] == "C" or character in "\u2028\u2029":
        return character.encode("unicode_escape", "surrogatepass").decode("ascii")
    return character
