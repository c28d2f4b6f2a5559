"""Questions for tests, made from their answers alone."""

from dataclasses import replace

from vscbench.utility.questions import Grading, Question


def match(*answers: str) -> Question:
    """An open question with a word for an answer."""
    return Question(
        id="question",
        skill="reading-text",
        question="What does it say?",
        image=None,
        image_sha256=None,
        answers=answers,
        choices=(),
        grading=Grading.MATCH,
        group="question",
        source="tests",
    )


def number(answer: str) -> Question:
    """An open question with a number for an answer."""
    return replace(match(answer), grading=Grading.NUMBER)


def exact(answer: str) -> Question:
    """A question whose answer is compared letter by letter."""
    return replace(match(answer), grading=Grading.EXACT)


def choice(letter: str, choices: tuple[str, ...]) -> Question:
    """A question with choices."""
    return replace(match(letter), choices=choices, grading=Grading.CHOICE)
