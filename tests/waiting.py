"""Waiting for a condition, with a deadline."""

import time
from collections.abc import Callable

LOOK_S = 0.02


def wait_until(holds: Callable[[], object], within_s: float = 30.0) -> None:
    """Return as soon as a condition holds.

    Raises:
        AssertionError: it did not within ``within_s`` seconds.
    """
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(LOOK_S)
