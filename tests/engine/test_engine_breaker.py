import pytest
from hypothesis import given
from hypothesis import strategies as st

from vscbench.engine.breaker import CircuitBreaker
from vscbench.records import Cause

FATAL = [cause for cause in Cause if cause.is_fatal]
TRANSIENT = [cause for cause in Cause if cause.is_transient]
NEITHER = [cause for cause in Cause if not cause.is_fatal and not cause.is_transient]
UNHEARD = [cause for cause in NEITHER if cause not in {Cause.NOT_STORED, Cause.JUDGE}]


def failures_until_open(breaker: CircuitBreaker, cause: Cause, *, final: bool) -> int | None:
    """Fail until the breaker opens; ``None`` if it never does."""
    for count in range(1, 1001):
        breaker.failed(cause, "words", final)
        if breaker.tripped:
            return count
    return None


@pytest.mark.parametrize("cause", FATAL)
@pytest.mark.parametrize(("concurrency", "failures"), [(1, 1), (2, 2), (3, 3), (64, 3)])
def test_a_refused_key_ends_the_run_before_a_fourth_request(
    cause: Cause, concurrency: int, failures: int
) -> None:
    assert failures_until_open(CircuitBreaker(concurrency), cause, final=True) == failures


@pytest.mark.parametrize("cause", FATAL)
def test_a_key_that_did_answer_is_doubted_only_after_three_refusals_in_a_row(cause: Cause) -> None:
    breaker = CircuitBreaker(1)
    for _ in range(20):
        breaker.answered()
        breaker.failed(cause, "words", True)
        breaker.failed(cause, "words", True)
    assert breaker.tripped is None
    breaker.failed(cause, "words", True)
    assert breaker.tripped


@pytest.mark.parametrize("cause", TRANSIENT)
@pytest.mark.parametrize(("concurrency", "row"), [(1, 20), (10, 20), (32, 64)])
def test_a_provider_that_is_down_ends_the_run_after_a_long_row(
    cause: Cause, concurrency: int, row: int
) -> None:
    assert failures_until_open(CircuitBreaker(concurrency), cause, final=True) == row


def test_no_row_is_long_enough_while_nobody_has_retried_to_the_end() -> None:
    breaker = CircuitBreaker(4)
    assert failures_until_open(breaker, Cause.CONNECTION, final=False) is None
    breaker.failed(Cause.CONNECTION, "words", True)
    assert breaker.tripped
    assert "1001 attempts in a row" in breaker.tripped


def test_a_request_given_up_before_the_last_answer_does_not_count() -> None:
    breaker = CircuitBreaker(1)
    breaker.failed(Cause.SERVER_ERROR, "words", True)
    breaker.answered()
    assert failures_until_open(breaker, Cause.SERVER_ERROR, final=False) is None


def test_a_request_given_up_early_in_a_row_counts_to_its_end() -> None:
    breaker = CircuitBreaker(1)
    breaker.failed(Cause.SERVER_ERROR, "words", True)
    assert failures_until_open(breaker, Cause.SERVER_ERROR, final=False) == 19


def test_different_transient_faults_make_one_row() -> None:
    breaker = CircuitBreaker(1)
    for number in range(20):
        assert breaker.tripped is None
        breaker.failed(TRANSIENT[number % len(TRANSIENT)], "words", True)
    assert breaker.tripped


@pytest.mark.parametrize("cause", UNHEARD)
def test_requests_that_all_fail_alike_end_a_run_that_never_had_an_answer(cause: Cause) -> None:
    breaker = CircuitBreaker(8)
    assert failures_until_open(breaker, cause, final=False) is None
    assert failures_until_open(breaker, cause, final=True) == 20


def test_requests_that_fail_each_in_their_own_way_do_not_end_the_run() -> None:
    breaker = CircuitBreaker(8)
    for number in range(19 * len(UNHEARD)):
        breaker.failed(UNHEARD[number % len(UNHEARD)], "words", True)
    assert breaker.tripped is None


@pytest.mark.parametrize("cause", NEITHER)
def test_bad_requests_never_end_a_run_that_had_an_answer(cause: Cause) -> None:
    breaker = CircuitBreaker(8)
    breaker.answered()
    assert failures_until_open(breaker, cause, final=True) is None


@pytest.mark.parametrize("cause", [Cause.NOT_STORED, Cause.JUDGE])
def test_what_is_not_of_the_provider_never_ends_a_run(cause: Cause) -> None:
    assert failures_until_open(CircuitBreaker(1), cause, final=True) is None


@given(
    st.integers(1, 64),
    st.lists(st.tuples(st.sampled_from(Cause), st.booleans()) | st.none(), max_size=200),
)
def test_a_run_in_which_every_other_attempt_is_answered_goes_on(
    concurrency: int, events: list[tuple[Cause, bool] | None]
) -> None:
    breaker = CircuitBreaker(concurrency)
    breaker.answered()
    for event in events:
        if event is not None:
            breaker.failed(event[0], "words", event[1])
        breaker.answered()
    assert breaker.tripped is None


def test_once_open_it_stays_open_with_its_first_message() -> None:
    breaker = CircuitBreaker(1)
    breaker.failed(Cause.AUTHENTICATION, "the first", True)
    message = breaker.tripped
    assert message
    assert "the first" in message
    breaker.failed(Cause.QUOTA, "the second", True)
    assert breaker.tripped == message
    breaker.answered()
    assert breaker.tripped == message


def test_the_message_says_what_is_wrong_in_the_providers_words_and_what_to_do() -> None:
    breaker = CircuitBreaker(1)
    breaker.failed(Cause.AUTHENTICATION, "not authenticated (HTTP 401): Incorrect key", True)
    assert breaker.tripped == (
        "the provider refuses the key (not authenticated (HTTP 401): Incorrect key): nothing more "
        "was asked. Set the right key and run the same command again."
    )


def test_the_message_of_a_run_that_had_answers_says_that_they_are_kept() -> None:
    breaker = CircuitBreaker(1)
    breaker.answered()
    for _ in range(20):
        breaker.failed(Cause.CONNECTION, "connection failed: refused", True)
    assert breaker.tripped == (
        "the provider is not answering (connection failed: refused), 20 attempts in a row without "
        "an answer: nothing more was asked. Check the network and --vsc-api-base, and run the "
        "same command again; what was answered is in the store."
    )


@pytest.mark.parametrize("cause", [*FATAL, *TRANSIENT, *UNHEARD])
def test_every_cause_has_a_message_with_a_remedy(cause: Cause) -> None:
    breaker = CircuitBreaker(1)
    failures_until_open(breaker, cause, final=True)
    assert breaker.tripped
    assert "(words)" in breaker.tripped
    assert "run the" in breaker.tripped.lower()


@given(st.sampled_from(FATAL), st.text(st.characters(codec=None, exclude_categories=())))
def test_a_hostile_providers_words_stay_one_short_harmless_line(cause: Cause, words: str) -> None:
    plain, hostile = CircuitBreaker(1), CircuitBreaker(1)
    plain.failed(cause, "", True)
    hostile.failed(cause, words * 50, True)
    assert plain.tripped
    assert hostile.tripped
    assert len(hostile.tripped) <= len(plain.tripped) + 303
    assert hostile.tripped.isprintable()
