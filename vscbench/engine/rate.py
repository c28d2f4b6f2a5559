"""A limit of so many requests, or tokens, a minute: when the next one may start."""

from collections import deque

# A second more than the minute that a provider counts: what starts a minute apart here may
# arrive a little closer together there.
WINDOW_S = 61.0
# How much lost time may be made up for at once. Providers also count in seconds: Azure refuses
# the eleventh request of a second at 600 a minute
# (https://learn.microsoft.com/azure/ai-services/openai/how-to/quota).
BURST_S = 0.25
# How much one more request changes what is known of how much is used of what is reserved.
MEMORY = 0.98


class RateLimit:
    """Keeps every window of 60 s within a limit, and spreads what starts over the window.

    A log of what started in the last minute keeps the limit; a pace keeps the log from being
    filled at once. Times are seconds of one clock that never goes back.
    """

    def __init__(self, per_minute: float) -> None:
        """Start with nothing taken; ``per_minute`` is above 0, in requests or in tokens."""
        self._most = per_minute
        self._per_second = per_minute / WINDOW_S
        self._log: deque[_Taken] = deque()
        self._logged = 0.0
        self._unsettled: dict[float, deque[_Taken]] = {}
        self._paced_until = float("-inf")
        self._reserved = self._used = 1.0

    def delay(self, now: float, amount: float = 1.0) -> float:
        """Return in how many seconds ``amount`` may be taken; 0 means now.

        More than a whole minute's limit is not refused: it goes once nothing else is logged.
        """
        self._forget(now)
        return max(0.0, self._pace_delay(now, amount), self._log_delay(now, amount))

    def take(self, now: float, amount: float = 1.0) -> None:
        """Count an amount as started now."""
        self._forget(now)
        taken = _Taken(now, amount)
        self._log.append(taken)
        self._logged += amount
        self._unsettled.setdefault(amount, deque()).append(taken)
        self._paced_until = max(now, self._paced_until) + self._pace_s(amount)

    def settle(self, reserved: float, actual: float) -> None:
        """Put right an amount that was taken before it was known.

        Args:
            reserved: the amount as it was given to ``take``; of several, the first taken counts.
            actual: what was really used.
        """
        if actual > 0:  # what came to nothing says nothing of what the others will need
            self._reserved = MEMORY * self._reserved + reserved
            self._used = MEMORY * self._used + actual
        waiting = self._unsettled.get(reserved)
        if not waiting:  # it started more than a minute ago: nobody counts it any more
            return
        taken = waiting.popleft()
        if not waiting:
            del self._unsettled[reserved]
        self._logged += actual - taken.amount
        taken.amount = actual
        taken.settled = True

    def _pace_s(self, amount: float) -> float:
        # Where less is used than was reserved, the pace is that of what is used.
        return amount * self._used / self._reserved / self._per_second

    def _pace_delay(self, now: float, amount: float) -> float:
        ahead = self._paced_until - now
        return ahead - max(0.0, BURST_S - self._pace_s(amount))

    def _log_delay(self, now: float, amount: float) -> float:
        too_many = self._logged + amount - self._most
        ready_at = now
        for taken in self._log:
            if too_many <= 0:
                break
            too_many -= taken.amount
            ready_at = taken.started + WINDOW_S
        return ready_at - now

    def _forget(self, now: float) -> None:
        while self._log and self._log[0].started + WINDOW_S <= now:
            taken = self._log.popleft()
            self._logged -= taken.amount
            if not taken.settled:
                self._drop_unsettled(taken)
        if not self._log:
            self._logged = 0.0  # no rounding error outlives a quiet minute

    def _drop_unsettled(self, taken: "_Taken") -> None:
        waiting = self._unsettled[taken.amount]
        waiting.popleft()  # the log is in the order of time, so it is the first
        if not waiting:
            del self._unsettled[taken.amount]


class _Taken:
    """An amount that was started at a time; ``settled`` once it is what was really used."""

    __slots__ = ("amount", "settled", "started")

    def __init__(self, started: float, amount: float) -> None:
        self.started = started
        self.amount = amount
        self.settled = False
