"""Keeps N requests in flight on an event loop of its own, while cases wait for their answer."""

import concurrent.futures
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from vscbench.engine.admission import Admission, Limits
from vscbench.engine.archive import Archive
from vscbench.engine.desks import Desks
from vscbench.engine.jobs import Job, JobQueue
from vscbench.engine.loop import LoopThread
from vscbench.engine.purse import Purse
from vscbench.engine.traffic import Traffic
from vscbench.engine.verdicts import NoVerdicts, Verdicts
from vscbench.errors import StoppedError, VscbenchError
from vscbench.judges.protocol import Judge
from vscbench.models.protocol import Model
from vscbench.records import FIRST_EPOCH, CaseKey, Outcome, Pair, Request

DRAIN_S = 3.0
CLOSE_S = 10.0
CLOSED = "the run ended before this case was answered"


class Outcomes(Protocol):
    """Where a case gets its outcome from: this process, or the one that asks for all."""

    @property
    def model_name(self) -> str:
        """What the system under test calls itself."""

    def outcome_of(self, pair: Pair, epoch: int = FIRST_EPOCH) -> Outcome:
        """Wait for the outcome of a pair in one epoch and return it.

        Raises:
            StoppedError: the run ended before it was asked.
            VscbenchError: there will be none for another reason.
        """


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is.

    Counts of cases: ``submitted``, ``decided``, ``errors`` among these, and ``cached`` (decided
    from the store). Counts of requests: ``asked`` (attempts sent), ``retried``, ``in_flight``,
    and ``room``, how many may be in flight now. ``paused_s``: how long the provider still asked
    to be left alone, in seconds. ``spent_usd``: for answers of this run.
    """

    submitted: int = 0
    decided: int = 0
    errors: int = 0
    cached: int = 0
    asked: int = 0
    retried: int = 0
    in_flight: int = 0
    room: int = 0
    paused_s: float = 0.0
    spent_usd: float = 0.0
    last: Outcome | None = None


class Dispatcher:
    """Asks one model for many cases at once and hands each case its own outcome.

    Requests go in the order in which cases were submitted, as many at a time as the limits and
    the provider allow. A response is in the archive before it is judged, and its place in flight
    is taken until then. Cases whose response is in the archive already are not asked.
    """

    def __init__(  # noqa: PLR0913 - one run, described once
        self,
        model: Model,
        judge: Judge,
        limits: Limits,
        archive: Archive,
        loop: LoopThread,
        *,
        graders: Mapping[str, Judge] | None = None,
        purse: Purse | None = None,
        offline: bool = False,
        most_failures: int = 0,
        is_failure: Callable[[Outcome], bool] = lambda outcome: False,
    ) -> None:
        """Prepare; nothing is asked until ``submit``.

        Args:
            model: the system under test; closed with the dispatcher.
            judge: of its responses.
            limits: what the run keeps to.
            archive: where responses and verdicts are kept; closed with the dispatcher.
            loop: where requests run; closed by whoever made it.
            graders: read the responses to some pairs, by id, in the judge's place; they keep their
                verdicts themselves.
            purse: the money of the run, where the judge spends from it too.
            offline: whether only what is in the archive counts.
            most_failures: pytest's ``--maxfail``; 0 where any number may fail.
            is_failure: whether an outcome makes a failed test.
        """
        self.model = model
        self.limits = limits
        self._archive = archive
        self._loop = loop
        self._is_failure = is_failure
        self._queue = JobQueue(most_failures)
        self._admission = Admission(limits, purse)
        self._traffic = Traffic(
            model,
            _desks(judge, graders or {}, archive, offline=offline),
            archive,
            self._admission,
            self._queue,
            self._deliver,
            self._refuse,
            self._abort,
            offline,
        )
        if purse is not None:
            purse.watchers.append(self._traffic.wake)
        self._futures: dict[CaseKey, concurrent.futures.Future[Outcome]] = {}
        self._delivered: dict[CaseKey, Outcome] = {}
        self._decided = self._errors = 0
        self._last: Outcome | None = None

    @property
    def model_name(self) -> str:
        """What the system under test calls itself."""
        return self.model.name

    @property
    def notes(self) -> tuple[str, ...]:
        """Remarks for the person who reads the run."""
        return tuple(self._traffic.notes)

    @property
    def stopped(self) -> str | None:
        """Why the run sends nothing more, if it ended early."""
        return self._traffic.stopped

    def submit(self, cases: Iterable[tuple[Pair, Request]]) -> None:
        """Queue cases; one that is already queued is not asked again."""
        jobs = []
        for pair, request in cases:
            case = (pair.id, request.epoch)
            if case not in self._futures:
                jobs.append(Job(len(self._futures), request, [pair]))
                self._futures[case] = concurrent.futures.Future()
        if jobs:
            self._loop.start(self._traffic.look_up(jobs))

    def knows(self, pair: Pair, epoch: int = FIRST_EPOCH) -> bool:
        """Whether a pair was submitted in this epoch."""
        return (pair.id, epoch) in self._futures

    def outcome_of(self, pair: Pair, epoch: int = FIRST_EPOCH) -> Outcome:
        """Wait for the outcome of a submitted case; it then counts as delivered.

        Raises:
            StoppedError: the run ended before it was asked.
        """
        case = (pair.id, epoch)
        future = self._futures[case]
        if not future.done():
            self._loop.call(self._traffic.want, case)
        outcome = self._loop.wait(future)
        self._delivered[case] = outcome
        return outcome

    def delivered(self) -> list[Outcome]:
        """Return the outcomes that a case has asked for, sorted by pair id and epoch."""
        return [self._delivered[case] for case in sorted(self._delivered)]

    def answered(self) -> list[Outcome]:
        """Return every outcome there is, whether or not a case has asked for it."""
        done = [future for future in self._futures.values() if future.done()]
        return [future.result() for future in done if future.exception() is None]

    def progress(self) -> Progress:
        """Return how far the run is, from any thread."""
        counts = self._traffic.counts
        return Progress(
            submitted=len(self._futures),
            decided=self._decided,
            errors=self._errors,
            cached=counts.cached,
            asked=counts.asked,
            retried=counts.retried,
            in_flight=self._admission.in_flight,
            room=self._admission.concurrency,
            paused_s=self._admission.paused_s(self._loop.time()),
            spent_usd=counts.spent_usd,
            last=self._last,
        )

    def close(self, drain_s: float = DRAIN_S) -> None:
        """Send nothing more, keep what arrives within ``drain_s`` seconds, and end."""
        try:
            self._loop.run(self._traffic.shut_down(CLOSED, drain_s), drain_s + CLOSE_S)
        except (TimeoutError, VscbenchError):
            pass  # a model that does not let go must not keep the run from ending
        finally:
            self._abort(self.stopped or CLOSED)
            self._archive.close()

    def _deliver(self, outcome: Outcome, number: int) -> None:
        self._decided += 1
        self._errors += outcome.kind.is_error
        self._last = outcome
        if self._is_failure(outcome):
            self._queue.case_failed(number)
        future = self._futures[outcome.pair.id, outcome.epoch]
        if not future.done():
            future.set_result(outcome)

    def _abort(self, why: str) -> None:
        for future in list(self._futures.values()):
            if not future.done():
                future.set_exception(StoppedError(why))

    def _refuse(self, case: CaseKey, why: str) -> None:
        future = self._futures[case]
        if not future.done():
            future.set_exception(StoppedError(why))


def _desks(judge: Judge, graders: Mapping[str, Judge], archive: Archive, *, offline: bool) -> Desks:
    by_grader = {
        id(each): Verdicts(each, NoVerdicts(), offline=offline) for each in graders.values()
    }
    others = {pair_id: by_grader[id(each)] for pair_id, each in graders.items()}
    return Desks(Verdicts(judge, archive, offline=offline), others)
