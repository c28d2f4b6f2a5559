"""Group commit: whatever is to be stored while one commit runs goes into the next one."""

import asyncio
import contextlib
import queue
import threading
from collections import deque
from collections.abc import Sequence
from typing import Final

from vscbench.engine.store import Store, StoredRecord
from vscbench.errors import StoreError

CLOSED: Final = "the store is closed, so nothing more can be kept"
Waiter = asyncio.Future[None]
Item = tuple[StoredRecord, Waiter]


class StoreWriter:
    """Commits records on a thread of its own, so that an event loop never waits for a disk.

    After a commit that failed nothing more is written: a run that goes on would pay for answers
    that it cannot keep.
    """

    def __init__(self, store: Store) -> None:
        """Start the thread; the store stays its owner's to close."""
        self._store = store
        self._queue: queue.SimpleQueue[Item | None] = queue.SimpleQueue()
        self._along: deque[StoredRecord] = deque()
        self._entering = threading.Lock()
        self._closed = False
        self._failure: str | None = None
        # A program that ends without closing must not hang; nobody was told that more is durable.
        self._thread = threading.Thread(target=self._run, name="vscbench-store", daemon=True)
        self._thread.start()

    async def save(self, record: StoredRecord) -> None:
        """Return when the record is durable. Who is cancelled meanwhile takes nothing back.

        Raises:
            StoreError: it could not be written, or an earlier one could not.
        """
        saved = asyncio.get_running_loop().create_future()
        with self._entering:
            if self._failure is not None or self._closed:
                raise StoreError(self._failure or CLOSED)
            self._queue.put((record, saved))
        await saved

    def save_along(self, record: StoredRecord) -> None:
        """Write a record with the next one that is saved, or at the end; nobody waits for it.

        It is lost where the program is killed before: for what costs nothing to make again.
        """
        self._along.append(record)

    def close(self) -> None:
        """Commit what is queued and end the thread; twice is harmless."""
        with self._entering:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        goes_on = True
        while goes_on:
            batch, goes_on = self._next_batch()
            records = [record for record, _ in batch] + self._taken_along()
            if records and self._failure is None:
                self._failure = self._commit(records)
            _wake([waiter for _, waiter in batch], self._failure)

    def _next_batch(self) -> tuple[list[Item], bool]:
        """Wait for a record and take all there are; false once the writer was closed."""
        batch: list[Item] = []
        item = self._queue.get()
        with contextlib.suppress(queue.Empty):
            while item is not None:
                batch.append(item)
                item = self._queue.get_nowait()
            return batch, False
        return batch, True

    def _taken_along(self) -> list[StoredRecord]:
        return [self._along.popleft() for _ in range(len(self._along))]

    def _commit(self, records: Sequence[StoredRecord]) -> str | None:
        """Return what went wrong, if anything."""
        try:
            self._store.add(records)
        except StoreError as error:
            return str(error)
        except Exception as error:  # a defect of ours must not leave cases waiting for ever
            return f"the store could not take a record ({type(error).__name__}: {error})"
        return None


def _wake(waiters: Sequence[Waiter], failure: str | None) -> None:
    """Wake each event loop once, however many wait on it."""
    for loop in {waiter.get_loop() for waiter in waiters}:
        mine = [waiter for waiter in waiters if waiter.get_loop() is loop]
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any longer
            loop.call_soon_threadsafe(_settle, mine, failure)


def _settle(waiters: Sequence[Waiter], failure: str | None) -> None:
    for waiter in waiters:
        if waiter.done():
            continue
        if failure is None:
            waiter.set_result(None)
        else:
            waiter.set_exception(StoreError(failure))
