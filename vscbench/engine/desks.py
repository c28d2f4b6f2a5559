"""Whose verdict a case gets: that of the run's judge, or of one that reads only some pairs."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from vscbench.engine.verdicts import Verdicts


@dataclass(frozen=True, slots=True)
class Desks:
    """The verdicts of a run: ``main``, and others by the id of the pair that they are for."""

    main: Verdicts
    others: Mapping[str, Verdicts] = field(default_factory=dict)

    def of(self, pair_id: str) -> Verdicts:
        """Return where a pair's response is read."""
        return self.others.get(pair_id, self.main)

    @property
    def are_free(self) -> bool:
        """Whether every verdict costs nothing to reach again."""
        return all(each.are_free for each in self._every)

    async def close(self) -> None:
        """Close all judges."""
        await asyncio.gather(*(each.close() for each in self._every))

    @property
    def _every(self) -> set[Verdicts]:
        return {self.main, *self.others.values()}
