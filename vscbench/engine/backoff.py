"""The one retry policy: whether a request that failed is sent again, and when."""

import math
from dataclasses import dataclass

from vscbench.records import Cause

LONGEST_RETRY_AFTER_S = 600.0
LONGEST_STEP_S = 60.0
RATE_LIMIT_STEP_S = 2.0
OTHER_STEP_S = 0.5
# Each time-out has cost a whole deadline: three of them are six minutes by default.
MOST_TIME_OUT_RETRIES = 2
MOST_DOUBLINGS = 16
RETRY_AFTER_JITTER = 0.1
LONGEST_JITTER_S = 5.0


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a request is sent again after a transient fault, and how long that waits."""

    retries: int = 5

    def delay_s(
        self, cause: Cause, attempt: int, retry_after_s: float | None, draw: float
    ) -> float | None:
        """Return the wait before the next attempt in seconds, or ``None`` for no more attempts.

        Args:
            cause: why the attempt failed.
            attempt: which attempt of this request it was, from 1.
            retry_after_s: how long the provider asked to be left alone, where it did; the wait
                is never shorter, and none is waited for that is longer than
                ``LONGEST_RETRY_AFTER_S``.
            draw: a random number from 0 up to 1 that spreads the retries of many requests.
        """
        most = min(self.retries, MOST_TIME_OUT_RETRIES) if cause is Cause.TIME_OUT else self.retries
        if not cause.is_transient or attempt > most:
            return None
        own = _own_wait_s(cause, attempt, draw)
        if retry_after_s is None or math.isnan(retry_after_s) or retry_after_s < 0:
            return own
        if retry_after_s > LONGEST_RETRY_AFTER_S:
            return None
        asked = retry_after_s + draw * min(RETRY_AFTER_JITTER * retry_after_s, LONGEST_JITTER_S)
        # A provider that names too short a wait is believed once.
        return asked if attempt == 1 else max(asked, own)


def _own_wait_s(cause: Cause, attempt: int, draw: float) -> float:
    first = RATE_LIMIT_STEP_S if cause is Cause.RATE_LIMIT else OTHER_STEP_S
    step = min(LONGEST_STEP_S, first * 2.0 ** min(attempt - 1, MOST_DOUBLINGS))
    return step * (0.5 + 0.5 * draw)
