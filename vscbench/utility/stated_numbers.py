"""Which one of the numbers in a response is the one that it states."""

import re
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Final

from vscbench.utility.numbers import Quantity, bare_quantity, is_bound, quantities
from vscbench.utility.wording import folded, is_denied, marked_answer, sentences

FEW_WORDS: Final = 3
# How many characters beside a number are looked at.
_SEEN: Final = 80
_EQUATION: Final = re.compile(r"=\s*([^=\n]+?)\s*\.?\s*$")
_REASON: Final = re.compile(r"\b(?:because|since|as|which)\b|[,;(]")
_NUMBERING: Final = re.compile(r"^\s*(\d{1,2})[.)]\s+(?=\S)", re.MULTILINE)
_OUT_OF: Final = re.compile(
    r"\s*(?:(?:[a-z]+\s+){0,2}out\s+of|of)(?:\s+(?:the|these|those|all|a\s+total\s+of))?\s*",
    re.IGNORECASE,
)
_BEFORE_RESULT: Final = re.compile(
    r"""
    (?: \b(?:makes?|making|equals?|equal\s+to|gives?|giving|leaves?|leaving|yields?|totals?
           |total?ling|sums?\s+(?:up\s+)?to|adds?\s+up\s+to|comes?\s+to|so|thus|hence|therefore
           |altogether|in\s+total)\b
      | \btotal\s+(?:number|amount|count)(?:\s+of(?:\s+[a-z]+){1,2})?
      | = )
    (?:[\s,:=]+(?:there|are|is|we|you|i|have|has|get|a|total|of|the|it|in|all|exactly|about|just|see
        |count|must|be))*
    [\s,:=$€£]*$
    """,
    re.IGNORECASE | re.VERBOSE,
)
_BEHIND_RESULT: Final = re.compile(
    r"(?:\s+[a-z]+){0,3}?\s+(?:in\s+(?:total|all)|altogether|all\s+together|total)\b", re.IGNORECASE
)
_IS: Final = re.compile(r"\b(?:is|are)\s*[$€£]?$", re.IGNORECASE)
_ARITHMETIC: Final = re.compile(
    r"\b(?:plus|minus|times|multiplied|divided|added|subtracted|sum|difference|product|quotient"
    r"|percent)\b|[+\u00d7\u00f7*%]",
    re.IGNORECASE,
)
_BREAKDOWN: Final = re.compile(r"\s-\s|[:;(]|,\s*(?:of\s+which|namely|consisting)\b")
_NONE: Final = re.compile(
    r"(?:there (?:is|are) |i (?:can )?(?:see|count) )?"
    r"(?:none(?: of (?:them|these|those)(?: (?:is|are) \w+)?)?"
    r"|no (?!idea|way|answer|image|picture|photo|information|clue|doubt|numbers?|text|need|means|"
    r"problem|question|more|fewer|less|others?|additional|one)\w+(?: \w+){0,5})"
    r"|there (?:arent|isnt|are not|is not) any \w+(?: \w+){0,5}"
)


def stated_number(said: str) -> Quantity | None:
    """Return the one number that a plain, spaced text states, or ``None``.

    What is marked as the answer decides, else the text. In it: the result of an equation, the
    only number, what a word such as "makes" or "in total" calls the result, a number whose parts
    are listed behind it, or the only one that makes a sentence alone. "No circles" is 0, "2 out
    of 3" is 2, and a bound ("at least 12") is no number.
    """
    marked = marked_answer(said)
    text = _without_numbering(said if marked is None else marked)
    equation = _EQUATION.search(text)
    result = quantities(equation[1]) if equation else []
    if equation and len(result) == 1 and not is_bound(result[0], equation[1]):
        return result[0]
    values = _without_wholes(quantities(text), text)
    if not values:
        return _nothing(text)
    if all(each.agrees_with(values[0]) for each in values):
        is_meant = not any(is_bound(each, text) for each in values)
        return values[0] if is_meant and not is_denied(text[: values[0].start]) else None
    if marked is not None:
        # "12, because 7 and 5 make 12": what stands in front of the reason.
        return _only(_REASON.split(text)[0]) or _called_result(values, text)
    return _called_result(values, text) or _broken_down(text) or _alone(text)


def _only(text: str) -> Quantity | None:
    values = quantities(text)
    return values[0] if len(values) == 1 and not is_bound(values[0], text) else None


def _without_numbering(text: str) -> str:
    """Take the numbers off lines that are numbered 1, 2 and so on."""
    numbers = [int(number) for number in _NUMBERING.findall(text)]
    is_numbered = len(numbers) > 1 and numbers == [*range(1, len(numbers) + 1)]
    return _NUMBERING.sub("", text) if is_numbered else text


def _without_wholes(values: Sequence[Quantity], text: str) -> list[Quantity]:
    """Leave out the whole that others are a part of: the three of "two of the three"."""
    wholes = {
        whole
        for part, whole in pairwise(values)
        if part.unit != "%" and _OUT_OF.fullmatch(text[part.end : whole.start])
    }
    return [each for each in values if each not in wholes]


def _nothing(text: str) -> Quantity | None:
    first = sentences(text)[:1]
    is_none = bool(first) and _NONE.fullmatch(folded(first[0]))
    return Quantity(Fraction(0), None, 0, 0) if is_none else None


def _called_result(values: Sequence[Quantity], text: str) -> Quantity | None:
    """Return the last number that is called the result, if none but its parts come after it."""
    results = [
        place for place in range(len(values)) if _is_result(values[place], values[:place], text)
    ]
    if not results:
        return None
    found, *after = values[results[-1] :]
    if is_denied(text[: found.start]) or is_bound(found, text):
        return None
    is_last = all(each.agrees_with(found) for each in after)
    return found if is_last or _adds_up(after, found) else None


def _is_result(value: Quantity, earlier: Sequence[Quantity], text: str) -> bool:
    before = text[max(value.start - _SEEN, 0) : value.start]
    if _BEFORE_RESULT.search(before) or _BEHIND_RESULT.match(text, value.end):
        return True
    sentence = sentences(before)[-1:] or [""]
    is_calculated = _ARITHMETIC.search(sentence[0]) is not None
    return len(earlier) > 1 and is_calculated and _IS.search(before) is not None


def _broken_down(text: str) -> Quantity | None:
    """Return a number in front whose parts are listed behind it: "3 - one red, two blue"."""
    found = _BREAKDOWN.search(text)
    if not found:
        return None
    whole = bare_quantity(text[: found.start()], FEW_WORDS)
    parts = quantities(text[found.end() :])
    return whole if whole and _adds_up(parts, whole) else None


def _adds_up(parts: Sequence[Quantity], whole: Quantity) -> bool:
    return len(parts) > 1 and sum(each.value for each in parts) == whole.value


def _alone(text: str) -> Quantity | None:
    """Return the number of the only sentence that says no more than that."""
    parts = sentences(text)
    # "1." before a sentence numbers it.
    kept = [part for part in parts[:-1] if not re.fullmatch(r"\d{1,2}[.)]", part)] + parts[-1:]
    bare = [found for part in kept if (found := bare_quantity(part, FEW_WORDS))]
    return bare[0] if len(bare) == 1 else None
