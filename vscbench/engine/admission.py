"""Whether the next request may go now: room, rates, pauses and the budget, in one answer."""

import math
import random
from dataclasses import dataclass

from vscbench.engine.backoff import RetryPolicy
from vscbench.engine.breaker import CircuitBreaker
from vscbench.engine.budget import Budget, estimated_prompt_tokens
from vscbench.engine.concurrency import AdaptiveConcurrency
from vscbench.engine.purse import Purse
from vscbench.engine.rate import RateLimit
from vscbench.errors import TargetError
from vscbench.models.protocol import Price
from vscbench.records import Cause, Request, Response

# What an answer is taken to need until answers have come in; about a page of text.
FIRST_COMPLETION_TOKENS = 500
DEFAULT_MAX_TOKENS = 4096
# Requests that go together come back together, and at every turn wait for each other's work in one
# process: they are kept apart by this share of the time that would fill all places evenly.
PACE = 0.8
PERHAPS_BILLED = {Cause.TIME_OUT, Cause.CONNECTION, Cause.UNREADABLE}


@dataclass(frozen=True, slots=True)
class Limits:
    """What a run keeps to, whatever the number of workers.

    ``requests_per_minute`` and ``tokens_per_minute`` are ``None`` where there is no limit;
    ``most_usd`` needs a ``price``. ``max_tokens`` is the longest answer that is asked for.
    """

    concurrency: int
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    retries: int = 5
    most_usd: float | None = None
    price: Price | None = None
    max_tokens: int = DEFAULT_MAX_TOKENS


@dataclass(frozen=True, slots=True)
class Ticket:
    """When a request went, and what was set aside for it."""

    sent_at: float
    prompt_tokens: int
    tokens: float
    usd: float


class Admission:
    """Keeps a run within its limits; times are those of one monotonic clock, in seconds."""

    def __init__(self, limits: Limits, purse: Purse | None = None) -> None:
        """Start with nothing in flight.

        Args:
            limits: what these requests keep to.
            purse: what is spent from, if others spend from it too; by default it is these
                requests' own.
        """
        self._limits = limits
        self._concurrency = AdaptiveConcurrency(limits.concurrency)
        self._breaker = CircuitBreaker(limits.concurrency)
        self._retries = RetryPolicy(limits.retries)
        self._requests = _rate(limits.requests_per_minute)
        self._tokens = _rate(limits.tokens_per_minute)
        self._budget = (
            Budget(purse or Purse(limits.most_usd), limits.price, limits.max_tokens)
            if limits.most_usd is not None and limits.price is not None
            else None
        )
        self._completion_tokens = float(FIRST_COMPLETION_TOKENS)
        self._latency_s = 0.0
        self._last_sent = -math.inf
        self._random = random.Random()  # noqa: S311 - jitter, nothing secret
        self.in_flight = 0
        self.stopped: str | None = None

    @property
    def concurrency(self) -> int:
        """How many requests may be in flight at the moment."""
        return self._concurrency.limit

    @property
    def spent_usd(self) -> float | None:
        """What was spent so far, where there is a budget."""
        return self._budget.spent_usd if self._budget else None

    def paused_s(self, now: float) -> float:
        """Return for how long the provider, which takes nothing, asked to be left alone: seconds.

        A request that was refused while others are taken waits alone.
        """
        return self._concurrency.delay(now)

    def admit(self, now: float, request: Request) -> Ticket | float | None:
        """Let a request go, or say how long it has to wait.

        Returns:
            A ticket: it may go, and counts as in flight. Seconds: ask again after them.
            ``None``: not before something in flight has ended; or never, once ``stopped`` is set.
        """
        if self.stopped or self.in_flight >= self._concurrency.limit:
            return None
        prompt_tokens = estimated_prompt_tokens(request)
        tokens = prompt_tokens + self._completion_tokens
        wait = self._wait_s(now, tokens)
        if wait > 0:
            return wait
        usd = self._reserve(prompt_tokens)
        if usd is None:
            return None
        for rate, amount in ((self._requests, 1.0), (self._tokens, tokens)):
            if rate is not None:
                rate.take(now, amount)
        self.in_flight += 1
        self._last_sent = now
        return Ticket(now, prompt_tokens, tokens, usd)

    def answered(self, now: float, ticket: Ticket, response: Response) -> None:
        """Count an answer, and set right what was set aside for it."""
        self.in_flight -= 1
        self._concurrency.answered(now)
        self._breaker.answered()
        self._latency_s += 0.1 * (now - ticket.sent_at - self._latency_s)
        if response.completion_tokens is not None:
            self._completion_tokens += 0.1 * (response.completion_tokens - self._completion_tokens)
        used = _tokens_of(response)
        if self._tokens is not None and used is not None:
            self._tokens.settle(ticket.tokens, used)
        if self._budget is not None:
            self._budget.settle(ticket.usd, response.cost_usd)
            if response.prompt_tokens is not None:
                self._budget.observe(
                    ticket.prompt_tokens, response.prompt_tokens, response.completion_tokens or 0
                )

    def failed(self, now: float, ticket: Ticket, error: TargetError, failures: int) -> float | None:
        """Count an attempt that came to nothing.

        Args:
            now: the time.
            ticket: what was set aside for it.
            error: why it failed.
            failures: how many attempts of this request have failed, this one included.

        Returns:
            In how many seconds it is to be tried again; ``None``: no more.
        """
        self.in_flight -= 1
        if self._budget is not None:
            # What was lost on its way back may have been billed; what was refused was not.
            self._budget.settle(ticket.usd, None if error.cause in PERHAPS_BILLED else 0.0)
        if error.cause in {Cause.RATE_LIMIT, Cause.SERVER_ERROR}:
            self._concurrency.pushed_back(now, error.retry_after_s)
        delay = self._retries.delay_s(
            error.cause, failures, error.retry_after_s, self._random.random()
        )
        self._breaker.failed(error.cause, str(error), final=delay is None)
        self.stopped = self.stopped or self._breaker.tripped
        return delay

    def released(self, ticket: Ticket) -> None:
        """Take back a request that was never sent, or that was cancelled."""
        self.in_flight -= 1
        if self._budget is not None:
            self._budget.settle(ticket.usd, None)

    def _wait_s(self, now: float, tokens: float) -> float:
        pace_s = PACE * self._latency_s / self._limits.concurrency
        waits = [self.paused_s(now), self._last_sent + pace_s - now]
        if self._requests is not None:
            waits.append(self._requests.delay(now, 1.0))
        if self._tokens is not None:
            waits.append(self._tokens.delay(now, tokens))
        return max(waits)

    def _reserve(self, prompt_tokens: int) -> float | None:
        if self._budget is None:
            return 0.0
        if self._budget.exhausted(prompt_tokens):
            self.stopped = self._budget.message()
        return self._budget.reserve(prompt_tokens)


def _rate(per_minute: float | None) -> RateLimit | None:
    return None if per_minute is None else RateLimit(per_minute)


def _tokens_of(response: Response) -> int | None:
    if response.prompt_tokens is None and response.completion_tokens is None:
        return None
    return (response.prompt_tokens or 0) + (response.completion_tokens or 0)
