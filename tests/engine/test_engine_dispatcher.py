import asyncio
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest
from small_pairs import make_pair, request_for

from vscbench.engine.dispatcher import Dispatcher
from vscbench.errors import TargetError, VscbenchError
from vscbench.judges.keywords import KeywordsJudge
from vscbench.models.protocol import Model, ParamValue
from vscbench.records import Kind, Pair, Request, Response

PAIRS = [make_pair(f"pair-{number:02d}") for number in range(20)]


class Gated:
    """A model that answers once its gate opens, and keeps count."""

    name = "gated"
    params: Mapping[str, ParamValue] = {}
    default_concurrency = 4

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.full = threading.Event()
        self.in_flight = self.peak = 0
        self.asked: list[str] = []
        self.closed = False

    async def respond(self, request: Request) -> Response:
        self.asked.append(request.pair_id)
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        if self.in_flight == self.default_concurrency:
            self.full.set()
        while not self.gate.is_set():
            await asyncio.sleep(0)
        self.in_flight -= 1
        return Response(f"Sure, {request.pair_id}.")

    async def close(self) -> None:
        self.closed = True


class Failing(Gated):
    """A model whose every third answer fails, once in a way that nobody foresaw."""

    async def respond(self, request: Request) -> Response:
        if request.pair_id.endswith("3"):
            raise TargetError("the server is down")
        if request.pair_id.endswith("6"):
            raise KeyError("choices")
        return Response("Sure.")


@contextmanager
def dispatching(model: Model, concurrency: int = 4) -> Iterator[Dispatcher]:
    dispatcher = Dispatcher(model, KeywordsJudge(), concurrency)
    try:
        yield dispatcher
    finally:
        dispatcher.close()


def cases(pairs: list[Pair]) -> list[tuple[Pair, Request]]:
    return [(pair, request_for(pair)) for pair in pairs]


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
    assert model.asked == [pair.id for pair in PAIRS]


def test_each_case_gets_its_own_answer_in_whatever_order_it_waits() -> None:
    model = Gated()
    model.gate.set()
    with dispatching(model) as dispatcher:
        dispatcher.submit(cases(PAIRS))
        for pair in reversed(PAIRS):
            response = dispatcher.outcome_of(pair).response
            assert response is not None
            assert response.text == f"Sure, {pair.id}."


def test_a_case_is_asked_once_however_often_it_is_submitted_or_waited_for() -> None:
    model = Gated()
    model.gate.set()
    with dispatching(model) as dispatcher:
        dispatcher.submit(cases(PAIRS[:3]))
        dispatcher.submit(cases(PAIRS[:3]))
        for _ in range(2):
            dispatcher.outcome_of(PAIRS[0])
        dispatcher.outcome_of(PAIRS[2])
    assert len(model.asked) <= 3


def test_a_fault_of_one_case_is_its_own_and_hangs_nothing() -> None:
    with dispatching(Failing()) as dispatcher:
        dispatcher.submit(cases(PAIRS))
        outcomes = {pair.id: dispatcher.outcome_of(pair) for pair in PAIRS}
        assert dispatcher.progress().errors == 4
    assert outcomes["pair-03"].error == "the server is down"
    assert outcomes["pair-06"].kind is Kind.TARGET_ERROR
    assert "KeyError" in str(outcomes["pair-06"].error)
    assert outcomes["pair-04"].kind is Kind.ANSWERED


def test_only_what_a_case_asked_for_counts_as_delivered() -> None:
    model = Gated()
    model.gate.set()
    with dispatching(model) as dispatcher:
        dispatcher.submit(cases(PAIRS))
        for pair in (PAIRS[5], PAIRS[1]):
            dispatcher.outcome_of(pair)
        assert [outcome.pair.id for outcome in dispatcher.delivered()] == ["pair-01", "pair-05"]


def test_closing_cancels_what_is_queued_and_tells_who_waits() -> None:
    model = Gated()
    dispatcher = Dispatcher(model, KeywordsJudge(), 4)
    dispatcher.submit(cases(PAIRS))
    assert model.full.wait(timeout=30)
    failures: list[VscbenchError] = []

    def wait() -> None:
        with pytest.raises(VscbenchError, match="the run ended") as caught:
            dispatcher.outcome_of(PAIRS[-1])
        failures.append(caught.value)

    waiting = threading.Thread(target=wait)
    waiting.start()
    dispatcher.close()
    waiting.join(timeout=30)
    assert len(failures) == 1
    assert model.closed
    assert model.asked == [pair.id for pair in PAIRS[:4]]


def test_closing_twice_is_harmless() -> None:
    dispatcher = Dispatcher(Gated(), KeywordsJudge(), 1)
    dispatcher.close()
    dispatcher.close()
