import threading
from collections.abc import Mapping
from pathlib import Path

import pytest
from fake_models import Gated, Says, cases, dispatching
from small_pairs import make_pair

from vscbench.engine.admission import Limits
from vscbench.errors import StoppedError, TargetError, UsageError
from vscbench.records import Cause, Kind, Outcome, Request, Response, Verdict

PAIRS = [make_pair(f"pair-{number:02d}") for number in range(20)]


def fault(cause: Cause, message: str = "no") -> TargetError:
    return TargetError(message, cause)


def failing_first(times: int, cause: Cause) -> Says:
    """A model whose first attempts at each pair fail."""
    seen: dict[str, int] = {}

    def answer(request: Request) -> Response | Exception:
        seen[request.pair_id] = seen.get(request.pair_id, 0) + 1
        if seen[request.pair_id] <= times:
            return TargetError("busy", cause, retry_after_s=0.0)
        return Response("Sure.")

    return Says(answer)


def test_as_many_requests_as_asked_for_are_in_flight_before_any_case_waits() -> None:
    model = Gated()
    with dispatching(model) as dispatcher:
        dispatcher.submit(cases(PAIRS))
        assert model.full.wait(timeout=30)
        assert dispatcher.progress().in_flight == 4
        model.gate.set()
        outcomes = [dispatcher.outcome_of(pair) for pair in PAIRS]
    assert [outcome.pair for outcome in outcomes] == PAIRS
    assert model.peak == 4
    assert model.begun == [pair.id for pair in PAIRS]


def test_each_case_gets_its_own_answer_in_whatever_order_it_waits() -> None:
    with dispatching(Says()) as dispatcher:
        dispatcher.submit(cases(PAIRS))
        for pair in reversed(PAIRS):
            response = dispatcher.outcome_of(pair).response
            assert response is not None
            assert response.text == f"Sure, {pair.id}."


def test_a_case_is_asked_once_however_often_it_is_submitted_or_waited_for() -> None:
    model = Says()
    with dispatching(model) as dispatcher:
        dispatcher.submit(cases(PAIRS[:3]))
        dispatcher.submit(cases(PAIRS[:3]))
        for pair in (PAIRS[0], PAIRS[0], PAIRS[1], PAIRS[2]):
            dispatcher.outcome_of(pair)
    assert sorted(model.asked) == [pair.id for pair in PAIRS[:3]]


def test_a_fault_of_one_case_is_its_own_and_hangs_nothing() -> None:
    def answer(request: Request) -> Response | Exception:
        if request.pair_id.endswith("3"):
            return fault(Cause.BAD_REQUEST, "I cannot take this")
        return KeyError("choices") if request.pair_id.endswith("6") else Response("Sure.")

    with dispatching(Says(answer)) as dispatcher:
        dispatcher.submit(cases(PAIRS))
        outcomes = {pair.id: dispatcher.outcome_of(pair) for pair in PAIRS}
        assert dispatcher.progress().errors == 4
    refused = outcomes["pair-03"]
    assert (refused.kind, refused.cause, refused.error) == (
        Kind.TARGET_ERROR,
        Cause.BAD_REQUEST,
        "I cannot take this",
    )
    assert "KeyError" in str(outcomes["pair-06"].error)
    assert outcomes["pair-04"].kind is Kind.ANSWERED


def test_a_model_that_queues_requests_itself_says_how_long_each_of_them_took() -> None:
    with dispatching(Says(lambda request: Response("Sure.", latency_s=1234.5))) as dispatcher:
        dispatcher.submit(cases(PAIRS[:1]))
        assert dispatcher.outcome_of(PAIRS[0]).latency_s == 1234.5
    with dispatching(Says()) as dispatcher:
        dispatcher.submit(cases(PAIRS[:1]))
        assert 0 < (dispatcher.outcome_of(PAIRS[0]).latency_s or 0) < 1234.5


@pytest.mark.parametrize("cause", [Cause.RATE_LIMIT, Cause.SERVER_ERROR, Cause.CONNECTION])
def test_a_passing_fault_is_tried_again_and_leaves_no_trace_in_the_outcome(cause: Cause) -> None:
    model = failing_first(2, cause)
    with dispatching(model) as dispatcher:
        dispatcher.submit(cases(PAIRS[:2]))
        kinds = [dispatcher.outcome_of(pair).kind for pair in PAIRS[:2]]
        assert dispatcher.progress().retried == 4
    assert kinds == [Kind.ANSWERED, Kind.ANSWERED]
    assert len(model.asked) == 6


def test_retries_end_in_an_error_that_says_how_often_it_was_tried() -> None:
    model = failing_first(9, Cause.RATE_LIMIT)
    with dispatching(model, Limits(concurrency=4, retries=1)) as dispatcher:
        dispatcher.submit(cases(PAIRS[:1]))
        outcome = dispatcher.outcome_of(PAIRS[0])
    assert (outcome.kind, outcome.cause) == (Kind.TARGET_ERROR, Cause.RATE_LIMIT)
    assert outcome.error == "busy (2 attempts)"
    assert len(model.asked) == 2


