"""Requests in, answers out: rows are prepared on threads while another answers batches of them."""

import concurrent.futures
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from vscbench.errors import TargetError, VscbenchError
from vscbench.models.local.memory import (
    free_what_was_used,
    is_out_of_memory,
    leave_what_stays,
)
from vscbench.models.local.rows import Row
from vscbench.models.local.tasks import Answer, Spell, Task, choose, fitting
from vscbench.records import Cause, Request

# Prepared images wait in memory for their batch: no more than so much of them.
MOST_PREPARED_BYTES = 1024**3
# A batch that is not full waits this long for company.
LINGER_S = 0.05
# So many requests that fail by themselves, one after the other, are not at fault.
MOST_FAULTS = 3
SHORT_OF_MEMORY = "memory ran out"
TOO_LARGE = (
    "prompt and answer do not fit into memory, alone as they are; --vsc-param max_tokens=N takes a "
    "smaller answer, --vsc-param dtype=bfloat16 smaller numbers"
)


class BatchGenerator(Protocol):
    """What answers a batch of rows; see `vscbench.models.local.generation.Generator`."""

    @property
    def most_rows(self) -> int:
        """How many at once, whatever the memory."""

    @property
    def ends(self) -> frozenset[int]:
        """The tokens that end an answer."""

    def answer(self, rows: Sequence[Row], finish: Callable[[Sequence[Row]], None]) -> None:
        """Answer rows, all with an image or all without, and hand over each as it ends."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A loaded model: how it generates, and how many tokens its memory holds in a batch.

    ``notes`` say where it computes otherwise, and slower, than it might be thought to.
    """

    generator: BatchGenerator
    tokens: int
    notes: tuple[str, ...] = ()


