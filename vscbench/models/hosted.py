"""A litellm model that lives in processes of its own, so that every core can send requests."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vscbench.errors import TargetError
from vscbench.models.frames import (
    Frame,
    pack_request,
    pack_spec,
    unpack_error,
    unpack_facts,
    unpack_response,
)
from vscbench.models.protocol import ModelFacts, ModelSpec, ParamValue, Price
from vscbench.models.sender_processes import SenderProcesses
from vscbench.records import Cause, Request, Response

MOST_STARTS = 4
IN_FLIGHT_A_SENDER = 16


@dataclass(frozen=True, slots=True)
class HostedOpening:
    """What a sender needs to open the model."""

    spec: ModelSpec
    litellm_id: str
    takes_images: bool | None = None

    def pack(self) -> Frame:
        """Write it as JSON can hold it."""
        return {
            "spec": pack_spec(self.spec),
            "litellm_id": self.litellm_id,
            "takes_images": self.takes_images,
        }


class HostedModel:
    """Hands each request to a sender process; starts them when the first one is asked."""

    def __init__(
        self,
        opening: HostedOpening,
        facts: ModelFacts,
        start: Callable[[], SenderProcesses],
        senders: SenderProcesses | None = None,
    ) -> None:
        """Remember how to begin; no process is needed as long as nothing is asked.

        Args:
            opening: what the senders shall open.
            facts: what the model said of itself, now or in an earlier run.
            start: makes the processes.
            senders: processes that have opened the model already.
        """
        self._opening = opening
        self._facts = facts
        self._start = start
        self._starts = 0
        self.senders = senders
        self._starting = asyncio.Lock()

    @property
    def name(self) -> str:
        """The name the person gave."""
        return self._facts.name

    @property
    def params(self) -> Mapping[str, ParamValue]:
        """The parameters of every request."""
        return self._facts.params

    @property
    def default_concurrency(self) -> int:
        """How many requests are kept in flight unless the person says otherwise."""
        return self._facts.default_concurrency

    @property
    def identity(self) -> Mapping[str, object] | None:
        """Everything of the model that can change a response."""
        return self._facts.identity

    @property
    def price(self) -> Price | None:
        """What a token costs, from litellm's table or the parameters."""
        return self._facts.price

    async def respond(self, request: Request) -> Response:
        """Ask once.

        Raises:
            TargetError: no answer came back.
            DataError: the image cannot be sent.
            UsageError: the model cannot be opened after all.
        """
        senders = self.senders
        if senders is None or senders.is_gone:
            senders = await self._started(senders)
        answer = await senders.ask(pack_request(request))
        if "response" not in answer:
            raise unpack_error(answer)
        return unpack_response(answer["response"])

    async def close(self) -> None:
        """End the processes."""
        if self.senders is not None:
            await self.senders.disconnect()
            await asyncio.to_thread(self.senders.stop)

    async def _started(self, lost: SenderProcesses | None) -> SenderProcesses:
        async with self._starting:
            if self.senders is lost:
                if self._starts == MOST_STARTS:
                    raise TargetError(
                        f"the processes that send requests ended {MOST_STARTS} times", Cause.OTHER
                    )
                self._starts += 1
                await self.close()
                self.senders = None
                senders = await asyncio.to_thread(self._start)
                await open_senders(senders, self._opening)
                self.senders = senders
        if self.senders is None:  # another request failed to start them
            raise TargetError("the processes that send requests could not be started")
        return self.senders


async def open_senders(senders: SenderProcesses, opening: HostedOpening) -> ModelFacts:
    """Connect to processes that were started and let them open a model.

    Raises:
        VscbenchError: they could not be started, or the model cannot be opened.
    """
    try:
        await senders.connect()
        return unpack_facts(await senders.open(opening.pack()))
    except BaseException:
        await senders.disconnect()
        await asyncio.to_thread(senders.stop)
        raise


def sender_count(concurrency: int, workers: int, cores: int) -> int:
    """Return how many processes are worth their memory (200 MB for the first, less for others).

    One serves some two hundred requests a second. With pytest-xdist there are as many as it has
    workers, at most: who asks for two processes gets them, and no more.

    Args:
        concurrency: requests in flight.
        workers: pytest-xdist's, or 0.
        cores: that this process may use.
    """
    useful = -(-concurrency // IN_FLIGHT_A_SENDER)
    return max(1, min(useful, workers, cores))
