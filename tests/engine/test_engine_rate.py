from collections.abc import Sequence
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vscbench.engine.rate import RateLimit

# What is taken and when, in seconds.
Starts = list[tuple[float, float]]

LIMITS = st.integers(1, 3000)
QUIET = st.floats(0, 200)
CLOCK = st.floats(0, 1e6)


def start(limit: RateLimit, now: float, amount: float = 1.0) -> float:
    """Wait as long as the limit says, take, and return when that was."""
    now += limit.delay(now, amount)
    limit.take(now, amount)
    return now


def fullest(starts: Starts, window_s: float) -> float:
    """The most that any window holds that begins with a start."""
    most = 0.0
    last = 0
    total = 0.0
    for first, (begins, amount) in enumerate(starts):
        while last < len(starts) and starts[last][0] < begins + window_s:
            total += starts[last][1]
            last += 1
        assert last > first
        most = max(most, total)
        total -= amount
    return most


def saturated(limit: RateLimit, amounts: Sequence[float], until_s: float, late_s: float) -> Starts:
    """Take again and again, each time up to ``late_s`` later than it might have been."""
    random = Random(0)  # noqa: S311 - a simulation
    starts: Starts = []
    now = 0.0
    while True:
        amount = amounts[len(starts) % len(amounts)]
        now = start(limit, now, amount) + late_s * random.random()
        if now >= until_s:
            return starts
        starts.append((now, amount))


@given(LIMITS, CLOCK, st.lists(QUIET | st.just(0.0), max_size=200))
def test_no_minute_holds_more_requests_than_the_limit(
    per_minute: int, now: float, pauses: list[float]
) -> None:
    limit = RateLimit(per_minute)
    starts: Starts = []
    for pause in pauses:
        now = start(limit, now + pause)
        starts.append((now, 1.0))
    assert fullest(starts, 60.0) <= per_minute


@settings(deadline=None)
@given(st.integers(1, 80), QUIET)
def test_a_quiet_time_saves_nothing_up_for_a_later_minute(per_minute: int, quiet: float) -> None:
    limit = RateLimit(per_minute)
    now = 0.0
    starts: Starts = []
    for number in range(3 * per_minute):
        now = start(limit, now + (quiet if number == per_minute // 2 else 0.0))
        starts.append((now, 1.0))
    assert fullest(starts, 60.0) <= per_minute


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 1500), st.floats(0, 0.02))
def test_nearly_all_of_the_limit_is_used_though_timers_are_late(
    per_minute: int, late_s: float
) -> None:
    starts = saturated(RateLimit(per_minute), [1.0], 600.0, late_s)
    assert len(starts) >= 0.95 * 10 * per_minute
    assert fullest(starts, 60.0) <= per_minute


@settings(deadline=None, max_examples=25)
@given(
    st.integers(10_000, 2_000_000),
    st.lists(st.floats(0.002, 0.02), min_size=1, max_size=20),
)
def test_nearly_all_tokens_are_used_whatever_the_sizes(
    per_minute: int, shares: list[float]
) -> None:
    amounts = [share * per_minute for share in shares]
    starts = saturated(RateLimit(per_minute), amounts, 600.0, 0.0)
    assert sum(amount for _, amount in starts) >= 0.95 * 10 * per_minute
    assert fullest(starts, 60.0) <= per_minute


@settings(deadline=None)
@given(LIMITS, st.lists(st.sampled_from([0.0, 0.0, 0.0, 0.3, 5.0]), min_size=1, max_size=300))
def test_a_provider_that_counts_in_seconds_is_not_surprised(
    per_minute: int, pauses: list[float]
) -> None:
    limit = RateLimit(per_minute)
    now = 0.0
    starts: Starts = []
    for pause in pauses:
        now = start(limit, now + pause)
        starts.append((now, 1.0))
    assert fullest(starts, 1.0) <= 1.25 * per_minute / 60 + 1


