"""A server that is started when it is first needed, and asked once it is ready."""

import asyncio
import contextlib
import secrets
import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from vscbench.errors import TargetError, VscbenchError
from vscbench.loopback import listen
from vscbench.models.served.engines import HOST, Engine
from vscbench.models.served.guarded import GuardedServer
from vscbench.models.served.health import is_ready
from vscbench.models.served.options import TIMEOUT, ServerOptions
from vscbench.records import Cause

LOOK_S = 0.2
# How long a server that broke its connections may take to be seen to have ended.
ENDING_S = 5.0
MAY_HAVE_ENDED = (Cause.CONNECTION, Cause.SERVER_ERROR, Cause.UNREADABLE)
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Launch:
    """What is to be served, and how; ``model`` is the name by which the person asked for it."""

    model: str = field(compare=False)
    engine: Engine
    source: str
    options: ServerOptions


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server answers, and the key it wants; neither is the same in another run."""

    url: str
    key: str = field(repr=False)


class Server:
    """Started once, by whoever asks first; every method runs on one event loop.

    Once it has ended, or was not ready in time, everybody who waits or comes later is told why.
    """

    def __init__(self, launch: Launch, log: Path) -> None:
        """Remember how to start it.

        Args:
            launch: what and how.
            log: where what it writes is kept; a file that is not there yet.
        """
        self.launch = launch
        self.log = log
        self._starting: asyncio.Task[Address] | None = None
        self._watching: asyncio.Task[None] | None = None
        self._guarded: GuardedServer | None = None
        self._why_ended: str | None = None

    @property
    def has_started(self) -> bool:
        """Whether there was any need of it."""
        return self._starting is not None

    @property
    def announcement(self) -> str:
        """What a person is told before it is known whether the server will be needed."""
        return (
            f"{self._name} is started once an answer is not in the store, which may take minutes; "
            f"its log: {self.log}"
        )

    async def address(self) -> Address:
        """Return where it answers, once it does.

        Raises:
            UsageError: it is not installed, or its log cannot be written.
            VscbenchError: it ended before it was ready, or was not ready in time.
        """
        if self._starting is None:
            self._starting = asyncio.ensure_future(self._start())
        return await asyncio.shield(self._starting)

    async def while_it_lives(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Return what some work on a ready server returns, unless the server ends meanwhile.

        Raises:
            VscbenchError: it ended; says so, with the last lines of its log.
            TargetError: the work failed, and the server goes on.
        """
        working = asyncio.ensure_future(work)
        try:
            await self._first_of(working)
            if working.done():
                return await self._outcome(working)
        finally:
            working.cancel()
        raise VscbenchError(str(self._why_ended))

    async def close(self) -> None:
        """End the server, ready or not; twice is harmless."""
        self._why_ended = self._why_ended or f"{self._name} was ended with the run"
        for task in (self._starting, self._watching):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        if self._guarded is not None:
            await asyncio.to_thread(self._guarded.stop)

    async def _start(self) -> Address:
        launch = self.launch
        program = launch.engine.require_installed(launch.model)
        port, key = _free_port(), _new_key()
        words = launch.options.arguments(launch.engine)
        start = launch.engine.arrange(program, launch.source, words, port, key)
        environment = {**launch.options.variables, **start.environment}
        guarded = GuardedServer(replace(start, environment=environment), key, self.log)
        self._guarded = guarded
        await self._until_ready(guarded, port, key)
        self._watching = asyncio.ensure_future(self._watch(guarded))
        return Address(f"http://{HOST}:{port}/v1", key)

    async def _until_ready(self, guarded: GuardedServer, port: int, key: str) -> None:
        limit_s = self.launch.options.start_timeout_s
        began = time.monotonic()
        while not await asyncio.to_thread(is_ready, port, key, self.launch.source):
            if guarded.has_ended:
                raise VscbenchError(self._told(guarded, "ended before it was ready"))
            if time.monotonic() - began > limit_s:
                await asyncio.to_thread(guarded.stop)
                what = (
                    f"was not ready after {limit_s:g} s and was ended. If it only needs longer "
                    f"(weights are downloaded first): --vsc-param serve.{TIMEOUT}=SECONDS"
                )
                raise VscbenchError(self._told(guarded, what))
            await asyncio.sleep(LOOK_S)

    async def _watch(self, guarded: GuardedServer) -> None:
        """Wait for the server's end."""
        while not guarded.has_ended:
            await asyncio.sleep(LOOK_S)
        what = (
            "ended while it was asked. What was answered is in the store: run the same command "
            "again, and only the rest is asked"
        )
        self._why_ended = self._told(guarded, what)

    async def _first_of(self, working: "asyncio.Future[Result]") -> None:
        watching: Sequence[asyncio.Future[Any]] = [self._watching] if self._watching else []
        await asyncio.wait([working, *watching], return_when=asyncio.FIRST_COMPLETED)

    async def _outcome(self, working: "asyncio.Future[Result]") -> Result:
        """Return what the work returned; a fault may be the first sign of the server's end."""
        try:
            return working.result()
        except TargetError as error:
            if error.cause in MAY_HAVE_ENDED and self._watching is not None:
                await asyncio.wait([self._watching], timeout=ENDING_S)
            if self._why_ended is None:
                raise
        raise VscbenchError(self._why_ended)

    def _told(self, guarded: GuardedServer, what: str) -> str:
        words = guarded.last_words()
        said = f". Its last lines:\n{words}\n" if words else ". "
        return f"{self._name} {what}{said}Everything it wrote is in {self.log}"

    @property
    def _name(self) -> str:
        return f"the {self.launch.engine.title} server for {self.launch.source}"


def _free_port() -> int:
    """Return a port that nobody listens on now."""
    with contextlib.closing(listen(1)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _new_key() -> str:
    # In the form of a key, so that whatever quotes it is seen to quote a key.
    return f"sk-vscbench-{secrets.token_hex(24)}"
