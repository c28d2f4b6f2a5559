"""The pairs of a run, read when they are first needed."""

from collections.abc import Iterable, Mapping
from functools import cached_property

from vscbench.pairs.open import open_pairs
from vscbench.pairs.selection import select
from vscbench.plugin.settings import Settings
from vscbench.records import Pair, Request

FIRST_EPOCH = 1


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
        settings = self._settings
        found = open_pairs(settings.pairs, settings.pairs_base)
        return select(found.pairs, settings.selection)

    @cached_property
    def by_id(self) -> Mapping[str, Pair]:
        """The selected pairs by their id."""
        return {pair.id: pair for pair in self.pairs}

    @property
    def planned(self) -> int:
        """How many cases the options plan: the selected pairs that have a query."""
        return sum(bool(pair.query) for pair in self.pairs)

    @property
    def have_images(self) -> bool:
        """Whether any selected pair has an image."""
        return any(pair.image for pair in self.pairs)

    def cases(self, pair_ids: Iterable[str]) -> list[tuple[Pair, Request]]:
        """Return pairs, in the order given, with what each asks."""
        return [(pair, self.request(pair)) for pair in map(self.by_id.__getitem__, pair_ids)]

    def request(self, pair: Pair) -> Request:
        """Return what a pair asks of the model."""
        return Request(pair.id, FIRST_EPOCH, pair.prompt, pair.image, self._settings.system)
