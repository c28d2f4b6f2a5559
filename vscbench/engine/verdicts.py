"""Verdicts: from the store, from a judging under way, or anew; what is paid for is kept."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from vscbench.engine.image_digests import image_address
from vscbench.engine.keys import verdict_key
from vscbench.engine.store import Store, StoredVerdict
from vscbench.engine.store_writer import StoreWriter
from vscbench.errors import JudgeError, StoreError
from vscbench.judges.protocol import Judge
from vscbench.records import Turn, Verdict

NOT_STORED = "no verdict in the store, and nothing is asked offline"
Asked = tuple[str, str, Path | None]


class VerdictShelf(Protocol):
    """Where the verdicts of one judge are kept."""

    async def find_verdict(self, turn: Turn) -> Verdict | None:
        """Return the verdict on a turn, if there is one.

        Raises:
            StoreError: it cannot be looked up.
        """

    async def keep_verdict(self, turn: Turn, verdict: Verdict) -> None:
        """Keep a verdict; one that cost something is durable when this returns.

        Raises:
            StoreError: it could not be written.
        """


class StoredVerdicts:
    """The verdicts of one judge in a store."""

    def __init__(self, store: Store, writer: StoreWriter, judge: Judge) -> None:
        """Use a store that is open for writing, and its writer; both stay their owner's."""
        self._store = store
        self._writer = writer
        self._judge = judge
        self._identity = judge.identity
        self._looked_up: dict[str, Verdict | None] = {}

    def look_up(self, turns: Sequence[Turn]) -> None:
        """Look many verdicts up at once, for ``find_verdict`` to find; blocks."""
        keys = [self._key(turn) for turn in turns]
        stored = self._store.verdicts(keys)
        for key in keys:
            self._looked_up[key] = stored[key].verdict if key in stored else None

    async def find_verdict(self, turn: Turn) -> Verdict | None:
        """Look a verdict up, unless that was done."""
        key = self._key(turn)
        if key in self._looked_up:
            return self._looked_up.pop(key)
        if self._judge.is_free:
            return None  # to judge is cheaper than to look
        stored = self._store.verdicts([key]).get(key)
        return stored.verdict if stored else None

    async def keep_verdict(self, turn: Turn, verdict: Verdict) -> None:
        """Write a verdict, and wait for the commit if it cost something."""
        record = StoredVerdict(self._key(turn), turn.response_key or "", verdict, time.time())
        if self._judge.is_free:
            self._writer.save_along(record)
        else:
            await self._writer.save(record)

    def _key(self, turn: Turn) -> str:
        seen = _seen(self._judge, turn)
        image = image_address(self._store, seen, self._identity) if seen else None
        return verdict_key(self._identity, turn.query, turn.response, image)


class NoVerdicts:
    """Keeps nothing."""

    async def find_verdict(self, turn: Turn) -> None:
        """Find nothing."""

    async def keep_verdict(self, turn: Turn, verdict: Verdict) -> None:
        """Keep nothing."""


class Verdicts:
    """Reaches verdicts of one judge; where they cost something, each turn's only once.

    Turns with the same words share a verdict, or the failure to reach one: a judge that costs
    something is not asked twice for it in a run, however many cases wait for it. ``unkept`` says
    why a verdict could not be written, once one could not; that verdict stands all the same.
    """

    def __init__(self, judge: Judge, shelf: VerdictShelf, *, offline: bool = False) -> None:
        """Begin; ``offline``: a judge that costs something is asked nothing."""
        self._judge = judge
        self._shelf = shelf
        self._offline = offline
        self._shared: dict[Asked, asyncio.Task[Verdict]] = {}
        self.unkept: str | None = None

    @property
    def are_free(self) -> bool:
        """Whether a verdict costs nothing to reach again."""
        return self._judge.is_free

    async def of(self, turn: Turn) -> Verdict:
        """Return the verdict on a turn.

        Raises:
            JudgeError: there is none.
            StoreError: what is kept cannot be read.
            StoppedError: the judge's provider will give no more at all.
        """
        if self._judge.is_free:
            return await self._reach(turn)
        asked = (turn.query, turn.response, _seen(self._judge, turn))
        if asked not in self._shared:
            self._shared[asked] = asyncio.create_task(self._reach(turn))
            self._shared[asked].add_done_callback(_look_at)
        return await asyncio.shield(self._shared[asked])

    async def close(self) -> None:
        """Stop what is under way and close the judge."""
        under_way = [task for task in self._shared.values() if not task.done()]
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
        await self._judge.close()

    async def _reach(self, turn: Turn) -> Verdict:
        stored = await self._shelf.find_verdict(turn)
        if stored is not None:
            return stored
        if self._offline and not self._judge.is_free:
            raise JudgeError(NOT_STORED)
        seen = _seen(self._judge, turn)
        verdict = await self._judge.judge(turn.query, turn.response, seen)
        try:
            await self._shelf.keep_verdict(turn, verdict)
        except StoreError as error:
            self.unkept = str(error)
        return verdict


def _look_at(task: asyncio.Task[Verdict]) -> None:
    """Spare a person asyncio's complaint of an error that nobody waited for any longer."""
    if not task.cancelled():
        task.exception()


def _seen(judge: Judge, turn: Turn) -> Path | None:
    """Return the image of a turn for a judge that looks at it."""
    return turn.image if judge.sees_image else None
