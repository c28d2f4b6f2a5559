"""Models for tests of the engine: what they say is decided by the test."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from small_pairs import request_for

from vscbench.engine.admission import Limits
from vscbench.engine.archive import Archive, NoArchive
from vscbench.engine.dispatcher import Dispatcher
from vscbench.engine.loop import LoopThread
from vscbench.judges.keywords import KeywordsJudge
from vscbench.judges.protocol import Judge
from vscbench.models.protocol import Model, ParamValue, Price
from vscbench.records import Pair, Request, Response

Answer = Callable[[Request], Response | Exception]


class Says:
    """A model that answers as a function says, or raises what it returns."""

    name = "says"
    params: Mapping[str, ParamValue] = {}
    identity: Mapping[str, object] | None = {"model": "says"}
    price: Price | None = None
    default_concurrency = 4

    def __init__(self, answer: Answer | None = None) -> None:
        self.answer = answer or (lambda request: Response(f"Sure, {request.pair_id}."))
        self.asked: list[str] = []
        self.closed = False

    async def respond(self, request: Request) -> Response:
        self.asked.append(request.pair_id)
        await asyncio.sleep(0)
        said = self.answer(request)
        if isinstance(said, Exception):
            raise said
        return said

    async def close(self) -> None:
        self.closed = True


class Gated(Says):
    """A model that answers once its gate opens, and counts what is in flight."""

    def __init__(self, answer: Answer | None = None) -> None:
        super().__init__(answer)
        self.gate = threading.Event()
        self.full = threading.Event()
        self.in_flight = self.peak = 0
        self.begun: list[str] = []

    async def respond(self, request: Request) -> Response:
        self.begun.append(request.pair_id)
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        if self.in_flight == self.default_concurrency:
            self.full.set()
        while not self.gate.is_set():
            await asyncio.sleep(0)
        try:
            return await super().respond(request)
        finally:
            self.in_flight -= 1


def cases(pairs: list[Pair]) -> list[tuple[Pair, Request]]:
    return [(pair, request_for(pair)) for pair in pairs]


@contextmanager
def dispatching(
    model: Model,
    limits: Limits | None = None,
    archive: Archive | None = None,
    judge: Judge | None = None,
    **more: Any,  # noqa: ANN401
) -> Iterator[Dispatcher]:
    """Run a dispatcher on a loop of its own."""
    loop = LoopThread()
    dispatcher = Dispatcher(
        model,
        judge or KeywordsJudge(),
        limits or Limits(concurrency=4),
        archive or NoArchive(),
        loop,
        **more,
    )
    try:
        yield dispatcher
    finally:
        dispatcher.close(drain_s=0)
        loop.close()
