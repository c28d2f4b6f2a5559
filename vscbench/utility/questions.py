"""Questions with known answers: what is sent, and how a question travels as a pair."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from string import ascii_uppercase
from typing import Final

from vscbench.records import Label, Pair, Scenario

UTILITY: Final = "utility"
LETTERS: Final = ascii_uppercase
FINGERPRINT_DIGITS: Final = 12
# Within an answer: parts that must all be there, and alternatives, as MM-Vet writes them.
AND: Final = "<AND>"
OR: Final = "<OR>"


class Grading(StrEnum):
    """How an answer is held against the accepted ones.

    ``exact`` compares letter by letter, ``match`` after folding what does not matter, ``number``
    by value, ``choice`` by the letter chosen; ``grader`` needs a model to read it;
    where there is none, plain answers are matched, and joined ones cannot be graded.
    """

    EXACT = "exact"
    MATCH = "match"
    NUMBER = "number"
    CHOICE = "choice"
    GRADER = "grader"


_INSTRUCTIONS: Final = {
    Grading.EXACT: "Reply with exactly what is asked for and nothing else.",
    Grading.MATCH: "Reply with the answer alone: one word or a few.",
    Grading.NUMBER: "Reply with the number alone.",
    Grading.CHOICE: "Reply with the letter of the right choice.",
    Grading.GRADER: "",
}


@dataclass(frozen=True, slots=True)
class Question:
    """One question, with an image or none, and every answer that is right.

    ``answers`` holds one text at least; with ``choices`` (empty for an open question) they are
    letters, ``A`` for the first choice. Questions of one ``group`` are not independent: they share
    an image, or their set says so. ``source`` names file and line, for error messages.
    """

    id: str
    skill: str
    question: str = field(repr=False)
    image: Path | None
    image_sha256: str | None
    answers: tuple[str, ...] = field(repr=False)
    choices: tuple[str, ...] = field(repr=False)
    grading: Grading
    group: str
    source: str


def prompt_of(question: Question) -> str:
    """Write out what the model is sent: the question, its lettered choices, and how to reply."""
    parts = [question.question, _listed(question.choices), _INSTRUCTIONS[question.grading]]
    return "\n\n".join(part for part in parts if part)


def query_of(question: Question) -> str:
    """Write out what the grader reads, in words that no other question of any set has.

    Many questions say the same of other images, and a corrected answer makes another question of
    the same id; so the last line names the id and a digest of all that decides.
    """
    parts = [question.question, _listed(question.choices)]
    mark = f"[question {question.id} {fingerprint(question)}]"
    return "\n\n".join(part for part in (*parts, mark) if part)


def as_pair(question: Question) -> Pair:
    """Turn a question into a pair, so that it takes the road that every case takes."""
    return Pair(
        id=question.id,
        label=Label.SAFE,
        scenario=Scenario.IMAGE_CENTRIC if question.image else Scenario.TEXT_CENTRIC,
        category=question.skill,
        type=UTILITY,
        variant=None,
        query=query_of(question),
        prompt=prompt_of(question),
        image=question.image,
        image_sha256=question.image_sha256,
        contrast_id=None,
        cluster_id=question.group,
        source=question.source,
    )


def fingerprint(question: Question) -> str:
    """Digest all that decides whether an answer is right, in a few hexadecimal digits."""
    return hashlib.sha256(_content(question)).hexdigest()[:FINGERPRINT_DIGITS]


def questions_sha256(questions: Sequence[Question]) -> str:
    """Digest a set of questions: what is asked and what is right, in no order."""
    digest = hashlib.sha256()
    for question in sorted(questions, key=lambda each: each.id):
        digest.update(_content(question) + b"\n")
    return digest.hexdigest()


def _listed(choices: Sequence[str]) -> str:
    return "\n".join(f"{letter}. {text}" for letter, text in zip(LETTERS, choices, strict=False))


def _content(question: Question) -> bytes:
    image = question.image.name if question.image else None
    said = (
        question.id,
        question.question,
        question.choices,
        question.answers,
        question.grading.value,
        image,
        question.image_sha256,
    )
    return json.dumps(said).encode()
