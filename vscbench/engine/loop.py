"""An event loop on a thread of its own, so that requests fly while pytest runs cases."""

import asyncio
import concurrent.futures
import contextlib
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from vscbench.errors import VscbenchError
from vscbench.loopback import standard_names

CLOSE_S = 10.0
POLL_S = 0.5
Result = TypeVar("Result")


class LoopThread:
    """Runs coroutines for callers on other threads."""

    def __init__(self) -> None:
        """Start the thread; it ends with the process if nobody closes it."""
        with standard_names():  # a loop makes a pair of sockets to wake itself
            self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="vscbench-engine", daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether coroutines still make progress."""
        return self._thread.is_alive()

    def start(self, coroutine: Coroutine[Any, Any, Result]) -> "concurrent.futures.Future[Result]":
        """Start a coroutine and return at once."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def call(self, function: Callable[..., object], *given: object) -> None:
        """Call a function on the loop, soon; nothing happens once the loop is closed."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(function, *given)

    def time(self) -> float:
        """Return the loop's clock, in seconds."""
        return self._loop.time()

    def run(self, coroutine: Coroutine[Any, Any, Result], timeout_s: float | None = None) -> Result:
        """Run a coroutine and wait for what it returns.

        Raises:
            TimeoutError: it took longer than ``timeout_s``; it goes on regardless.
        """
        return self.wait(self.start(coroutine), timeout_s)

    def wait(
        self, future: "concurrent.futures.Future[Result]", timeout_s: float | None = None
    ) -> Result:
        """Wait for a future that this loop resolves; Ctrl-C gets through at once.

        Raises:
            VscbenchError: the loop is gone, so nobody will resolve it.
            TimeoutError: it took longer than ``timeout_s``.
        """
        if future.done():
            return future.result()
        left = timeout_s
        while True:
            step = POLL_S if left is None else min(POLL_S, left)
            try:
                return future.result(step)
            except concurrent.futures.TimeoutError:
                if future.done():
                    raise  # its own
            if not self.is_alive:
                raise VscbenchError("the engine stopped before this was done")
            left = None if left is None else left - step
            if left is not None and left <= 0:
                raise TimeoutError

    def close(self) -> None:
        """End the thread; what still runs on it is cancelled."""
        if not self.is_alive:
            return
        try:
            self.run(_cancel_others(), CLOSE_S)
        except TimeoutError:
            pass  # a coroutine that does not let go must not keep the run from ending
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(CLOSE_S)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()


async def _cancel_others() -> None:
    mine = asyncio.current_task()
    others = [task for task in asyncio.all_tasks() if task is not mine]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_asyncgens()
