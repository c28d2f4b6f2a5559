"""The order in which requests are sent: as cases were submitted, retries when they are due."""

import heapq
import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from vscbench.records import CaseKey, Pair, Request


@dataclass(slots=True, eq=False)
class Job:
    """One request and every case that waits for its answer.

    ``number`` is the place of its first case in the order of submission. ``key`` is the address
    of its response, or ``None`` where nothing is stored. ``failures`` counts attempts that came
    to nothing.
    """

    number: int
    request: Request
    pairs: list[Pair]
    key: str | None = None
    failures: int = 0

    @property
    def cases(self) -> list[CaseKey]:
        """The cases that wait for its answer."""
        return [(pair.id, self.request.epoch) for pair in self.pairs]


@dataclass
class JobQueue:
    """Jobs that wait for their turn, and jobs that wait for the time of their next attempt.

    Once as many cases failed as pytest's ``--maxfail`` allows, only cases before the last of
    them, and those that somebody waits for, are still sent: the others will not run.
    """

    most_failures: int = 0
    _waiting: "deque[Job]" = field(default_factory=deque)
    _delayed: list[tuple[float, int, Job]] = field(default_factory=list)
    _failed: list[int] = field(default_factory=list)
    _wanted: set[CaseKey] = field(default_factory=set)

    def add(self, job: Job) -> None:
        """Queue a job behind the others."""
        self._waiting.append(job)

    def delay(self, job: Job, ready_at: float) -> None:
        """Queue a job for another attempt, not before a time of the event loop's clock."""
        heapq.heappush(self._delayed, (ready_at, job.number, job))

    def want(self, case: CaseKey) -> None:
        """Note that somebody waits for this case."""
        self._wanted.add(case)

    def case_failed(self, number: int) -> None:
        """Note that the case at this place of the order will be a failed test."""
        if self.most_failures:
            self._failed.append(number)

    def peek(self, now: float) -> Job | None:
        """Return the job that is next, which stays queued, or ``None`` if none is due."""
        if self._delayed and self._delayed[0][0] <= now:
            return self._delayed[0][2]
        last = self._last_that_runs()
        return next((job for job in self._waiting if self._may_go(job, last)), None)

    def remove(self, job: Job) -> None:
        """Take out a job that ``peek`` returned."""
        if self._delayed and self._delayed[0][2] is job:
            heapq.heappop(self._delayed)
        elif self._waiting[0] is job:
            self._waiting.popleft()
        else:
            self._waiting.remove(job)

    def next_due(self) -> float | None:
        """Return when the next delayed job is due, on the event loop's clock."""
        return self._delayed[0][0] if self._delayed else None

    def clear(self) -> Iterator[Job]:
        """Take out every job."""
        yield from (job for _, _, job in self._delayed)
        self._delayed.clear()
        while self._waiting:
            yield self._waiting.popleft()

    def __len__(self) -> int:
        """How many jobs are queued."""
        return len(self._waiting) + len(self._delayed)

    def _last_that_runs(self) -> float:
        """Return the place in the order of the case at which pytest will stop."""
        if not self.most_failures or len(self._failed) < self.most_failures:
            return math.inf
        return heapq.nsmallest(self.most_failures, self._failed)[-1]

    def _may_go(self, job: Job, last: float) -> bool:
        return job.number < last or not self._wanted.isdisjoint(job.cases)
