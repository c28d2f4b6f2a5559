"""The pairs of a run, read when they are first needed, and how often each is asked."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property

from vscbench.errors import DataError
from vscbench.methods.open import open_method
from vscbench.methods.protocol import Method
from vscbench.pairs.open import open_pairs
from vscbench.pairs.selection import select
from vscbench.plugin.asked_questions import AskedQuestions
from vscbench.plugin.repeat import Repeat
from vscbench.plugin.settings import Settings
from vscbench.records import FIRST_EPOCH, Pair, Request


class SelectedPairs:
    """What the options select, and what each pair asks of the model."""

    def __init__(self, settings: Settings) -> None:
        """Remember what was asked for; nothing is read yet."""
        self._settings = settings
        self.questions = AskedQuestions(settings)

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

    def require_distinct(self) -> None:
        """Check that no question goes by the id of a pair: a case's outcome goes by it.

        Raises:
            VscbenchError: one does, or something cannot be opened.
        """
        shared = sorted(self.by_id.keys() & self.questions.pair_by_id.keys())
        if shared:
            raise DataError(
                f"{self.questions.set.name}: the id {shared[0]!r} is that of a pair as well; give "
                "the question another"
            )

    def repeat_named(self, name: str) -> Repeat | None:
        """Return the case, of a pair or a question, with this name in the brackets of its id."""
        found = self.repeat_by_id.get(name)
        if found is None and name not in self.by_id:
            return self.questions.repeat_by_id.get(name)
        return found

    def pair_of(self, pair_id: str) -> Pair:
        """Return a selected pair, or the pair that a question travels as, by its id."""
        return self.by_id.get(pair_id) or self.questions.pair_by_id[pair_id]

    @property
    def planned(self) -> int:
        """How many cases the options plan: the pairs that have a query, in every epoch."""
        return len(self.repeat_by_id)

    @property
    def without_query(self) -> int:
        """How many selected pairs have no query."""
        return sum(not pair.query for pair in self.pairs)

    def cases(self, repeats: Iterable[Repeat]) -> list[tuple[Pair, Request]]:
        """Return pairs, in the order given, with what each asks."""
        return [(repeat.pair, self.request(repeat.pair, repeat.epoch)) for repeat in repeats]

    @cached_property
    def method(self) -> Method:
        """The calibration method by which the pairs are asked.

        Raises:
            VscbenchError: there is no such method, or it cannot be used as asked.
        """
        return open_method(self._settings.method)

    def request(self, pair: Pair, epoch: int) -> Request:
        """Return what a pair asks of the model in one epoch."""
        plain = Request(pair.id, epoch, pair.prompt, pair.image, self._settings.system)
        return replace(self.method.prepare(plain), method=self.method.key)
