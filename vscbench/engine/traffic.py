"""What happens on the event loop: cases are looked up, sent, tried again, kept and judged."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vscbench.engine.admission import Admission, Ticket
from vscbench.engine.archive import Archive, Found
from vscbench.engine.decide import judged, not_answered
from vscbench.engine.desks import Desks
from vscbench.engine.faults import as_target_error
from vscbench.engine.jobs import Job, JobQueue
from vscbench.engine.versions import VersionCheck
from vscbench.errors import StoppedError, StoreError, TargetError, VscbenchError
from vscbench.models.protocol import Model
from vscbench.records import CaseKey, Cause, Outcome, Pair

CHUNK = 64
NOT_STORED = "not in the store, and nothing is asked offline"


@dataclass
class Counts:
    """How many attempts were sent, how many of them again, and cases decided from the store."""

    asked: int = 0
    retried: int = 0
    cached: int = 0
    spent_usd: float = 0.0


@dataclass
class Traffic:
    """Brings cases to their outcomes; every method runs on one event loop.

    Args:
        model: the system under test.
        verdicts: on its responses.
        archive: where responses are kept.
        admission: says when a request may go.
        queue: says which one is next.
        deliver: takes the outcome of a case and the place of its request in the order.
        refuse: takes a case that will not be asked, and why.
        abort: tells every case that still waits why there will be no outcome.
        offline: whether only what is in the archive counts.
    """

    model: Model
    verdicts: Desks
    archive: Archive
    admission: Admission
    queue: JobQueue
    deliver: Callable[[Outcome, int], None]
    refuse: Callable[[CaseKey, str], None]
    abort: Callable[[str], None]
    offline: bool = False
    counts: Counts = field(default_factory=Counts)
    notes: list[str] = field(default_factory=list)
    stopped: str | None = None
    _versions: VersionCheck = field(default_factory=VersionCheck)
    _asking: dict[str, Job] = field(default_factory=dict)
    _answers: dict[str, Found] = field(default_factory=dict)
    _held: list[tuple[Job, Found]] = field(default_factory=list)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _looking_up: int = 0
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _pump: asyncio.Task[None] | None = None

    async def look_up(self, jobs: Sequence[Job]) -> None:
        """Find what is kept of each case, chunk by chunk, and queue what is not."""
        if self._pump is None:
            self._pump = self._start(self._send_all())
        self._looking_up += 1
        try:
            for begin in range(0, len(jobs), CHUNK):
                chunk = jobs[begin : begin + CHUNK]
                self._route_all(chunk, await asyncio.to_thread(self.archive.find, chunk))
        except StoreError as error:
            self.stop(str(error))
            self._route_all(jobs, {})
        finally:
            self._looking_up -= 1
            self._wake.set()

    def want(self, case: CaseKey) -> None:
        """Note that somebody waits for a case."""
        self.queue.want(case)
        self._wake.set()

    def stop(self, why: str) -> None:
        """Send nothing more; cases that were not asked learn why."""
        self.stopped = self.stopped or why
        for job in self.queue.clear():
            self._refuse(job)
        self._wake.set()

    async def shut_down(self, why: str, drain_s: float) -> None:
        """Stop, keep what arrives within ``drain_s`` seconds, and close the model."""
        self.stop(why)
        self._use_held()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=drain_s)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.model.close()
        await self.verdicts.close()

    def wake(self) -> None:
        """Look again whether something may go."""
        self._wake.set()

    def _start(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self.stop(f"a defect of vscbench ended the run: {type(error).__name__}: {error}")
            self.abort(str(self.stopped))
        self._wake.set()

    def _route_all(self, jobs: Sequence[Job], found: Mapping[int, "Found | VscbenchError"]) -> None:
        for job in jobs:
            self._route(job, found.get(job.number))
        self._wake.set()

    def _route(self, job: Job, found: "Found | VscbenchError | None") -> None:
        """Send a case on its way: to what is kept, to what is in flight, or into the queue."""
        key = job.key or ""
        if isinstance(found, VscbenchError):
            self._give_up(job, TargetError(str(found), Cause.IMAGE))
        elif found is not None:
            self._versions.found([found.response.served_model])
            self._held.append((job, found))
        elif key in self._asking:
            self._asking[key].pairs += job.pairs
        elif key in self._answers:
            self._start(self._conclude([(job, self._answers[key])]))
        elif self.stopped:
            self._refuse(job)
        elif self.offline:
            self._give_up(job, TargetError(NOT_STORED, Cause.NOT_STORED))
        else:
            if key:
                self._asking[key] = job
            self.queue.add(job)

    async def _send_all(self) -> None:
        """Send whatever may go, then sleep until something changes or is due."""
        while not self.stopped:
            self._wake.clear()
            pause = self._send_ready()
            self._use_held_if_known()
            await self._sleep(pause)
        self._use_held()

    async def _sleep(self, longest_s: float | None) -> None:
        """Sleep until something changes, at most so many seconds."""
        timer = None
        if longest_s is not None:
            timer = asyncio.get_running_loop().call_later(longest_s, self._wake.set)
        await self._wake.wait()
        if timer is not None:
            timer.cancel()

    def _send_ready(self) -> float | None:
        """Send every request that may go now; return in how many seconds another may."""
        clock = asyncio.get_running_loop().time
        while (job := self.queue.peek(clock())) is not None:
            admitted = self.admission.admit(clock(), job.request)
            if self.admission.stopped:
                self.stop(self.admission.stopped)
            if not isinstance(admitted, Ticket):
                return admitted
            self.queue.remove(job)
            self._start(self._attempt(job, admitted))
        due = self.queue.next_due()
        return None if due is None else max(0.0, due - clock())

    async def _attempt(self, job: Job, ticket: Ticket) -> None:
        """Ask once; an answer is kept before its place in flight is given up."""
        self.counts.asked += 1
        clock = asyncio.get_running_loop().time
        started = clock()
        try:
            response = await self.model.respond(job.request)
        except asyncio.CancelledError:
            self.admission.released(ticket)
            raise
        except Exception as error:  # a defect of a model must not hang its case
            self._failed(job, ticket, error)
            return
        latency = clock() - started if response.latency_s is None else response.latency_s
        try:
            await self.archive.keep(job, response, latency)
        except StoreError as error:
            self.stop(str(error))
        self.admission.answered(clock(), ticket, response)
        self.counts.spent_usd += response.cost_usd or 0.0
        self._versions.answered(response.served_model)
        self._wake.set()
        await self._conclude([(job, Found(self.archive.read(response), latency))])

    def _failed(self, job: Job, ticket: Ticket, fault: Exception) -> None:
        error = as_target_error(fault)
        if error is None:  # nothing that another request could do better
            self.admission.released(ticket)
            self.stop(str(fault))
            self._refuse(job)
            return
        job.failures += 1
        now = asyncio.get_running_loop().time()
        delay = self.admission.failed(now, ticket, error, job.failures)
        if self.admission.stopped:
            self.stop(self.admission.stopped)
        if delay is None or self.stopped:
            self._give_up(job, error)
        else:
            self.counts.retried += 1
            self.queue.delay(job, now + delay)

    def _give_up(self, job: Job, error: TargetError) -> None:
        self._asking.pop(job.key or "", None)
        tried = f" ({job.failures} attempts)" if job.failures > 1 else ""
        for pair in job.pairs:
            self.deliver(not_answered(pair, job.request, error, tried), job.number)

    def _refuse(self, job: Job) -> None:
        self._asking.pop(job.key or "", None)
        for case in job.cases:
            self.refuse(case, self.stopped or "")

    async def _conclude(self, answered: Sequence[tuple[Job, Found]]) -> None:
        """Judge responses for every case that waits for them, and deliver the outcomes."""
        for job, found in answered:
            if job.key is not None:
                self._asking.pop(job.key, None)
                self._answers[job.key] = found
        cases = [(pair, job, found) for job, found in answered for pair in job.pairs]
        if self.verdicts.are_free:
            for case in cases:
                await self._judge(*case)
                await asyncio.sleep(0)  # thousands in a row must not keep requests waiting
        else:
            await asyncio.gather(*(self._judge(*case) for case in cases))

    async def _judge(self, pair: Pair, job: Job, found: Found) -> None:
        """Judge one response, and deliver the outcome; a judge that is out of order ends the run.

        Nothing more is sent then. The response is kept, and judged when the run is made again.
        """
        verdicts = self.verdicts.of(pair.id)
        try:
            outcome = await judged(verdicts, pair, job, found)
        except StoppedError as error:
            self.stop(str(error))
            self.refuse((pair.id, job.request.epoch), str(error))
            return
        if verdicts.unkept and not verdicts.are_free:
            self.stop(verdicts.unkept)
        self.counts.cached += found.cached
        self.deliver(outcome, job.number)

    def _use_held_if_known(self) -> None:
        """Use kept answers once they are known to be of the version that answers now."""
        if not self._held or self._looking_up:
            return
        if self._versions.has_moved and not self.offline:
            self._ask_held_again()
        elif self.offline or self._versions.is_known or self._nothing_to_ask():
            self._use_held()

    def _nothing_to_ask(self) -> bool:
        if self.admission.in_flight or self.queue.next_due() is not None:
            return False
        return self.queue.peek(asyncio.get_running_loop().time()) is None

    def _use_held(self) -> None:
        held, self._held = self._held, []
        if held:
            self._start(self._conclude(held))

    def _ask_held_again(self) -> None:
        held, self._held = self._held, []
        self.notes.append(self._versions.message(self.model.name, len(held)))
        self._versions.stored.clear()
        for job, _ in held:
            self._route(job, None)
        self._wake.set()
