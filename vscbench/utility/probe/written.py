"""A question of the shipped set before it is numbered: its words, its answer and its picture."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True, slots=True)
class Written:
    """One question.

    ``answers`` are all that is right, the usual one first; with ``choices`` it is the words of
    one. ``picture`` names the image, which several questions may share, and ``draw`` makes it;
    both are ``None`` where there is none. ``grading`` is left out where the form of the answer
    says it.
    """

    skill: str
    question: str
    answers: tuple[str, ...]
    choices: tuple[str, ...] = ()
    picture: str | None = None
    draw: "Callable[[], Image] | None" = None
    grading: str | None = None


def turned(choices: Sequence[str], right: str, place: int) -> tuple[str, ...]:
    """Order choices so that the right one stands at a place, the others in their own order."""
    others = [choice for choice in choices if choice != right]
    return (*others[:place], right, *others[place:])
