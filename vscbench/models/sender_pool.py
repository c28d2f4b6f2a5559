"""The processes of a run in which models live: models of one kind share theirs."""

import asyncio
import importlib.metadata
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from vscbench.errors import TargetError
from vscbench.models.frames import (
    Frame,
    pack_request,
    pack_spec,
    unpack_error,
    unpack_facts,
    unpack_response,
)
from vscbench.models.protocol import ModelFacts, ModelSpec
from vscbench.models.sender_processes import SenderProcesses
from vscbench.models.served.servers import Servers
from vscbench.records import Cause, Request, Response

MOST_STARTS = 4
ADDRESSES = ("_API_BASE", "_BASE_URL")


class Opening(Protocol):
    """What a process needs to open a model."""

    def pack(self) -> Frame:
        """Write it as JSON can hold it."""

    def content(self) -> Frame:
        """Stand for what else decides what the model says of itself, without opening it."""


@dataclass(frozen=True, slots=True)
class HostedOpening:
    """What a sender needs to open a litellm model."""

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

    def content(self) -> Frame:
        """Stand for litellm, and for the addresses that it finds in the environment."""
        addresses = {name: value for name, value in os.environ.items() if name.endswith(ADDRESSES)}
        return {"addresses": addresses, "litellm": importlib.metadata.version("litellm")}


class SenderPool:
    """Starts processes when a model is first asked, and again should they end.

    Each model has a number; it is opened in the processes when it is first needed there.
    """

    def __init__(
        self, start: Callable[[], SenderProcesses], started: SenderProcesses | None = None
    ) -> None:
        """Remember how to begin.

        Args:
            start: makes the processes.
            started: processes that were started ahead, if any.
        """
        self.start = start
        self._starts = 0
        self._openings: list[Opening] = []
        self._facts: dict[int, ModelFacts] = {}
        self._is_connected = False
        self._starting = asyncio.Lock()
        self.senders = started
        self._notes: dict[int, tuple[str, ...]] = {}

    @property
    def notes(self) -> tuple[str, ...]:
        """Remarks of the models that answered, for the person: what each says last."""
        said = [note for notes in self._notes.values() for note in notes]
        return tuple(dict.fromkeys(said))

    def add(self, opening: Opening) -> int:
        """Give a model its number; nothing is opened."""
        self._openings.append(opening)
        return len(self._openings) - 1

    async def facts(self, number: int) -> ModelFacts:
        """Open a model, unless it is open, and return what it says of itself.

        Raises:
            VscbenchError: the processes could not be started, or the model cannot be opened.
        """
        await self._ready(number)
        return self._facts[number]

    async def respond(self, number: int, request: Request) -> Response:
        """Hand a request to a process and wait for its answer.

        Raises:
            TargetError: the process ended, and the request can be asked again; or as the model
                raised it.
            DataError: as the model raised it.
            VscbenchError: the processes could not be started, or the model cannot be opened.
        """
        senders = await self._ready(number)
        answer = await senders.ask(number, pack_request(request))
        if "notes" in answer:
            self._notes[number] = tuple(answer["notes"])
        if "response" not in answer:
            raise unpack_error(answer)
        return unpack_response(answer["response"])

    async def close(self) -> None:
        """End the processes; twice is harmless."""
        senders, self.senders = self.senders, None
        self._facts.clear()
        self._is_connected = False
        if senders is not None:
            await senders.disconnect()
            await asyncio.to_thread(senders.stop)

    async def _ready(self, number: int) -> SenderProcesses:
        """Return connected processes in which a model is open."""
        senders = self.senders
        if senders is not None and number in self._facts and not senders.is_gone:
            return senders
        async with self._starting:
            senders = await self._connected()
            if number not in self._facts:
                self._facts[number] = await self._opened(senders, number)
            return senders

    async def _connected(self) -> SenderProcesses:
        if self.senders is not None and self._is_connected and not self.senders.is_gone:
            return self.senders
        if self._is_connected:
            await self.close()
        if self._starts == MOST_STARTS:
            raise TargetError(
                f"the processes that send requests ended {MOST_STARTS} times", Cause.OTHER
            )
        self._starts += 1
        senders = self.senders
        if senders is None:
            try:
                senders = self.senders = await asyncio.to_thread(self.start)
            except OSError as error:  # a machine that is short of processes may have one later
                message = f"a process could not be started ({error})"
                raise TargetError(message, Cause.CONNECTION) from None
        try:
            await senders.connect()
        except BaseException:
            await self.close()
            raise
        self._is_connected = True
        return senders

    async def _opened(self, senders: SenderProcesses, number: int) -> ModelFacts:
        return unpack_facts(await senders.open(number, self._openings[number].pack()))


@dataclass(frozen=True, slots=True)
class Pools:
    """Where the models of a run live.

    Args:
        hosted: the processes that send for its litellm models.
        local: the one process that holds weights and torch.
        servers: what vllm: and sglang: start.
    """

    hosted: SenderPool
    local: SenderPool
    servers: Servers

    @property
    def are_started(self) -> bool:
        """Whether any process was started and not ended."""
        senders = (self.hosted.senders, self.local.senders)
        return senders != (None, None) or self.servers.are_started

    async def close(self) -> None:
        """End all processes; twice is harmless."""
        await self.servers.close()
        await self.hosted.close()
        await self.local.close()
