"""How many requests a provider takes at once, found out from what it answers and refuses."""

from vscbench.engine.backoff import LONGEST_RETRY_AFTER_S

# What one answer adds to the limit, at least and at most. The least decides which share of
# refusals is borne: one in six, from a provider that fails at random, costs no concurrency.
SLOWEST_RISE = 0.2
FASTEST_RISE = 1.0
# Where even a single request is refused, nobody is asked for a while.
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0


class AdaptiveConcurrency:
    """A limit of requests in flight that falls with each refusal and rises with answers.

    A refusal says that there was one request too many, so it takes one away: when a provider
    admits only so many of a full house, what is left after one round trip is what it admits. To
    multiply by a factor once in a while, as TCP does, fits neither a provider that refuses fast
    (thousands of refusals before the factor has bitten) nor one that fails at random. Answers
    let the limit rise the faster the longer nothing was refused, up to doubling a round trip.
    Times are seconds of one clock that never goes back.
    """

    def __init__(self, most: int) -> None:
        """Start at ``most``, which is never exceeded."""
        self._most = most
        self._level = float(most)
        self._quiet_trips = 0.0
        self._pause_s = 0.0
        self._paused_until = float("-inf")

    @property
    def limit(self) -> int:
        """How many requests may be in flight now; at least 1."""
        return int(self._level)

    def answered(self, now: float) -> None:
        """Count an answer; it ends a pause."""
        rise = min(FASTEST_RISE, SLOWEST_RISE * 2.0 ** min(self._quiet_trips, 10.0))
        self._level = min(float(self._most), self._level + rise)
        self._quiet_trips += 1.0 / self._level
        self._pause_s = 0.0
        self._paused_until = now

    def pushed_back(self, now: float, retry_after_s: float | None = None) -> None:
        """Count a refusal for being asked too much: HTTP 429, 503, 529.

        Args:
            now: when it came.
            retry_after_s: how long the provider asked to be left alone, where it did. It is for
                the request that was refused; the others heed it only where not even one is taken.
        """
        if self.limit == 1 and now >= self._paused_until:
            self._pause_s = min(LONGEST_PAUSE_S, max(FIRST_PAUSE_S, 2.0 * self._pause_s))
            asked = min(LONGEST_RETRY_AFTER_S, retry_after_s or 0.0)
            self._paused_until = now + max(self._pause_s, asked)
        self._level = max(1.0, self._level - 1.0)
        self._quiet_trips = 0.0

    def delay(self, now: float) -> float:
        """Return for how many seconds nothing is to be sent; 0 but where not even one is taken."""
        return max(0.0, self._paused_until - now)
