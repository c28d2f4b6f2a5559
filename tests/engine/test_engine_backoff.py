import pytest
from hypothesis import given
from hypothesis import strategies as st

from vscbench.engine.backoff import LONGEST_RETRY_AFTER_S, RetryPolicy
from vscbench.records import Cause

POLICY = RetryPolicy()
DRAWS = st.floats(0, 1, exclude_max=True)
TRANSIENT = st.sampled_from([cause for cause in Cause if cause.is_transient])
PATIENT = st.sampled_from([c for c in Cause if c.is_transient and c is not Cause.TIME_OUT])
NEARLY_ONE = 1 - 1e-9


@pytest.mark.parametrize("cause", [cause for cause in Cause if not cause.is_transient])
def test_what_will_fail_again_is_not_tried_again(cause: Cause) -> None:
    assert POLICY.delay_s(cause, 1, None, 0.5) is None
    assert POLICY.delay_s(cause, 1, 3.0, 0.5) is None


@pytest.mark.parametrize(
    ("cause", "attempt", "shortest", "longest"),
    [
        (Cause.RATE_LIMIT, 1, 1, 2),
        (Cause.RATE_LIMIT, 4, 8, 16),
        (Cause.SERVER_ERROR, 1, 0.25, 0.5),
        (Cause.CONNECTION, 3, 1, 2),
        (Cause.UNREADABLE, 5, 4, 8),
    ],
)
def test_each_wait_is_twice_the_one_before(
    cause: Cause, attempt: int, shortest: float, longest: float
) -> None:
    assert POLICY.delay_s(cause, attempt, None, 0.0) == shortest
    assert POLICY.delay_s(cause, attempt, None, NEARLY_ONE) == pytest.approx(longest)


@given(PATIENT, st.integers(1, 10**6), DRAWS)
def test_no_wait_of_our_own_is_longer_than_a_minute(
    cause: Cause, attempt: int, draw: float
) -> None:
    wait = RetryPolicy(10**6).delay_s(cause, attempt, None, draw)
    assert wait is not None
    assert 0 < wait <= 60


@given(TRANSIENT, st.integers(0, 20), DRAWS)
def test_a_request_is_sent_again_as_often_as_asked_for_and_no_more(
    cause: Cause, retries: int, draw: float
) -> None:
    policy = RetryPolicy(retries)
    tries = [policy.delay_s(cause, attempt, None, draw) for attempt in range(1, retries + 5)]
    again = min(retries, 2) if cause is Cause.TIME_OUT else retries
    assert None not in tries[:again]
    assert set(tries[again:]) == {None}


@given(PATIENT, st.integers(1, 5), st.floats(0, LONGEST_RETRY_AFTER_S), DRAWS)
def test_nobody_is_asked_sooner_than_the_provider_said(
    cause: Cause, attempt: int, retry_after_s: float, draw: float
) -> None:
    wait = POLICY.delay_s(cause, attempt, retry_after_s, draw)
    assert wait is not None
    assert wait >= retry_after_s


@given(PATIENT, st.floats(0, LONGEST_RETRY_AFTER_S), DRAWS)
def test_what_the_provider_said_is_kept_to_and_the_retries_are_spread(
    cause: Cause, retry_after_s: float, draw: float
) -> None:
    wait = POLICY.delay_s(cause, 1, retry_after_s, draw)
    assert wait is not None
    assert wait <= min(1.1 * retry_after_s, retry_after_s + 5) + 1e-9


def test_a_provider_that_names_too_short_a_wait_again_and_again_is_not_hammered() -> None:
    waits = [POLICY.delay_s(Cause.RATE_LIMIT, attempt, 0.0, 0.0) for attempt in range(1, 6)]
    assert waits == [0, 2, 4, 8, 16]


@pytest.mark.parametrize("retry_after_s", [601.0, 86_400.0, float("inf")])
def test_a_wait_of_more_than_ten_minutes_is_not_waited_for(retry_after_s: float) -> None:
    assert POLICY.delay_s(Cause.RATE_LIMIT, 1, retry_after_s, 0.5) is None


@pytest.mark.parametrize("retry_after_s", [float("nan"), -3.0])
def test_a_wait_that_makes_no_sense_is_not_heeded(retry_after_s: float) -> None:
    wait = POLICY.delay_s(Cause.RATE_LIMIT, 1, retry_after_s, 0.5)
    assert wait == POLICY.delay_s(Cause.RATE_LIMIT, 1, None, 0.5)
