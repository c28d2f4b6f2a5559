from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fake_models import Answer, Says, cases, dispatching
from PIL import Image
from small_pairs import make_pair

from vscbench.engine.archive import StoreArchive
from vscbench.engine.keys import verdict_key
from vscbench.engine.sqlite_store import open_store
from vscbench.errors import StoppedError, StoreError, TargetError
from vscbench.judges.keywords import KeywordsJudge
from vscbench.judges.protocol import Judge
from vscbench.records import Cause, Finish, Kind, Outcome, Pair, Response, Verdict

PAIRS = [make_pair(f"pair-{number:02d}") for number in range(12)]


class Stored:
    """A store in a folder, used by one run after the other."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "store.sqlite"
        self.notes: tuple[str, ...] = ()
        self.judge: Judge = KeywordsJudge()

    def archive(self, model: Says, *, refresh: bool = False) -> StoreArchive:
        identity = model.identity or {}
        store = open_store(self.path)
        return StoreArchive(store, "says", identity, self.judge, refresh=refresh)

    def run(
        self,
        pairs: list[Pair],
        answer: Answer | None = None,
        *,
        refresh: bool = False,
        identity: dict[str, object] | None = None,
        **more: Any,  # noqa: ANN401
    ) -> tuple[list[str], list[Outcome]]:
        """Run pairs and return which were asked, and the outcomes."""
        model = Says(answer)
        model.identity = identity or model.identity
        archive = self.archive(model, refresh=refresh)
        with dispatching(model, archive=archive, **more) as dispatcher:
            dispatcher.submit(cases(pairs))
            outcomes = [dispatcher.outcome_of(pair) for pair in pairs]
            self.notes = dispatcher.notes
        return model.asked, outcomes


@pytest.fixture
def stored(tmp_path: Path) -> Iterator[Stored]:
    yield Stored(tmp_path)


def without_cached(outcomes: list[Outcome]) -> list[Outcome]:
    return [replace(outcome, cached=False) for outcome in outcomes]


def test_what_was_answered_is_not_asked_again_and_the_outcome_is_the_same(stored: Stored) -> None:
    asked, first = stored.run(PAIRS)
    assert len(asked) == 12
    asked, second = stored.run(PAIRS)
    assert asked == []
    assert all(outcome.cached for outcome in second)
    assert without_cached(second) == without_cached(first)


def test_only_what_is_missing_is_asked(stored: Stored) -> None:
    stored.run(PAIRS[:5])
    asked, outcomes = stored.run(PAIRS)
    assert sorted(asked) == [pair.id for pair in PAIRS[5:]]
    assert [outcome.cached for outcome in outcomes] == [True] * 5 + [False] * 7


def test_another_parameter_is_another_answer(stored: Stored) -> None:
    stored.run(PAIRS[:2], identity={"model": "says", "temperature": 0})
    asked, _ = stored.run(PAIRS[:2], identity={"model": "says", "temperature": 1})
    assert len(asked) == 2


def test_an_image_of_other_bytes_under_the_same_name_is_asked_again(
    stored: Stored, tmp_path: Path
) -> None:
    path = tmp_path / "a.png"
    pair = replace(make_pair("seen"), image=path)
    for colour, expected in (("red", 1), ("red", 0), ("blue", 1)):
        Image.new("RGB", (9, 9), colour).save(path)
        asked, _ = stored.run([pair])
        assert len(asked) == expected, colour


def test_an_image_that_is_gone_is_an_error_of_its_own_case(stored: Stored, tmp_path: Path) -> None:
    pair = replace(make_pair("unseen"), image=tmp_path / "none.png")
    asked, outcomes = stored.run([pair, PAIRS[0]])
    assert asked == ["pair-00"]
    assert (outcomes[0].kind, outcomes[0].cause) == (Kind.TARGET_ERROR, Cause.IMAGE)
    assert "none.png" in str(outcomes[0].error)


def test_two_cases_that_ask_the_same_are_one_request(stored: Stored) -> None:
    twin = replace(PAIRS[0], id="twin")
    asked, outcomes = stored.run([PAIRS[0], twin, PAIRS[1]])
    assert len(asked) == 2
    assert [outcome.pair.id for outcome in outcomes] == ["pair-00", "twin", "pair-01"]
    assert outcomes[0].response == outcomes[1].response


def test_an_error_is_never_stored_as_an_answer(stored: Stored) -> None:
    _, outcomes = stored.run(PAIRS[:2], lambda request: TargetError("no", Cause.BAD_REQUEST))
    assert {outcome.kind for outcome in outcomes} == {Kind.TARGET_ERROR}
    asked, outcomes = stored.run(PAIRS[:2])
    assert len(asked) == 2
    assert {outcome.kind for outcome in outcomes} == {Kind.ANSWERED}


def test_a_block_is_stored_as_a_block(stored: Stored) -> None:
    block = Response("", Finish.BLOCKED, reason="content_filter: violence")
    stored.run(PAIRS[:1], lambda request: block)
    asked, outcomes = stored.run(PAIRS[:1])
    assert asked == []
    assert (outcomes[0].kind, outcomes[0].response) == (Kind.BLOCKED, block)


def test_refresh_asks_again_and_the_newer_answer_counts_from_then_on(stored: Stored) -> None:
    stored.run(PAIRS[:1], lambda request: Response("I cannot."))
    asked, _ = stored.run(PAIRS[:1], refresh=True)
    assert len(asked) == 1
    _, outcomes = stored.run(PAIRS[:1])
    assert outcomes[0].kind is Kind.ANSWERED


def test_offline_asks_nothing_and_says_what_is_missing(stored: Stored) -> None:
    stored.run(PAIRS[:1])
    asked, outcomes = stored.run(PAIRS[:2], offline=True)
    assert asked == []
    assert [outcome.kind for outcome in outcomes] == [Kind.ANSWERED, Kind.TARGET_ERROR]
    assert outcomes[1].cause is Cause.NOT_STORED


def test_an_alias_that_moved_is_said_and_its_old_answers_are_not_mixed_in(stored: Stored) -> None:
    stored.run(PAIRS[:5], lambda request: Response("Sure.", served_model="m-2024"))
    asked, outcomes = stored.run(PAIRS, lambda request: Response("Sure.", served_model="m-2025"))
    assert len(asked) == 12
    served = {outcome.response.served_model for outcome in outcomes if outcome.response}
    assert served == {"m-2025"}
    (note,) = stored.notes
    assert "m-2025" in note
    assert "5 answers of m-2024" in note
    asked, outcomes = stored.run(PAIRS)
    assert asked == []


def test_offline_uses_answers_of_any_version(stored: Stored) -> None:
    stored.run(PAIRS[:2], lambda request: Response("Sure.", served_model="m-2024"))
    stored.run(PAIRS[2:4], lambda request: Response("Sure.", served_model="m-2024"))
    asked, outcomes = stored.run(PAIRS[:4], offline=True)
    assert asked == []
    assert len(outcomes) == 4


def test_stored_answers_come_even_when_the_provider_is_down(stored: Stored) -> None:
    stored.run(PAIRS[:3])
    down = TargetError("no", Cause.BAD_REQUEST)
    _, outcomes = stored.run(PAIRS[:4], lambda request: down)
    assert [outcome.kind for outcome in outcomes] == [Kind.ANSWERED] * 3 + [Kind.TARGET_ERROR]


def test_maxfail_and_answers_in_the_store_do_not_wait_for_each_other(stored: Stored) -> None:
    stored.run(PAIRS[:2])
    down = TargetError("no", Cause.BAD_REQUEST)
    _, outcomes = stored.run(
        PAIRS[:6],
        lambda request: down,
        most_failures=1,
        is_failure=lambda outcome: outcome.kind.is_error,
    )
    assert len(outcomes) == 6


def test_a_verdict_that_is_stored_is_not_made_again(stored: Stored) -> None:
    stored.run(PAIRS[:3])

    class Silent(KeywordsJudge):
        async def judge(self, query: str, response: str, image: Path | None = None) -> Any:  # noqa: ANN401
            raise AssertionError("the verdict is in the store")

    _, outcomes = stored.run(PAIRS[:3], judge=Silent())
    assert {outcome.kind for outcome in outcomes} == {Kind.ANSWERED}


class Priced(KeywordsJudge):
    """A judge whose verdicts cost something; counts how many were asked for."""

    def __init__(self) -> None:
        self.asked = 0

    @property
    def identity(self) -> dict[str, object]:
        return {"judge": "priced"}

    @property
    def is_free(self) -> bool:
        return False

    async def judge(self, query: str, response: str, image: Path | None = None) -> Verdict:
        self.asked += 1
        return await super().judge(query, response)


def test_a_verdict_that_was_paid_for_is_durable_before_its_case_ends(stored: Stored) -> None:
    stored.judge = judge = Priced()
    archive = stored.archive(Says())
    with dispatching(Says(), archive=archive, judge=judge) as dispatcher:
        dispatcher.submit(cases(PAIRS[:1]))
        outcome = dispatcher.outcome_of(PAIRS[0])
        assert outcome.response is not None
        key = verdict_key(judge.identity, PAIRS[0].query, outcome.response.text)
        reader = open_store(stored.path, writable=False)
        assert key in reader.verdicts([key])
        reader.close()


def test_a_verdict_on_the_same_words_is_not_paid_for_again(stored: Stored) -> None:
    stored.judge = judge = Priced()
    stored.run(PAIRS[:1], judge=judge)
    stored.run(PAIRS[:1], judge=judge, identity={"model": "another that says the same"})
    assert judge.asked == 1


class Full:
    """An archive on a disk that has become full."""

    def __init__(self, archive: StoreArchive) -> None:
        self.find = archive.find
        self.read = archive.read
        self.find_verdict = archive.find_verdict
        self.keep_verdict = archive.keep_verdict
        self.close = archive.close

    async def keep(self, *given: object) -> None:
        raise StoreError("store.sqlite: the disk is full")


def test_a_store_that_cannot_be_written_stops_the_run_and_loses_no_answer(stored: Stored) -> None:
    model = Says()
    full = Full(stored.archive(model))
    with dispatching(model, archive=full) as dispatcher:
        dispatcher.submit(cases(PAIRS))
        assert dispatcher.outcome_of(PAIRS[0]).kind is Kind.ANSWERED
        with pytest.raises(StoppedError, match="disk is full"):
            dispatcher.outcome_of(PAIRS[-1])
    assert len(model.asked) <= 8
