from itertools import pairwise

import pytest
from small_pairs import make_pair, request_for

from vscbench.engine.admission import Admission, Limits, Ticket
from vscbench.errors import TargetError
from vscbench.models.protocol import Price
from vscbench.records import Cause, Response

REQUEST = request_for(make_pair("a"))
ANSWER = Response("Sure.", prompt_tokens=20, completion_tokens=30, cost_usd=0.01)


def admitted(admission: Admission, now: float = 0.0) -> Ticket:
    ticket = admission.admit(now, REQUEST)
    assert isinstance(ticket, Ticket)
    return ticket


def test_no_more_go_than_there_is_room_for() -> None:
    admission = Admission(Limits(concurrency=2))
    first = admitted(admission)
    admitted(admission)
    assert admission.admit(0.0, REQUEST) is None
    admission.answered(0.0, first, ANSWER)
    admitted(admission)
    assert admission.in_flight == 2


def test_requests_a_minute_are_kept_to() -> None:
    admission = Admission(Limits(concurrency=100, requests_per_minute=60))
    now = 0.0
    sent: list[float] = []
    while len(sent) < 130:
        said = admission.admit(now, REQUEST)
        if isinstance(said, Ticket):
            sent.append(now)
            admission.answered(now, said, ANSWER)
        else:
            assert said is not None
            now += max(said, 0.001)
    for start in sent:
        assert sum(start <= each < start + 60 for each in sent) <= 60


def test_tokens_a_minute_hold_requests_back() -> None:
    admission = Admission(Limits(concurrency=100, tokens_per_minute=1200))
    admitted(admission)
    said = admission.admit(0.0, REQUEST)
    assert isinstance(said, float)
    assert said > 0


def test_a_refused_request_waits_alone_while_others_are_taken() -> None:
    admission = Admission(Limits(concurrency=4))
    other = admitted(admission, 10.0)
    error = TargetError("slow down", Cause.RATE_LIMIT, retry_after_s=7.0)
    delay = admission.failed(10.0, admitted(admission, 10.0), error, failures=1)
    assert delay is not None
    assert delay >= 7.0
    admission.answered(10.1, other, ANSWER)
    admitted(admission, 10.2)


def test_everybody_waits_once_nothing_is_taken() -> None:
    admission = Admission(Limits(concurrency=1))
    error = TargetError("slow down", Cause.RATE_LIMIT, retry_after_s=7.0)
    admission.failed(10.0, admitted(admission, 10.0), error, failures=1)
    assert admission.paused_s(12.0) == pytest.approx(5.0)
    assert admission.admit(12.0, REQUEST) == pytest.approx(5.0)
    admitted(admission, 17.1)


def test_room_falls_when_the_provider_pushes_back_and_comes_back_with_answers() -> None:
    admission = Admission(Limits(concurrency=10))
    tickets = [admitted(admission) for _ in range(10)]
    admission.failed(0.0, tickets.pop(), TargetError("busy", Cause.RATE_LIMIT), failures=1)
    fallen = admission.concurrency
    assert fallen < 10
    for ticket in tickets:
        admission.answered(1.0, ticket, ANSWER)
    assert fallen < admission.concurrency <= 10


def test_a_budget_stops_the_run_before_it_is_passed() -> None:
    price = Price(0.0, 0.01 / 30)
    limits = Limits(concurrency=8, most_usd=0.025, price=price, max_tokens=30)
    admission = Admission(limits)
    asked = 0
    while admission.stopped is None:
        said = admission.admit(float(asked), REQUEST)
        if isinstance(said, Ticket):
            asked += 1
            admission.answered(float(asked), said, ANSWER)
    assert asked == 2, "two answers of 0.01 leave too little for a third at its worst"
    assert "--vsc-max-cost" in admission.stopped


def test_a_request_that_was_refused_costs_nothing_and_one_that_was_lost_may() -> None:
    limits = Limits(concurrency=8, most_usd=0.02, price=Price(0.0, 0.001), max_tokens=10)
    admission = Admission(limits)
    for failures in range(1, 4):
        error = TargetError("down", Cause.SERVER_ERROR)
        admission.failed(0.0, admitted(admission), error, failures)
    assert admission.spent_usd == 0.0
    lost = TargetError("no answer within 120 s", Cause.TIME_OUT)
    admission.failed(0.0, admitted(admission), lost, 1)
    assert admission.spent_usd == pytest.approx(0.01)


def test_a_refused_key_stops_the_run() -> None:
    admission = Admission(Limits(concurrency=4))
    for _ in range(3):
        error = TargetError("not authenticated (HTTP 401)", Cause.AUTHENTICATION)
        assert admission.failed(0.0, admitted(admission), error, failures=1) is None
    assert admission.stopped is not None
    assert "401" in admission.stopped
    assert admission.admit(0.0, REQUEST) is None


def test_a_cancelled_request_gives_its_place_back() -> None:
    admission = Admission(Limits(concurrency=1))
    admission.released(admitted(admission))
    admitted(admission)


def test_requests_keep_apart_once_it_is_known_how_long_an_answer_takes() -> None:
    admission = Admission(Limits(concurrency=10))
    together = [admitted(admission, 0.0) for _ in range(10)]
    for ticket in together:
        admission.answered(1.0, ticket, ANSWER)
    sent: list[float] = []
    now = 1.0
    while len(sent) < 10:
        said = admission.admit(now, REQUEST)
        if isinstance(said, Ticket):
            sent.append(now)
        else:
            assert said is not None
            now += said
    gaps = [later - earlier for earlier, later in pairwise(sent)]
    assert min(gaps) > 0.04
    assert sent[-1] - sent[0] < 0.9, "less than the time in which all places are filled again"
