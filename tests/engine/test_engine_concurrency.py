import heapq
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vscbench.engine.concurrency import LONGEST_PAUSE_S, AdaptiveConcurrency

LATENCIES_S = st.sampled_from([0.1, 1.0, 8.0])


@dataclass
class Watched:
    """What became of a simulated run: the limit over time, and what the provider said."""

    steps: list[tuple[float, int]] = field(default_factory=list)
    answers: int = 0
    refusals: int = 0

    def mean_limit(self, since_s: float) -> float:
        """The limit's mean over the time from ``since_s`` on."""
        late = [step for step in self.steps if step[0] >= since_s]
        area = sum((after - now) * limit for (now, limit), (after, _) in pairwise(late))
        return area / (late[-1][0] - late[0][0])


@dataclass(frozen=True)
class Provider:
    """Refuses what comes while it serves ``admits`` requests, and a share at random."""

    admits: int = 1000
    refuses: float = 0.0
    latency_s: float = 0.1
    refusal_s: float = 0.01


def simulate(provider: Provider, trips: int = 300, seed: int = 0) -> Watched:
    """Keep up to 32 requests in flight, for ``trips`` times the provider's latency."""
    random = Random(seed)  # noqa: S311 - a simulation
    concurrency = AdaptiveConcurrency(32)
    ends: list[tuple[float, int, bool]] = []
    watched = Watched()
    now, serving, sent = 0.0, 0, 0
    while now < trips * provider.latency_s:
        waiting = concurrency.delay(now) > 0
        while not waiting and len(ends) < concurrency.limit:
            served = serving < provider.admits and random.random() >= provider.refuses
            serving += served
            lasts = provider.latency_s if served else provider.refusal_s
            heapq.heappush(ends, (now + lasts * random.uniform(0.9, 1.1), sent, served))
            sent += 1
        if not ends:
            now += concurrency.delay(now)
            continue
        now, _, served = heapq.heappop(ends)
        serving -= served
        watched.answers += served
        watched.refusals += not served
        (concurrency.answered if served else concurrency.pushed_back)(now)
        watched.steps.append((now, concurrency.limit))
    return watched


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 32), LATENCIES_S, st.sampled_from([0.1, 1.0]), st.integers(0, 99))
def test_the_limit_settles_near_what_the_provider_admits(
    admits: int, latency_s: float, refusal_share: float, seed: int
) -> None:
    provider = Provider(admits, latency_s=latency_s, refusal_s=refusal_share * latency_s)
    watched = simulate(provider, seed=seed)
    settled = watched.mean_limit(100 * latency_s)
    assert min(admits, 31) * 0.95 <= settled <= admits * 1.3 + 1
    # All of the house is used, and few requests waste an attempt.
    assert watched.answers >= 0.9 * admits * 300
    assert watched.refusals <= 0.4 * (watched.answers + watched.refusals)


@settings(deadline=None, max_examples=40)
@given(LATENCIES_S, st.sampled_from([0.1, 1.0]), st.integers(0, 99))
def test_a_provider_that_refuses_one_in_ten_at_random_keeps_most_of_its_concurrency(
    latency_s: float, refusal_share: float, seed: int
) -> None:
    provider = Provider(refuses=0.1, latency_s=latency_s, refusal_s=refusal_share * latency_s)
    watched = simulate(provider, seed=seed)
    assert watched.mean_limit(20 * latency_s) >= 0.8 * 32
    assert min(limit for _, limit in watched.steps) >= 0.5 * 32


def test_a_house_full_of_refusals_falls_to_what_was_answered_in_one_round_trip() -> None:
    concurrency = AdaptiveConcurrency(32)
    for _ in range(24):
        concurrency.pushed_back(0.1)
    assert concurrency.limit == 8


@pytest.mark.parametrize(("low", "trips"), [(1, 8), (8, 6), (16, 3)])
def test_the_limit_is_back_at_its_most_within_a_few_quiet_round_trips(low: int, trips: int) -> None:
    concurrency = AdaptiveConcurrency(32)
    for _ in range(32 - low):
        concurrency.pushed_back(0.0)
    assert concurrency.limit == low
    needed = 0
    while concurrency.limit < 32:
        needed += 1
        for _ in range(concurrency.limit):
            concurrency.answered(float(needed))
    assert needed <= trips


@given(st.integers(1, 256), st.lists(st.booleans(), max_size=400))
def test_the_limit_stays_between_one_and_the_most(most: int, answers: list[bool]) -> None:
    concurrency = AdaptiveConcurrency(most)
    assert concurrency.limit == most
    for now, answered in enumerate(answers):
        before = concurrency.limit
        (concurrency.answered if answered else concurrency.pushed_back)(float(now))
        assert 1 <= concurrency.limit <= most
        assert concurrency.limit >= before if answered else concurrency.limit <= before


def test_where_not_even_one_is_taken_the_pauses_grow_until_an_answer() -> None:
    concurrency = AdaptiveConcurrency(4)
    for _ in range(3):
        concurrency.pushed_back(0.0)
        assert concurrency.delay(0.0) == 0
    now = 0.0
    pauses = []
    for _ in range(9):
        concurrency.pushed_back(now)
        pauses.append(concurrency.delay(now))
        now += pauses[-1]
        assert concurrency.delay(now) == 0
    assert pauses == [1, 2, 4, 8, 16, 32, LONGEST_PAUSE_S, LONGEST_PAUSE_S, LONGEST_PAUSE_S]
    concurrency.answered(now)
    concurrency.pushed_back(now)
    assert concurrency.delay(now) == 1


def test_an_answer_ends_a_pause_and_latecomers_do_not_lengthen_it() -> None:
    concurrency = AdaptiveConcurrency(1)
    concurrency.pushed_back(0.0)
    concurrency.pushed_back(0.5)
    assert concurrency.delay(0.5) == 0.5
    concurrency.answered(0.6)
    assert concurrency.delay(0.6) == 0


def test_everybody_waits_as_long_as_the_provider_asks_only_where_not_even_one_is_taken() -> None:
    concurrency = AdaptiveConcurrency(2)
    concurrency.pushed_back(0.0, retry_after_s=20.0)
    assert concurrency.delay(0.0) == 0
    concurrency.pushed_back(0.0, retry_after_s=20.0)
    assert concurrency.delay(0.0) == 20
    concurrency.pushed_back(20.0, retry_after_s=float("inf"))
    assert concurrency.delay(20.0) == 600


def test_an_outage_is_not_hammered() -> None:
    watched = simulate(Provider(admits=0), trips=1200)
    assert watched.answers == 0
    assert watched.refusals < 32 + 10
