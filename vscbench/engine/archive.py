"""What a run keeps of responses and verdicts, and what it finds of earlier runs."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from vscbench.engine.jobs import Job
from vscbench.engine.keys import response_key, verdict_key
from vscbench.engine.store import Store, StoredResponse, StoredVerdict
from vscbench.engine.store_writer import StoreWriter
from vscbench.errors import DataError
from vscbench.judges.protocol import Judge
from vscbench.records import Pair, Request, Response, Verdict


@dataclass(frozen=True, slots=True)
class Found:
    """A response, and how many seconds the model took for it; ``cached`` if it was stored."""

    response: Response
    latency_s: float | None
    cached: bool = False


class Archive(Protocol):
    """Where responses and verdicts are kept."""

    def find(self, jobs: Sequence[Job]) -> Mapping[int, Found | DataError]:
        """Give each job its key, and return by number what there is of it; blocks.

        A job whose image cannot be read gets the error.

        Raises:
            StoreError: the store cannot be read.
        """

    async def keep(self, job: Job, response: Response, latency_s: float) -> None:
        """Keep a response; it is durable when this returns.

        Raises:
            StoreError: it could not be written.
        """

    async def find_verdict(self, pair: Pair, text: str) -> Verdict | None:
        """Return the verdict on a response to a pair, if there is one."""

    async def keep_verdict(self, job: Job, pair: Pair, text: str, verdict: Verdict) -> None:
        """Keep a verdict; one that cost something is durable when this returns.

        Raises:
            StoreError: it could not be written.
        """

    def close(self) -> None:
        """Write what is left to write."""


class NoArchive:
    """Keeps nothing: for models that answer from a file."""

    def find(self, jobs: Sequence[Job]) -> Mapping[int, Found | DataError]:
        """Find nothing."""
        return {}

    async def keep(self, job: Job, response: Response, latency_s: float) -> None:
        """Keep nothing."""

    async def find_verdict(self, pair: Pair, text: str) -> None:
        """Find nothing."""

    async def keep_verdict(self, job: Job, pair: Pair, text: str, verdict: Verdict) -> None:
        """Keep nothing."""

    def close(self) -> None:
        """Nothing is open."""


class StoreArchive:
    """Keeps everything in a store, under the identities of one model and one judge."""

    def __init__(
        self,
        store: Store,
        model: str,
        identity: Mapping[str, object],
        judge: Judge,
        *,
        refresh: bool,
    ) -> None:
        """Begin to write behind the run.

        Args:
            store: open for writing.
            model: the name under which responses are listed.
            identity: of the model, see ``Model.identity``.
            judge: whose verdicts are kept.
            refresh: whether responses that are there already are left alone, and asked anew.
        """
        self._store = store
        self._writer = StoreWriter(store)
        self._model = model
        self._identity = identity
        self._judge = judge
        self._judge_identity = judge.identity
        self._refresh = refresh
        self._verdicts: dict[str, Verdict | None] = {}

    def find(self, jobs: Sequence[Job]) -> Mapping[int, Found | DataError]:
        """Look the jobs' keys up, all at once."""
        unreadable: dict[int, DataError] = {}
        for job in jobs:
            try:
                job.key = self._key(job.request)
            except DataError as error:
                unreadable[job.number] = error
        keys = [job.key for job in jobs if job.key is not None]
        stored = {} if self._refresh else self._store.responses(keys)
        found = {
            job.number: Found(stored[job.key].response, stored[job.key].latency_s, cached=True)
            for job in jobs
            if job.key in stored
        }
        self._look_verdicts_up([job for job in jobs if job.number in found], found)
        return {**found, **unreadable}

    async def keep(self, job: Job, response: Response, latency_s: float) -> None:
        """Write a response and wait for the commit."""
        request = job.request
        if job.key is not None:
            await self._writer.save(
                StoredResponse(
                    key=job.key,
                    pair_id=request.pair_id,
                    epoch=request.epoch,
                    model=self._model,
                    response=response,
                    latency_s=latency_s,
                    created=time.time(),
                )
            )

    async def find_verdict(self, pair: Pair, text: str) -> Verdict | None:
        """Look a verdict up; those on stored responses were looked up with them."""
        key = self._verdict_key(pair, text)
        if key in self._verdicts:
            return self._verdicts.pop(key)
        if self._judge.is_free:
            return None  # to judge is cheaper than to look
        stored = self._store.verdicts([key]).get(key)
        return stored.verdict if stored else None

    async def keep_verdict(self, job: Job, pair: Pair, text: str, verdict: Verdict) -> None:
        """Write a verdict, and wait for the commit if it cost something."""
        key = self._verdict_key(pair, text)
        record = StoredVerdict(key, job.key or "", verdict, time.time())
        if self._judge.is_free:
            self._writer.save_along(record)
        else:
            await self._writer.save(record)

    def close(self) -> None:
        """Write what is queued and close the store."""
        self._writer.close()
        self._store.close()

    def _look_verdicts_up(self, jobs: Sequence[Job], found: Mapping[int, Found]) -> None:
        keys = [
            self._verdict_key(pair, found[job.number].response.text)
            for job in jobs
            for pair in job.pairs
        ]
        stored = self._store.verdicts(keys)
        for key in keys:
            self._verdicts[key] = stored[key].verdict if key in stored else None

    def _verdict_key(self, pair: Pair, text: str) -> str:
        seen = pair.image if self._judge.sees_image else None
        image = self._store.image_digest(seen) if seen else None
        return verdict_key(self._judge_identity, pair.query, text, image)

    def _key(self, request: Request) -> str:
        image = self._store.image_digest(request.image) if request.image else None
        return response_key(self._identity, request, image)
