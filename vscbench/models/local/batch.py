"""What both ways of generating for many rows have in common."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from vscbench.models.local.rows import Row


@dataclass(frozen=True, slots=True)
class Room:
    """How much more may be taken up now: rows, and how long one may become."""

    rows: int
    most_tokens: int


class Batch(Protocol):
    """Rows that are generated for together."""

    @property
    def most_rows(self) -> int:
        """How many at once, whatever the memory."""

    @property
    def ends(self) -> frozenset[int]:
        """The tokens that end an answer."""

    @property
    def rows(self) -> Sequence[Row]:
        """Those that are not finished."""

    def room(self, waiting: Sequence[Row], tokens: int) -> Room:
        """Say what may be taken up now.

        Args:
            waiting: the rows that could be.
            tokens: how many the memory holds, of all rows together.
        """

    def admit(self, rows: Sequence[Row]) -> None:
        """Take up rows, all with an image or all without; no more than there is room for."""

    def step(self) -> list[Row]:
        """Go on, and return the rows that are finished now, with all their tokens."""

    def abandon(self) -> list[Row]:
        """Give up everything; return the rows that were not finished, to be begun anew."""
