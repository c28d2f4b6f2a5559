"""An executor that runs what it is given at once: for hops between threads that gain nothing."""

import concurrent.futures
import socket
from collections.abc import Callable
from typing import Any

Done = concurrent.futures.Future[Any]


class InlineExecutor(concurrent.futures.ThreadPoolExecutor):
    """Runs functions where they are submitted, but for look-ups of names, which may take long.

    litellm hands every call to the event loop's executor, although it only builds a coroutine
    there; in a process that does nothing else the thread costs more than the work.
    """

    def submit(self, function: Callable[..., Any], /, *given: Any, **named: Any) -> Done:  # noqa: ANN401
        """Run a function and return its result as a future that is done."""
        if function is socket.getaddrinfo:
            return super().submit(function, *given, **named)
        done = Done()
        try:
            done.set_result(function(*given, **named))
        except BaseException as error:  # the future's to raise
            done.set_exception(error)
        return done
