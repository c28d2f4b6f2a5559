"""Untrusted text on its way to a page: shown, never obeyed, and never longer than it may be."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from markupsafe import escape

from vscbench.visible import visible

LONGEST: Final = 20_000  # characters of one text, however few texts there are
SHORTEST: Final = 400  # characters that every text may have, however many there are
FOLDED_FROM: Final = 480
UNFOLDED: Final = 320
LINES_UNFOLDED: Final = 8


@dataclass(frozen=True, slots=True)
class Passage:
    """A text as the page holds it.

    ``start`` is seen at once and ``rest`` folded away; ``left_out`` characters are not there.
    """

    start: str
    rest: str
    left_out: int


def shown(text: str) -> str:
    """Return text with control and invisible characters as escapes; line breaks and tabs stay."""
    unix = text.replace("\r\n", "\n")
    if unix.replace("\n", " ").replace("\t", " ").isprintable():
        return unix
    return "".join(each if each in "\n\t" else visible(each, 1) for each in unix)


def passage(text: str, limit: int) -> Passage:
    """Cut and fold a text.

    Args:
        text: any text.
        limit: how many bytes it may take in the page, about (``common_limit``).
    """
    weight = page_bytes(text)
    kept = min(len(text), LONGEST)
    if weight > limit:
        kept = kept * limit // weight
    whole = shown(text[:kept])
    start = _start(whole)
    return Passage(start, whole[len(start) :], len(text) - kept)


def page_bytes(text: str) -> int:
    """Return how many bytes a text takes in the page, once it is cut, shown and escaped."""
    return len(str(escape(shown(text[:LONGEST]))).encode())


def common_limit(sizes: Iterable[int], budget: int) -> int:
    """Return the one limit for every text that keeps all of them together within a budget.

    Short texts stay whole and leave their room to long ones. The limit is never below
    ``SHORTEST``.

    Args:
        sizes: of the texts, in bytes of the page.
        budget: in bytes, for all of them.
    """
    ordered = sorted(sizes)
    room = budget
    for place, size in enumerate(ordered):
        share = room // (len(ordered) - place)
        if size > share:
            return max(share, SHORTEST)
        room -= size
    return max(ordered[-1], SHORTEST) if ordered else SHORTEST


def _start(text: str) -> str:
    """Return what of a text is seen before it is unfolded: all of it, or whole words."""
    lines = text.split("\n", LINES_UNFOLDED)
    if len(text) <= FOLDED_FROM and len(lines) <= LINES_UNFOLDED:
        return text
    head = "\n".join(lines[:LINES_UNFOLDED])[:UNFOLDED]
    words, space, _ = head.rpartition(" ")
    return words + space if len(words) > UNFOLDED // 2 else head
