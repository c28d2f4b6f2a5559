"""What a run keeps of responses and verdicts, and what it finds of earlier runs."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from vscbench.engine.image_digests import image_address
from vscbench.engine.jobs import Job
from vscbench.engine.keys import response_key
from vscbench.engine.store import Store, StoredResponse
from vscbench.engine.store_writer import StoreWriter
from vscbench.engine.verdicts import NoVerdicts, StoredVerdicts, VerdictShelf
from vscbench.errors import DataError
from vscbench.judges.protocol import Judge
from vscbench.reasoning.forms import BUILT_IN_FORMS, ReasoningForm
from vscbench.reasoning.responses import set_apart
from vscbench.records import Request, Response, Turn, Verdict


@dataclass(frozen=True, slots=True)
class Found:
    """A response, and how many seconds the model took for it; ``cached`` if it was stored."""

    response: Response
    latency_s: float | None
    cached: bool = False


class Archive(VerdictShelf, Protocol):
    """Where responses and verdicts are kept.

    Responses are kept as the model gave them; what anybody is to judge or to show is what ``read``
    returns, of a fresh response as of a stored one.
    """

    def read(self, response: Response) -> Response:
        """Return a response with the final answer as its text, and its reasoning apart."""

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

    def close(self) -> None:
        """Write what is left to write."""


class NoArchive(NoVerdicts):
    """Keeps nothing: for models that answer from a file, and a judge that costs nothing."""

    def __init__(self, forms: Sequence[ReasoningForm] = BUILT_IN_FORMS) -> None:
        """Keep nothing; ``forms`` are those in which models mark their reasoning."""
        self._forms = forms

    def read(self, response: Response) -> Response:
        """Set the reasoning apart."""
        return set_apart(response, self._forms)

    def find(self, jobs: Sequence[Job]) -> Mapping[int, Found | DataError]:
        """Find nothing."""
        return {}

    async def keep(self, job: Job, response: Response, latency_s: float) -> None:
        """Keep nothing."""

    def close(self) -> None:
        """Nothing is open."""


class StoreArchive:
    """Keeps everything in a store, under the identities of one model and one judge.

    Responses of a model without an identity are not kept; the verdicts on them are.
    """

    def __init__(  # noqa: PLR0913 - what is kept, described once
        self,
        store: Store,
        model: str,
        identity: Mapping[str, object] | None,
        judge: Judge,
        *,
        refresh: bool,
        forms: Sequence[ReasoningForm] = BUILT_IN_FORMS,
    ) -> None:
        """Begin to write behind the run.

        Args:
            store: open for writing.
            model: the name under which responses are listed.
            identity: of the model, see ``Model.identity``.
            judge: whose verdicts are kept.
            refresh: whether responses that are there already are left alone, and asked anew.
            forms: in which models mark their reasoning; they change nothing that is kept.
        """
        self._forms = forms
        self._store = store
        self._writer = StoreWriter(store)
        self._model = model
        self._identity = identity
        self._verdicts = StoredVerdicts(store, self._writer, judge)
        self._refresh = refresh

    def find(self, jobs: Sequence[Job]) -> Mapping[int, Found | DataError]:
        """Look the jobs' keys up, all at once."""
        if self._identity is None:
            return {}
        unreadable: dict[int, DataError] = {}
        for job in jobs:
            try:
                job.key = self._key(self._identity, job.request)
            except DataError as error:
                unreadable[job.number] = error
        keys = [job.key for job in jobs if job.key is not None]
        stored = {} if self._refresh else self._store.responses(keys)
        found = {
            job.number: Found(self.read(kept.response), kept.latency_s, cached=True)
            for job in jobs
            if (kept := stored.get(job.key or "")) is not None
        }
        self._verdicts.look_up(
            [
                Turn(pair.query, found[job.number].response.text, pair.image)
                for job in jobs
                if job.number in found
                for pair in job.pairs
            ]
        )
        return {**found, **unreadable}

    def read(self, response: Response) -> Response:
        """Set the reasoning apart."""
        return set_apart(response, self._forms)

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

    async def find_verdict(self, turn: Turn) -> Verdict | None:
        """Look a verdict up; those on stored responses were looked up with them."""
        return await self._verdicts.find_verdict(turn)

    async def keep_verdict(self, turn: Turn, verdict: Verdict) -> None:
        """Write a verdict, and wait for the commit if it cost something."""
        await self._verdicts.keep_verdict(turn, verdict)

    def close(self) -> None:
        """Write what is queued; the store stays its owner's to close."""
        self._writer.close()

    def _key(self, identity: Mapping[str, object], request: Request) -> str:
        def address(image: Path | None) -> str | None:
            return image_address(self._store, image, identity) if image else None

        shown = [address(each.image) for each in request.demonstrations]
        return response_key(identity, request, address(request.image), shown)