@given(
    st.integers(100, 10_000),
    st.lists(
        st.tuples(st.floats(0, 20), st.integers(1, 100), st.floats(0, 1), st.floats(0, 90)),
        max_size=60,
    ),
)
def test_no_minute_holds_more_tokens_than_the_limit_whenever_they_are_settled(
    per_minute: int, requests: list[tuple[float, int, float, float]]
) -> None:
    limit = RateLimit(per_minute)
    now = 0.0
    used: Starts = []
    answers: list[tuple[float, int, float]] = []
    for number, (pause, reserved, share, latency) in enumerate(requests):
        # No two alike: of equal reservations the limit cannot tell which was answered.
        amount = reserved + number / 1000
        now += pause
        for answer in sorted(answers):
            if answer[0] <= now:
                limit.settle(requests[answer[1]][1] + answer[1] / 1000, answer[2])
                answers.remove(answer)
        now = start(limit, now, amount)
        used.append((now, share * amount))
        answers.append((now + latency, number, share * amount))
    assert fullest(used, 60.0) <= per_minute * (1 + 1e-9)


def test_what_was_reserved_and_not_used_is_free_again() -> None:
    limit = RateLimit(1000)
    now = 0.0
    for _ in range(10):
        now = start(limit, now, 100)
    assert limit.delay(now, 900) > 50
    for _ in range(10):
        limit.settle(100, 10)
    assert limit.delay(now, 900) < 10
    assert limit.delay(now, 920) == pytest.approx(12.2)
    assert limit.delay(now, 1000) > 50


def test_what_was_used_beyond_its_reservation_is_waited_for() -> None:
    limit = RateLimit(1000)
    limit.take(0.0, 100)
    limit.settle(100, 950)
    assert limit.delay(30.0, 50) == 0
    assert limit.delay(30.0, 100) == pytest.approx(31)


def test_the_pace_is_that_of_what_is_used_not_of_what_is_reserved() -> None:
    limit = RateLimit(60_000)
    now = 0.0
    for _ in range(200):
        now = start(limit, now, 1000)
        limit.settle(1000, 100)
    assert now == pytest.approx(200 * 100 / 1000, rel=0.2)


def test_failed_attempts_do_not_loosen_the_pace() -> None:
    limit = RateLimit(60)
    for _ in range(50):
        limit.take(0.0)
        limit.settle(1.0, 0.0)
    limit.take(1000.0)
    assert limit.delay(1000.0) == pytest.approx(1, rel=0.1)


@given(st.integers(1, 1000), st.floats(1.01, 50), QUIET)
def test_an_amount_beyond_the_whole_limit_goes_alone(
    per_minute: int, times: float, quiet: float
) -> None:
    limit = RateLimit(per_minute)
    limit.take(0.0, per_minute / 2)
    alone = start(limit, quiet, times * per_minute)
    assert alone == pytest.approx(max(quiet, 61.0))
    assert start(limit, alone, 1.0) >= alone + 61.0


def test_a_settlement_that_comes_after_its_minute_frees_nothing() -> None:
    limit = RateLimit(100)
    limit.take(0.0, 40)
    limit.take(70.0, 90)
    assert limit.delay(80.0, 60) > 0
    limit.settle(40, 1)
    assert limit.delay(80.0, 60) == pytest.approx(51)


@given(LIMITS, st.lists(st.tuples(QUIET, st.floats(0.1, 5000)), max_size=50))
def test_after_its_delay_an_amount_may_be_taken(
    per_minute: int, requests: list[tuple[float, float]]
) -> None:
    limit = RateLimit(per_minute)
    times = [0.0]
    for pause, amount in requests:
        now = times[-1] + pause
        now += limit.delay(now, amount)
        assert limit.delay(now, amount) < 1e-6
        limit.take(now, amount)
        times.append(now)
    assert all(before <= after for before, after in pairwise(times))
