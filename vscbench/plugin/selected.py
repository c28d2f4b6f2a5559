"""The pairs of a run, read when they are first needed, and how often each is asked."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from vscbench.pairs.open import open_pairs
from vscbench.pairs.selection import select
from vscbench.plugin.settings import Settings
from vscbench.records import FIRST_EPOCH, CaseKey, Pair, Request


@dataclass(frozen=True, slots=True)
class Repeat:
    """A pair in one of the epochs in which it is asked: what a pytest case stands for."""

    pair: Pair
    epoch: int = FIRST_EPOCH

    @property
    def id(self) -> str:
        """The pair's own id; from the second epoch on with a colon and its number."""
        return self.pair.id if self.epoch == FIRST_EPOCH else f"{self.pair.id}:{self.epoch}"

    @property
    def case(self) -> CaseKey:
        """What the outcome goes by."""
        return self.pair.id, self.epoch


class SelectedPairs:
    """What the options select, and what each pair asks of the model."""

    def __init__(self, settings: Settings) -> None:
        """Remember what was asked for; nothing is read yet."""
        self._settings = settings

    @cached_property
    def pairs(self) -> tuple[Pair, ...]:
        """Every selected pair, sorted by id.

        Raises:
            VscbenchError: the pairs cannot be opened, or the filters leave none.
        """
        return select(self.every, self._settings.selection)

    @cached_property
    def every(self) -> tuple[Pair, ...]:
        """Every pair there is, whatever the filters say, sorted by id.

        Raises:
            VscbenchError: the pairs cannot be opened.
        """
        return tuple(open_pairs(self._settings.pairs, self._settings.pairs_base).pairs)

    @cached_property
    def by_id(self) -> Mapping[str, Pair]:
        """The selected pairs by their id."""
        return {pair.id: pair for pair in self.pairs}

    @property
    def repeats(self) -> Iterator[Repeat]:
        """Every case, pairs by id and epochs in order; a pair without a query stands there once."""
        for pair in self.pairs:
            epochs = self._settings.epochs if pair.query else FIRST_EPOCH
            for epoch in range(FIRST_EPOCH, epochs + 1):
                yield Repeat(pair, epoch)

    @cached_property
    def repeat_by_id(self) -> Mapping[str, Repeat]:
        """The cases that can be asked, by what stands in brackets in their test's id."""
        return {repeat.id: repeat for repeat in self.repeats if repeat.pair.query}

    @property
    def planned(self) -> int:
        """How many cases the options plan: the pairs that have a query, in every epoch."""
        return len(self.repeat_by_id)

    @property
    def without_query(self) -> int:
        """How many selected pairs have no query."""
        return sum(not pair.query for pair in self.pairs)

    @property
    def have_images(self) -> bool:
        """Whether any selected pair has an image."""
        return any(pair.image for pair in self.pairs)

    def cases(self, repeats: Iterable[Repeat]) -> list[tuple[Pair, Request]]:
        """Return pairs, in the order given, with what each asks."""
        return [(repeat.pair, self.request(repeat.pair, repeat.epoch)) for repeat in repeats]

    def request(self, pair: Pair, epoch: int) -> Request:
        """Return what a pair asks of the model in one epoch."""
        return Request(pair.id, epoch, pair.prompt, pair.image, self._settings.system)
