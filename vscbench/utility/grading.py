"""Whether a response gives the accepted answer to a question."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from vscbench.utility.choosing import chosen_letter
from vscbench.utility.numbers import Quantity, bare_quantity, quantities, spaced
from vscbench.utility.questions import Grading, Question
from vscbench.utility.wording import (
    folded,
    is_denied,
    is_refusal,
    marked_answer,
    plain,
    sentences,
    stated,
)

# Part of every verdict's key: to be raised with any change of what counts as right.
GRADING_VERSION: Final = 1
LONGEST_READ: Final = 80
YES_OR_NO: Final = ("yes", "no")
FEW_WORDS: Final = 3
REACH: Final = 4
_QUOTES: Final = "\"'`\u2018\u2019\u201c\u201d*"
_EQUATION: Final = re.compile(r"=\s*([^=\n]+?)\s*\.?\s*$")
_ITEMS: Final = re.compile(r"\s*(?:[,;/|\n]|\bor\b|\band\b)\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Grade:
    """Whether a response is right, and what was read as its answer, ``None`` where nothing was."""

    correct: bool
    read: str | None


def grade(question: Question, text: str) -> Grade:
    """Hold a response against the accepted answers.

    A blank text and a refusal are wrong, whatever words they hold.

    Args:
        question: what was asked; its ``grading`` says how the two are compared.
        text: the response as the model gave it.
    """
    if question.grading is Grading.EXACT:
        return _exact(question.answers, text)
    said = plain(text)
    if not said or is_refusal(said):
        return Grade(False, None)
    if question.grading is Grading.CHOICE:
        letter = chosen_letter(said, question.choices)
        return Grade(letter in question.answers, letter)
    if question.grading is Grading.NUMBER:
        return _number(question.answers, spaced(said))
    return _match(question.answers, said)


def _exact(answers: Sequence[str], text: str) -> Grade:
    """Compare letter by letter; blanks and one pair of quotes or marks around it are forgiven."""
    said = text.strip()
    bare = said.strip(_QUOTES).strip()
    right = next((each for each in (said, bare) if each in answers), None)
    return Grade(right is not None, _shown(right or said) or None)


def _number(answers: Sequence[str], said: str) -> Grade:
    stated_number = _stated_number(said)
    if stated_number is None:
        return Grade(False, None)
    accepted = [found[0] for answer in answers if (found := quantities(spaced(answer.casefold())))]
    right = any(stated_number.agrees_with(each) for each in accepted)
    value = stated_number.value
    read = str(value) if value.denominator == 1 else f"{float(value):g}"
    return Grade(right, _shown(f"{read} {stated_number.unit or ''}".strip()))


def _stated_number(said: str) -> Quantity | None:
    """Return the one number that a text states: marked, alone in its sentence, or the only one."""
    marked = marked_answer(said)
    text = said if marked is None else marked
    equation = _EQUATION.search(text)
    result = quantities(equation[1]) if equation else []
    if len(result) == 1:
        return result[0]
    values = quantities(text)
    if values and all(each.agrees_with(values[0]) for each in values):
        return None if is_denied(text[: values[0].start]) else values[0]
    if marked is not None:
        # "12, because 7 and 5 make 12": what stands in front of the reason.
        head = re.split(r"\b(?:because|since|as|which)\b|[,;(]", marked)[0]
        first = quantities(head)
        return first[0] if len(first) == 1 else None
    bare = [found for part in sentences(said) if (found := bare_quantity(part, FEW_WORDS))]
    return bare[0] if len(bare) == 1 else None


def _match(answers: Sequence[str], said: str) -> Grade:
    accepted = {folded(answer): answer for answer in answers if folded(answer)}
    if set(accepted) <= set(YES_OR_NO):
        word = _yes_or_no(said)
        return Grade(word in accepted, word)
    for part in stated(said):
        for words, answer in accepted.items():
            if folded(part) == words or _same_number(answer, part) or _states(part, words):
                return Grade(True, _shown(answer))
    return Grade(False, _shown(stated(said)[0]))


def _same_number(answer: str, part: str) -> bool:
    wanted, given = bare_quantity(answer, 0), bare_quantity(part, FEW_WORDS)
    return wanted is not None and given is not None and given.agrees_with(wanted)


def _states(part: str, words: str) -> bool:
    """Whether a text says these words, as one thing, and does not deny them or list others."""
    if _is_list(part, words):
        return False
    said = f" {folded(part)} "
    for found in re.finditer(rf"(?<= ){re.escape(words)}(?= )", said):
        before, after = said[: found.start()].split(), said[found.end() :].split()
        hedged = before[-1:] == ["or"] or after[:1] == ["or"]
        if not hedged and not is_denied(" ".join(before[-REACH:])):
            return True
    return False


def _is_list(part: str, words: str) -> bool:
    """Whether a text is a bare list of short things, of which the words are but one."""
    items = [item for item in (folded(each) for each in _ITEMS.split(part)) if item]
    short = [item for item in items if len(item.split()) <= FEW_WORDS]
    own = len([item for item in (folded(each) for each in _ITEMS.split(words)) if item])
    return len(items) > own and len(short) >= len(items) - 1 and len(short) > own


def _yes_or_no(said: str) -> str | None:
    """Return the word that a text begins with, or the only one of the two that it holds."""
    marked = marked_answer(said)
    words = folded(said if marked is None else marked).split()
    held = [word for word in YES_OR_NO if word in words]
    if "yes or no" in " ".join(words) or "yes and no" in " ".join(words):
        return None
    if words and words[0] in YES_OR_NO:
        return words[0]
    return held[0] if len(held) == 1 else None


def _shown(text: str) -> str:
    return " ".join(text.split())[:LONGEST_READ]
