import asyncio
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest
from fake_models import Says, cases, dispatching
from small_pairs import make_pair

from vscbench.engine.admission import Limits
from vscbench.engine.archive import StoreArchive
from vscbench.engine.sqlite_store import open_store
from vscbench.errors import StoppedError
from vscbench.records import Kind, Verdict

PAIRS = [make_pair(f"pair-{number:02d}") for number in range(12)]


class Slow:
    """A judge that gives its verdicts once its gate opens, and counts what it has in hand."""

    name = "slow"
    identity: Mapping[str, object] = {"judge": "slow"}
    is_free = False
    sees_image = False

    def __init__(self, enough: int = len(PAIRS)) -> None:
        self.enough = enough
        self.in_hand = 0
        self.all_in_hand = threading.Event()
        self.gate = threading.Event()
        self.closed = False

    async def judge(self, query: str, response: str, image: Path | None = None) -> Verdict:
        self.in_hand += 1
        if self.in_hand == self.enough:
            self.all_in_hand.set()
        while not self.gate.is_set():
            await asyncio.sleep(0)
        return Verdict(Kind.ANSWERED, self.name)

    async def close(self) -> None:
        self.closed = True


def test_a_slow_judge_holds_no_place_of_the_model_under_test() -> None:
    judge = Slow()
    with dispatching(Says(), Limits(concurrency=2), judge=judge) as dispatcher:
        dispatcher.submit(cases(PAIRS))
        assert judge.all_in_hand.wait(timeout=30), "responses land while others are judged"
        judge.gate.set()
        assert {dispatcher.outcome_of(pair).kind for pair in PAIRS} == {Kind.ANSWERED}


def test_stored_responses_are_judged_side_by_side(tmp_path: Path) -> None:
    for judge in (Slow(), Slow()):
        store = open_store(tmp_path / "store.sqlite")
        archive = StoreArchive(store, "says", {"model": "says"}, judge, refresh=False)
        model = Says()
        with dispatching(model, archive=archive, judge=judge) as dispatcher:
            dispatcher.submit(cases(PAIRS))
            assert judge.all_in_hand.wait(timeout=30)
    assert model.asked == []


def test_a_run_ends_although_its_judge_does_not_answer() -> None:
    judge = Slow()
    with dispatching(Says(), judge=judge) as dispatcher:
        dispatcher.submit(cases(PAIRS))
        assert judge.all_in_hand.wait(timeout=30)
        dispatcher.close(drain_s=0)
        with pytest.raises(StoppedError, match="the run ended"):
            dispatcher.outcome_of(PAIRS[0])
    assert judge.closed


class OutOfOrder(Slow):
    """A judge whose provider refuses the key."""

    async def judge(self, query: str, response: str, image: Path | None = None) -> Verdict:
        raise StoppedError("the judge's model: the provider refuses the key")


def test_a_judge_that_is_out_of_order_ends_the_run_and_the_responses_stay(tmp_path: Path) -> None:
    judge = OutOfOrder()
    path = tmp_path / "store.sqlite"
    model = Says()
    archive = StoreArchive(open_store(path), "says", {"model": "says"}, judge, refresh=False)
    with dispatching(model, Limits(concurrency=2), archive, judge) as dispatcher:
        dispatcher.submit(cases(PAIRS))
        for pair in PAIRS:
            with pytest.raises(StoppedError, match="refuses the key"):
                dispatcher.outcome_of(pair)
        assert dispatcher.progress().errors == 0
    paid = len(model.asked)
    assert paid < len(PAIRS)
    cured = Slow()
    cured.gate.set()
    model = Says()
    archive = StoreArchive(open_store(path), "says", {"model": "says"}, cured, refresh=False)
    with dispatching(model, archive=archive, judge=cured) as dispatcher:
        dispatcher.submit(cases(PAIRS))
        assert {dispatcher.outcome_of(pair).kind for pair in PAIRS} == {Kind.ANSWERED}
    assert len(model.asked) == len(PAIRS) - paid


def test_verdicts_are_kept_where_responses_are_not(tmp_path: Path) -> None:
    for expected in (len(PAIRS), 0):
        judge = Slow()
        judge.gate.set()
        store = open_store(tmp_path / "store.sqlite")
        archive = StoreArchive(store, "says", None, judge, refresh=False)
        model = Says()
        with dispatching(model, archive=archive, judge=judge) as dispatcher:
            dispatcher.submit(cases(PAIRS))
            kinds = [dispatcher.outcome_of(pair).kind for pair in PAIRS]
        assert kinds == [Kind.ANSWERED] * len(PAIRS)
        assert judge.in_hand == expected
        assert len(model.asked) == len(PAIRS)
