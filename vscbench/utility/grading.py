"""Whether a response gives the accepted answer to a question.

Words are compared by rule, so that the same response is graded alike everywhere. What no clear
rule decides is left as it is, and a model can grade it (`vscbench.utility.graders`):

- An open answer inside a sentence that names several things ("The red circle is beside the blue
  square") counts for each of them: which one was meant is not in the words.
- A unit is part of the answer: 5000 m is not 5 km, for a question may ask to convert one.
- A list of names behind commas is several answers, except a place and its country.
- Of two answers in two sentences ("Yes. Actually, no.") the first or the marked one counts.
- "About 12" is 12; "at least 12", "more than 12" and "12 or more" are no number.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from vscbench.utility.choosing import chosen_letter
from vscbench.utility.matching import says
from vscbench.utility.numbers import quantities, spaced
from vscbench.utility.questions import Grading, Question
from vscbench.utility.stated_numbers import stated_number
from vscbench.utility.wording import (
    folded,
    is_refusal,
    plain,
    stated,
)
from vscbench.utility.yes_no import YES_OR_NO, yes_or_no

# Part of every verdict's key: to be raised with any change of what counts as right.
GRADING_VERSION: Final = 2
LONGEST_READ: Final = 80
_QUOTES: Final = "\"'`\u2018\u2019\u201c\u201d*"


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
        letter = chosen_letter(said, question.choices, question.question)
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
    found_number = stated_number(said)
    if found_number is None:
        return Grade(False, None)
    accepted = [found[0] for answer in answers if (found := quantities(spaced(answer.casefold())))]
    right = any(found_number.agrees_with(each) for each in accepted)
    value = found_number.value
    read = str(value) if value.denominator == 1 else f"{float(value):g}"
    return Grade(right, _shown(f"{read} {found_number.unit or ''}".strip()))


def _match(answers: Sequence[str], said: str) -> Grade:
    accepted = {folded(answer): answer for answer in answers if folded(answer)}
    if set(accepted) <= set(YES_OR_NO):
        word = yes_or_no(said)
        return Grade(word in accepted, word)
    for part in stated(said):
        for answer in accepted.values():
            if says(part, answer):
                return Grade(True, _shown(answer))
    return Grade(False, _shown(stated(said)[0]))


def _shown(text: str) -> str:
    return " ".join(text.split())[:LONGEST_READ]
