"""A pair in one epoch: what a pytest case stands for."""

from dataclasses import dataclass

from vscbench.records import FIRST_EPOCH, CaseKey, Pair


@dataclass(frozen=True, slots=True)
class Repeat:
    """A pair in one of the epochs in which it is asked: what a pytest case stands for."""

    pair: Pair
    epoch: int = FIRST_EPOCH

    def __repr__(self) -> str:
        """Name the case and nothing else: plugins write parameters of tests to their reports."""
        return f"Repeat({self.id})"

    def __str__(self) -> str:
        """Return the case's id."""
        return self.id

    @property
    def id(self) -> str:
        """The pair's own id; from the second epoch on with a colon and its number."""
        return self.pair.id if self.epoch == FIRST_EPOCH else f"{self.pair.id}:{self.epoch}"

    @property
    def case(self) -> CaseKey:
        """What the outcome goes by."""
        return self.pair.id, self.epoch