def test_a_provider_that_refuses_the_key_ends_the_run_with_one_message() -> None:
    model = Says(lambda request: fault(Cause.AUTHENTICATION, "not authenticated (HTTP 401)"))
    with dispatching(model) as dispatcher:
        dispatcher.submit(cases(PAIRS))
        with pytest.raises(StoppedError, match="401"):
            dispatcher.outcome_of(PAIRS[-1])
        assert dispatcher.stopped is not None
    assert len(model.asked) <= 4


def test_a_model_that_cannot_be_opened_after_all_ends_the_run() -> None:
    model = Says(lambda request: UsageError("no key in the environment"))
    with dispatching(model) as dispatcher:
        dispatcher.submit(cases(PAIRS))
        with pytest.raises(StoppedError, match="no key"):
            dispatcher.outcome_of(PAIRS[0])


def test_only_what_a_case_asked_for_counts_as_delivered() -> None:
    with dispatching(Says()) as dispatcher:
        dispatcher.submit(cases(PAIRS))
        for pair in (PAIRS[5], PAIRS[1]):
            dispatcher.outcome_of(pair)
        assert [outcome.pair.id for outcome in dispatcher.delivered()] == ["pair-01", "pair-05"]


def test_closing_cancels_what_is_queued_and_tells_who_waits() -> None:
    model = Gated()
    failures: list[StoppedError] = []
    with dispatching(model) as dispatcher:
        dispatcher.submit(cases(PAIRS))
        assert model.full.wait(timeout=30)

        def wait() -> None:
            with pytest.raises(StoppedError, match="the run ended") as caught:
                dispatcher.outcome_of(PAIRS[-1])
            failures.append(caught.value)

        waiting = threading.Thread(target=wait)
        waiting.start()
        dispatcher.close(drain_s=0)
        waiting.join(timeout=30)
    assert len(failures) == 1
    assert model.closed
    assert model.asked == []
    assert model.peak == 4


def test_what_is_in_flight_when_a_run_ends_is_waited_for_a_little() -> None:
    model = Gated()
    with dispatching(model) as dispatcher:
        dispatcher.submit(cases(PAIRS))
        assert model.full.wait(timeout=30)
        threading.Timer(0.05, model.gate.set).start()
        dispatcher.close(drain_s=30)
        assert len(dispatcher.answered()) == 4
    assert len(model.asked) == 4


def is_unlucky(outcome: Outcome) -> bool:
    return outcome.pair.id.endswith("2")


def test_once_pytest_will_stop_nothing_is_sent_that_will_not_run() -> None:
    model = Says()
    limits = Limits(concurrency=1)
    with dispatching(model, limits, most_failures=1, is_failure=is_unlucky) as dispatcher:
        dispatcher.submit(cases(PAIRS))
        for pair in PAIRS[:3]:
            dispatcher.outcome_of(pair)
    assert len(model.asked) <= 4, "what was in flight may have gone, no more"


def test_a_case_that_runs_all_the_same_is_asked() -> None:
    limits = Limits(concurrency=1)
    with dispatching(Says(), limits, most_failures=1, is_failure=is_unlucky) as dispatcher:
        dispatcher.submit(cases(PAIRS))
        assert [dispatcher.outcome_of(pair).kind for pair in PAIRS] == [Kind.ANSWERED] * 20


def test_closing_twice_is_harmless() -> None:
    with dispatching(Gated()) as dispatcher:
        dispatcher.close()
        dispatcher.close()


def test_a_judge_that_raises_what_nobody_foresaw_loses_no_response() -> None:
    class Defective:
        name = "defective"
        identity: Mapping[str, object] = {"judge": "defective"}
        is_free = True
        sees_image = False

        async def judge(self, query: str, response: str, image: Path | None = None) -> Verdict:
            raise ZeroDivisionError("by nothing")

        async def close(self) -> None: ...

    with dispatching(Says(), judge=Defective()) as dispatcher:
        dispatcher.submit(cases(PAIRS[:1]))
        outcome = dispatcher.outcome_of(PAIRS[0])
    assert outcome.kind is Kind.JUDGE_ERROR
    assert outcome.error == "ZeroDivisionError: by nothing"
    assert outcome.response == Response("Sure, pair-00.")


def test_a_defect_of_our_own_ends_the_run_and_hangs_nothing() -> None:
    def broken(outcome: Outcome) -> bool:
        raise ZeroDivisionError("by nothing")

    with dispatching(Says(), is_failure=broken) as dispatcher:
        dispatcher.submit(cases(PAIRS))
        with pytest.raises(StoppedError, match="ZeroDivisionError"):
            dispatcher.outcome_of(PAIRS[-1])
