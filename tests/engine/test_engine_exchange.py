import threading
from dataclasses import replace
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_pairs import make_pair

from vscbench.engine.exchange import Address, OutcomeServer, RemoteOutcomes
from vscbench.engine.wire import pack, unpack
from vscbench.errors import StoppedError, VscbenchError
from vscbench.records import Finish, Kind, Outcome, Pair, Response, Verdict

PAIRS = {pair.id: pair for pair in (make_pair("a"), make_pair("b"), make_pair("late"))}
responses = st.builds(
    Response,
    text=st.text(st.characters(codec=None, exclude_categories=())),
    finish=st.sampled_from(Finish),
    reason=st.none() | st.text(),
    served_model=st.none() | st.text(),
    prompt_tokens=st.none() | st.integers(0, 10**6),
    completion_tokens=st.none() | st.integers(0, 10**6),
    cost_usd=st.none() | st.floats(0, 10),
    image_change=st.none() | st.text(),
)
verdicts = st.builds(
    Verdict,
    kind=st.sampled_from([Kind.REFUSED, Kind.FLAGGED, Kind.ANSWERED, Kind.IRRELEVANT]),
    judge=st.text(),
    probability=st.none() | st.floats(0, 1),
    evidence=st.lists(st.text()).map(tuple),
)
outcomes = st.builds(
    Outcome,
    pair=st.just(PAIRS["a"]),
    epoch=st.integers(1, 9),
    kind=st.sampled_from(Kind),
    response=st.none() | responses,
    verdict=st.none() | verdicts,
    error=st.none() | st.text(),
    latency_s=st.none() | st.floats(0, 1000),
)


class Known:
    """Outcomes that are there at once, but for one that never comes and one that waits."""

    model_name = "known"

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []
        self.release = threading.Event()

    def outcome_of(self, pair: Pair, epoch: int = 1) -> Outcome:
        self.asked.append((pair.id, epoch))
        if pair.id == "late":
            self.release.wait(timeout=30)
        if pair.id == "b":
            raise VscbenchError("the run ended before this case was answered")
        return Outcome(pair, epoch, Kind.ANSWERED, Response(f"Sure, {pair.id}\udc80"))


@given(outcomes)
def test_an_outcome_survives_the_wire(outcome: Outcome) -> None:
    assert unpack(pack(outcome), outcome.pair) == outcome


def test_a_worker_gets_the_outcome_the_leader_has() -> None:
    known = Known()
    server = OutcomeServer(known, PAIRS.__getitem__)
    try:
        remote = RemoteOutcomes(Address.load(server.address.dump()))
        outcome = remote.outcome_of(PAIRS["a"])
        assert outcome == replace(known.outcome_of(PAIRS["a"]))
        assert remote.model_name == "known"
        with pytest.raises(VscbenchError, match="the run ended"):
            remote.outcome_of(PAIRS["b"])
        assert remote.outcome_of(PAIRS["a"]).kind is Kind.ANSWERED
    finally:
        server.close()


def test_one_worker_that_waits_does_not_hold_another() -> None:
    known = Known()
    server = OutcomeServer(known, PAIRS.__getitem__)
    got: list[Outcome] = []
    slow, fast = RemoteOutcomes(server.address), RemoteOutcomes(server.address)
    thread = threading.Thread(target=lambda: got.append(slow.outcome_of(PAIRS["late"])))
    thread.start()
    try:
        assert fast.outcome_of(PAIRS["a"]).kind is Kind.ANSWERED
        assert not got
    finally:
        known.release.set()
        thread.join(timeout=30)
        server.close()
    assert [outcome.pair.id for outcome in got] == ["late"]


class Gone(Known):
    """Outcomes whose process ends in the middle of a question."""

    def outcome_of(self, pair: Pair, epoch: int = 1) -> Outcome:
        raise EOFError


def test_a_leader_that_is_gone_is_one_clear_error() -> None:
    server = OutcomeServer(Gone(), PAIRS.__getitem__)
    try:
        remote = RemoteOutcomes(server.address)
        with pytest.raises(VscbenchError, match="is gone"):
            remote.outcome_of(PAIRS["a"])
    finally:
        server.close()


def test_a_worker_that_cannot_reach_its_leader_stops_the_run_and_says_why() -> None:
    server = OutcomeServer(Known(), PAIRS.__getitem__)
    server.close()
    remote = RemoteOutcomes(server.address)
    with pytest.raises(StoppedError, match=r"cannot reach the process .*; run without -n"):
        remote.outcome_of(PAIRS["a"])


def test_who_lacks_the_key_gets_nothing_and_disturbs_nobody() -> None:
    known = Known()
    server = OutcomeServer(known, PAIRS.__getitem__)
    try:
        with pytest.raises(AuthenticationError):
            Client(server.address.place, authkey=b"guess")
        assert known.asked == []
        assert RemoteOutcomes(server.address).outcome_of(PAIRS["a"]).kind is Kind.ANSWERED
    finally:
        server.close()


def test_closing_ends_whatever_the_accepting_thread_is_about_to_do() -> None:
    for _ in range(200):
        server = OutcomeServer(Known(), PAIRS.__getitem__)
        workers = [RemoteOutcomes(server.address) for _ in range(2)]
        for worker in workers:
            worker.outcome_of(PAIRS["a"])
        server.close()
