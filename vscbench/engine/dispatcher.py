"""Keeps N requests in flight on an event loop of its own, while cases wait for their answer."""

import asyncio
import concurrent.futures
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from vscbench.engine.decide import decide
from vscbench.errors import VscbenchError
from vscbench.judges.protocol import Judge
from vscbench.models.protocol import Model
from vscbench.records import Kind, Outcome, Pair, Request

POLL_S = 0.5
CLOSE_S = 10.0


class Outcomes(Protocol):
    """Where a case gets its outcome from: this process, or the one that asks for all."""

    @property
    def model_name(self) -> str:
        """What the system under test calls itself."""

    def outcome_of(self, pair: Pair) -> Outcome:
        """Wait for the outcome of a pair and return it.

        Raises:
            VscbenchError: the run ended before there was one.
        """


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: cases submitted, asked, decided, in flight, and decided as an error."""

    submitted: int
    asked: int
    decided: int
    in_flight: int
    errors: int
    last: Outcome | None


class Dispatcher:
    """Asks one model for many cases at once and hands each case its own outcome.

    Cases are started in the order in which they were submitted, ``concurrency`` at a time.
    """

    def __init__(self, model: Model, judge: Judge, concurrency: int) -> None:
        """Start the event loop's thread; nothing is asked until ``submit``."""
        self._model = model
        self._judge = judge
        self._loop = asyncio.new_event_loop()
        self._slots = asyncio.Semaphore(concurrency)
        self._futures: dict[str, concurrent.futures.Future[Outcome]] = {}
        self._delivered: dict[str, Outcome] = {}
        self._asked = self._decided = self._in_flight = self._errors = 0
        self._last: Outcome | None = None
        self._thread = threading.Thread(target=self._run, name="vscbench-engine", daemon=True)
        self._thread.start()

    @property
    def model_name(self) -> str:
        """What the system under test calls itself."""
        return self._model.name

    def submit(self, cases: Iterable[tuple[Pair, Request]]) -> None:
        """Queue cases; one that is already queued is not asked again."""
        for pair, request in cases:
            if pair.id not in self._futures:
                self._futures[pair.id] = asyncio.run_coroutine_threadsafe(
                    self._ask(pair, request), self._loop
                )

    def outcome_of(self, pair: Pair) -> Outcome:
        """Wait for the outcome of a submitted pair; it then counts as delivered."""
        future = self._futures[pair.id]
        while True:
            try:
                outcome = future.result(timeout=POLL_S)
            except concurrent.futures.TimeoutError:
                if not self._thread.is_alive():
                    raise VscbenchError("the engine stopped before this case was asked") from None
            except concurrent.futures.CancelledError:
                raise VscbenchError("the run ended before this case was answered") from None
            else:
                self._delivered[pair.id] = outcome
                return outcome

    def delivered(self) -> list[Outcome]:
        """Return the outcomes that a case has asked for, sorted by pair id."""
        return [self._delivered[pair_id] for pair_id in sorted(self._delivered)]

    def answered(self) -> list[Outcome]:
        """Return every outcome there is, whether or not a case has asked for it."""
        done = [future for future in self._futures.values() if future.done()]
        return [future.result() for future in done if not future.cancelled()]

    def progress(self) -> Progress:
        """Return how far the run is, from any thread."""
        return Progress(
            len(self._futures),
            self._asked,
            self._decided,
            self._in_flight,
            self._errors,
            self._last,
        )

    def close(self) -> None:
        """Cancel what is queued or in flight, close the model, and end the thread."""
        if not self._thread.is_alive():
            return
        try:
            asyncio.run_coroutine_threadsafe(self._shut_down(), self._loop).result(CLOSE_S)
        except concurrent.futures.TimeoutError:
            pass  # a model that does not let go must not keep the run from ending
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(CLOSE_S)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    async def _ask(self, pair: Pair, request: Request) -> Outcome:
        async with self._slots:
            self._asked += 1
            self._in_flight += 1
            try:
                outcome = await decide(self._model, self._judge, pair, request)
            except Exception as error:  # a defect of ours or of a model must not hang its case
                cause = f"{type(error).__name__}: {error}"
                outcome = Outcome(pair, request.epoch, Kind.TARGET_ERROR, error=cause)
            finally:
                self._in_flight -= 1
        self._decided += 1
        self._errors += outcome.kind.is_error
        self._last = outcome
        return outcome

    async def _shut_down(self) -> None:
        mine = asyncio.current_task()
        others = [task for task in asyncio.all_tasks() if task is not mine]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._model.close()
        await self._loop.shutdown_asyncgens()
