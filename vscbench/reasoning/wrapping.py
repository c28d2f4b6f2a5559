"""The marks around a final answer, which are no part of it."""

import re
from functools import lru_cache
from typing import Final

from vscbench.reasoning.forms import ANSWER_ENDS, ANSWER_FORMS

# Models put one mark into another: <answer><|begin_of_box|>yes<|end_of_box|></answer>.
_DEEPEST: Final = 3


def unwrapped(text: str) -> str:
    """Return a final answer without the marks that enclose it and the tokens behind it."""
    text = _without_ends(text)
    for _ in range(_DEEPEST):
        inner = _unwrapped_once(text)
        if inner is None:
            break
        text = _without_ends(inner)
    return text


def _unwrapped_once(text: str) -> str | None:
    for opening, closing in _wrappers():
        opened = opening.match(text)
        if opened is not None:
            closed = [*closing.finditer(text, opened.end())][-1:]
            start, end = closed[0].span() if closed else (len(text), len(text))
            return text[opened.end() : start] + text[end:]
    return None


def _without_ends(text: str) -> str:
    text = text.strip()
    end = len(text)
    while text.endswith(ANSWER_ENDS, 0, end):
        end -= next(len(each) for each in ANSWER_ENDS if text.endswith(each, 0, end))
        while end and text[end - 1].isspace():
            end -= 1
    return text[:end]


@lru_cache(maxsize=1)
def _wrappers() -> tuple[tuple[re.Pattern[str], re.Pattern[str]], ...]:
    return tuple((re.compile(opening), re.compile(closing)) for opening, closing in ANSWER_FORMS)