class Scheduler:
    """Keeps a model busy with whatever was submitted, on a thread of its own.

    ``notes`` are remarks for the person, about what makes it slower than it might be.

    When memory runs out, half as many tokens are tried from then on; rows that were under way
    begin anew, and give the same answers. A row that does not fit by itself is told so. When a
    batch fails in another way each of its rows is tried by itself, so that one request that the
    model cannot bear costs no other its answer.
    """

    def __init__(
        self,
        make: Callable[[Request], Row],
        load: Callable[[], Ready],
        threads: int,
        timeout_s: float,
    ) -> None:
        """Prepare; the model is loaded when something is submitted.

        Args:
            make: prepares a row; raises a ``VscbenchError`` if it cannot; called from threads.
            load: loads the model; raises a ``VscbenchError`` if it cannot.
            threads: that prepare rows.
            timeout_s: for one row, from the moment it is taken up, in seconds.
        """
        self._make = make
        self._load = load
        self._timeout_s = timeout_s
        self._preparers = ThreadPoolExecutor(threads, thread_name_prefix="vscbench-rows")
        self._most_preparing = 2 * threads
        self._changed = threading.Condition()
        self._unprepared: deque[Task] = deque()
        self._prepared: list[Task] = []
        self._preparing = 0
        self._prepared_bytes = 0
        self._under_way: dict[Row, Task] = {}
        self._failed: VscbenchError | None = None
        self._thread: threading.Thread | None = None
        self._tokens = 0
        self._spell = Spell()
        self._faults = 0
        self.notes: list[str] = []

    def submit(self, request: Request) -> "concurrent.futures.Future[Answer]":
        """Take up a request; what comes of it is the future's."""
        task = Task(request, concurrent.futures.Future())
        # From here on nobody can take it back: its answer is always somebody's.
        task.waiting.set_running_or_notify_cancel()
        with self._changed:
            if self._failed is not None:
                task.waiting.set_exception(self._failed)
                return task.waiting
            self._unprepared.append(task)
            self._prepare_more()
            self._changed.notify_all()
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="vscbench-batch", daemon=True
                )
                self._thread.start()
        return task.waiting

    def _prepare_more(self) -> None:
        while (
            self._unprepared
            and self._preparing < self._most_preparing
            and (self._prepared_bytes < MOST_PREPARED_BYTES or not self._prepared)
        ):
            self._preparing += 1
            self._preparers.submit(self._prepare, self._unprepared.popleft())

    def _prepare(self, task: Task) -> None:
        fault: Exception | None = None
        try:
            task.row = self._make(task.request)
            task.row.is_revised = task.is_revised
        except Exception as error:  # a defect must not leave its case waiting
            fault = error
        with self._changed:
            self._preparing -= 1
            if task.row is not None and self._failed is None:
                self._prepared.append(task)
                self._prepared_bytes += task.row.bytes
            else:
                task.waiting.set_exception(self._failed or fault or VscbenchError("no row"))
            self._prepare_more()
            self._changed.notify_all()

    def _run(self) -> None:
        try:
            ready = self._load()
            leave_what_stays()
            self._tokens = ready.tokens
            self.notes += ready.notes
            while True:
                self._work(ready.generator)
        except VscbenchError as error:
            self._fail(error)
        except Exception as error:  # told to every case that waits, with what it was
            self._fail(VscbenchError(f"the local engine failed: {type(error).__name__}: {error}"))

    def _work(self, generator: BatchGenerator) -> None:
        """Take up what there is room for, and answer it."""
        taken = self._take(generator)
        try:
            generator.answer(self._begin(taken), lambda rows: self._deliver(rows, generator.ends))
        except Exception as error:
            fault = None if is_out_of_memory(error) else _in_words(error)
        else:
            return
        # Outside of the handler, whose traceback would keep alive what is to be freed.
        free_what_was_used()
        lost = list(self._under_way.values())
        self._under_way.clear()
        kept = self._with_less(taken, lost) if fault is None else self._alone(taken, lost, fault)
        with self._changed:
            for task in reversed(kept):
                if task.row is not None:
                    task.is_revised = task.row.is_revised
                task.row = None  # its image was let go when it was taken up
                self._unprepared.appendleft(task)
            self._prepare_more()

    def _take(self, generator: BatchGenerator) -> list[Task]:
        with self._changed:
            while not self._is_worth_starting(generator):
                self._rest()
                self._changed.wait()
            suspects = [task for task in self._prepared if task.suspected]
            taken = suspects[:1] or choose(self._prepared, generator.most_rows, self._tokens)
            for task in taken:
                self._prepared.remove(task)
                self._prepared_bytes -= task.row.bytes if task.row else 0
            for task in self._prepared:
                task.passed += 1
            self._prepare_more()
        return taken

    def _rest(self) -> None:
        """Give memory back while there is nothing to do: another model may need it."""
        self._spell.tell()
        if self._spell.answers:
            free_what_was_used()
        self._spell = Spell()

    def _is_worth_starting(self, generator: BatchGenerator) -> bool:
        """Whether there is anything to do, once a batch is as full as it will get before long."""
        while self._prepared and not self._is_full(generator):
            before = len(self._prepared)
            more = self._unprepared or self._preparing
            if self._prepared_bytes >= MOST_PREPARED_BYTES:
                break
            self._changed.wait(None if more else LINGER_S)
            if len(self._prepared) == before and not self._preparing:
                break
        return bool(self._prepared)

    def _is_full(self, generator: BatchGenerator) -> bool:
        rows = [task.row for task in self._prepared if task.row]
        return len(rows) > fitting(rows, generator.most_rows, self._tokens) or (
            len(rows) == generator.most_rows
        )

    def _begin(self, taken: Sequence[Task]) -> list[Row]:
        now = time.monotonic()
        self._spell.began = self._spell.began or now
        rows = []
        for task in taken:
            if task.row is not None:
                task.row.started = now
                task.row.deadline = now + self._timeout_s
                self._under_way[task.row] = task
                rows.append(task.row)
        return rows

    def _deliver(self, rows: Sequence[Row], ends: frozenset[int]) -> None:
        now = time.monotonic()
        for row in rows:
            self._faults = 0
            self._spell.answers += 1
            self._spell.tokens += len(row.tokens)
            task = self._under_way.pop(row)
            ended = bool(row.tokens) and row.tokens[-1] in ends
            task.waiting.set_result(Answer(row, ended, now - row.started))

    def _with_less(self, taken: Sequence[Task], lost: list[Task]) -> list[Task]:
        """Halve what a batch may hold; return what is to begin anew.

        Args:
            taken: the batch for which memory was too short.
            lost: those of it that had not ended.
        """
        most = max((task.row.most_tokens for task in taken if task.row), default=1)
        if len(taken) == 1:
            lost.pop().waiting.set_exception(TargetError(TOO_LARGE, Cause.OTHER))
            return []
        self._tokens = max(1, min(self._tokens, len(taken) * most) // 2)
        print(f"out of memory: from now on at most {self._tokens} tokens at once", flush=True)
        self.notes = [note for note in self.notes if not note.startswith(SHORT_OF_MEMORY)]
        self.notes.append(
            f"{SHORT_OF_MEMORY}: batches were made smaller, to {self._tokens} tokens at once, and "
            f"slower for it (--vsc-param batch_tokens={self._tokens} begins with that)"
        )
        return lost

    def _alone(self, taken: Sequence[Task], lost: list[Task], fault: str) -> list[Task]:
        """Have each row of a failed batch tried by itself; tell one that failed so what happened.

        Args:
            taken: the batch that failed.
            lost: those of it that had not ended.
            fault: what happened.

        Raises:
            VscbenchError: several rows in a row failed by themselves: it is not theirs.
        """
        print(f"a batch of {len(taken)} failed: {fault}", flush=True)
        if len(taken) != 1:
            for task in lost:
                task.suspected = True
            return lost
        self._faults += 1
        if self._faults == MOST_FAULTS:
            self._under_way = {task.row: task for task in lost if task.row}
            raise VscbenchError(f"the local engine failed: {fault}")
        lost[0].waiting.set_exception(TargetError(f"the model failed at it: {fault}", Cause.OTHER))
        return []

    def _fail(self, error: VscbenchError) -> None:
        with self._changed:
            self._failed = error
            lost = [*self._under_way.values(), *self._prepared, *self._unprepared]
            self._prepared.clear()
            self._unprepared.clear()
            self._under_way.clear()
        for task in lost:
            task.waiting.set_exception(error)


def _in_words(error: Exception) -> str:
    """Say what happened: what is meant for a person as it is, a defect with its name."""
    return str(error) if isinstance(error, VscbenchError) else f"{type(error).__name__}: {error}"
