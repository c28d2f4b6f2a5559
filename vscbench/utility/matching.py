"""Whether a response says the accepted words as its one answer."""

import re
from typing import Final

from vscbench.utility.numbers import bare_quantity
from vscbench.utility.places import without_country
from vscbench.utility.wording import folded, is_denied, rejection

FEW_WORDS: Final = 3
REACH: Final = 4
_ITEMS: Final = re.compile(r"\s*(?:[,;/|\n]|\bor\b|\band\b)\s*", re.IGNORECASE)
# Of one class, two words side by side are another answer: "north west", "red blue green".
_CLASSES: Final = tuple(
    frozenset(words.split())
    for words in (
        "red orange yellow green blue purple violet pink brown black white grey gray cyan magenta",
        "north east south west",
        "monday tuesday wednesday thursday friday saturday sunday",
        "january february march april may june july august september october november december",
    )
)
_OPPOSITES: Final = {"left": "right", "right": "left", "above": "below", "below": "above"}


def says(part: str, answer: str) -> bool:
    """Whether a plain text says this answer, as one thing, and does not deny it or list others.

    Args:
        part: of a response, one that may state its answer.
        answer: as the question's set has it.
    """
    words = folded(answer)
    if folded(part) == words or _same_number(answer, part):
        return True
    part = without_country(part)
    if _is_list(part, words) or _is_cut_from_capitals(part, answer):
        return False
    said = f" {folded(part)} "
    if _is_part_of_a_row(part, words) or _is_mirrored(said, words):
        return False
    return any(
        _is_affirmed(said[: found.start()], said[found.end() :])
        for found in re.finditer(rf"(?<= ){re.escape(words)}(?= )", said)
    )


def _is_affirmed(before: str, after: str) -> bool:
    ahead, behind = before.split()[-REACH:], after.split(maxsplit=1)[:1]
    if ahead[-1:] == ["or"] or behind == ["or"]:
        return False
    # Of an open question only these words: what "is wrong" may well be what was asked for.
    called_wrong = {"answer", "choice", "option"} & {*rejection(after).split()}
    return not is_denied(" ".join(ahead)) and not called_wrong


def _is_part_of_a_row(part: str, words: str) -> bool:
    """Whether another word of its class stands beside the word, with nothing between them."""
    others = "|".join(*[sorted(each - {words}) for each in _CLASSES if words in each] or [[]])
    beside = rf"\b(?:{others})[ -]{words}\b|\b{words}[ -](?:{others})\b"
    return bool(others) and bool(re.search(beside, part.casefold()))


def _same_number(answer: str, part: str) -> bool:
    wanted, given = bare_quantity(answer, 0), bare_quantity(part, FEW_WORDS)
    return wanted is not None and given is not None and given.agrees_with(wanted)


def _is_list(part: str, words: str) -> bool:
    """Whether a text is a bare list of short things, of which the words are but one."""
    items = [item for item in (folded(each) for each in _ITEMS.split(part)) if item]
    short = [item for item in items if len(item.split()) <= FEW_WORDS]
    own = len([item for item in (folded(each) for each in _ITEMS.split(words)) if item])
    return len(items) > own and len(short) >= len(items) - 1 and len(short) > own


def _is_cut_from_capitals(part: str, answer: str) -> bool:
    """Whether an answer in capitals stands only within longer words in capitals: STOP AHEAD."""
    text = " ".join(answer.split())
    is_quoted = re.fullmatch(r"[A-Z0-9 ]*[A-Z]{2}[A-Z0-9 ]*", text)
    if not is_quoted or part == part.upper():
        return False
    runs = re.findall(r"\b[A-Z0-9]{2,}(?: +[A-Z0-9]{2,})*\b", part)
    holding = [run for run in runs if f" {text} " in f" {run} "]
    return bool(holding) and text not in holding


def _is_mirrored(said: str, words: str) -> bool:
    """Whether the words only turn round what was said first.

    "A is right of B, and B is left of A" says right of A, not left.
    """
    other = _OPPOSITES.get(words)
    if other is None:
        return False
    first = rf"(?P<one>\w+) (?:is|are) (?:\w+ )?(?:to |on )?{other} (?:of )?(?:\w+ )?(?P<two>\w+) "
    second = rf"(?:\w+ ){{0,3}}?(?P=two) (?:is|are) (?:\w+ )?(?:to |on )?{words} (?:of )?"
    return bool(re.search(rf"{first}{second}(?:\w+ )?(?P=one) ", said))
