import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_pairs import make_pair

from vscbench.calibration.scoring import BlockedPolicy, Policy, Scoring, is_correct
from vscbench.errors import DataError, UsageError
from vscbench.pairs.open import open_pairs, pairs_sha256
from vscbench.pairs.selection import Selection, select
from vscbench.records import Cause, Finish, Kind, Label, Outcome, Response, Variant, Verdict
from vscbench.report.outcomes import outcome_row, write_outcomes
from vscbench.report.past_run import PastRun, find_run, new_run_id, read_past_run
from vscbench.report.restored import not_in_store, restored_outcome, restored_outcomes
from vscbench.report.run_pairs import pairs_of_run, selection_fields
from vscbench.report.summary import Run, summarise, write_summary

Change = Callable[[dict[str, Any]], object]
PAIR = make_pair("a")
SAID = Response(
    "Sure.", Finish.LENGTH, None, "m-1", 12, 3, 0.5, image_change="scaled", fingerprint="fp"
)
RUN = Run(
    id="20260102T030405Z-1a2b3c",
    model="openai/m",
    served_models=("m-1",),
    fingerprints=("fp",),
    params={"temperature": 0},
    method="none",
    judge="keywords",
    scoring=Scoring.STRICT,
    blocked=BlockedPolicy.SEPARATE,
    pairs="embedded",
    pairs_sha256=None,
    epochs=1,
    started="2026-01-02T03:04:05+00:00",
    finished="2026-01-02T03:05:06+00:00",
    version="0.1.0",
)
JUDGED = st.sampled_from([Kind.REFUSED, Kind.FLAGGED, Kind.ANSWERED, Kind.IRRELEVANT])
# Any character: models say all of them.
TEXT = st.text(st.characters(exclude_categories=[]))
NUMBERS = {"prompt_tokens": 12, "completion_tokens": 3, "cost_usd": 0.5, "served_model": "m-1"}


def judged(kind: Kind, text: str, judge: str, probability: float | None, cut: bool) -> Outcome:
    response = Response(text, Finish.LENGTH if cut else Finish.STOP, **NUMBERS)  # type: ignore[arg-type]
    verdict = Verdict(kind, judge, probability)
    return Outcome(PAIR, 2, kind, response, verdict, latency_s=0.5, response_key="k")


ANY_OUTCOME = st.one_of(
    st.builds(judged, JUDGED, TEXT, TEXT, st.none() | st.floats(0, 1), st.booleans()),
    st.builds(
        lambda text: Outcome(PAIR, 1, Kind.TARGET_ERROR, error=text, cause=Cause.OTHER), TEXT
    ),
    st.builds(
        lambda text, error: Outcome(
            PAIR, 1, Kind.JUDGE_ERROR, Response(text), error=error, cause=Cause.JUDGE
        ),
        TEXT,
        TEXT,
    ),
    st.builds(
        lambda text, reason: Outcome(
            PAIR, 1, Kind.BLOCKED, Response(text, Finish.BLOCKED, reason=reason), latency_s=1.5
        ),
        TEXT,
        st.none() | TEXT,
    ),
    st.sampled_from(
        [
            Outcome(PAIR, 1, Kind.EMPTY, Response("")),
            Outcome(PAIR, 1, Kind.TRUNCATED, Response(" ", Finish.LENGTH)),
            Outcome(PAIR, 1, Kind.BLOCKED, Response("safety"), Verdict(Kind.BLOCKED, "c", 0.9)),
        ]
    ),
)


def write_run(folder: Path, outcomes: list[Outcome], run: Run = RUN) -> Path:
    policy = Policy(run.scoring, run.blocked)
    write_outcomes(
        folder / "outcomes.jsonl", [outcome_row(each, policy, run.judge) for each in outcomes]
    )
    write_summary(folder / "summary.json", summarise(run, outcomes, len(outcomes), 0))
    return folder


@given(ANY_OUTCOME)
def test_an_outcome_comes_back_from_its_line(
    tmp_path_factory: pytest.TempPathFactory, outcome: Outcome
) -> None:
    folder = write_run(tmp_path_factory.mktemp("run"), [outcome])
    past = read_past_run(folder)
    assert restored_outcomes(past, {PAIR.id: PAIR}, {}) == [outcome]
    assert past.policy == Policy(Scoring.STRICT, BlockedPolicy.SEPARATE)


def test_what_a_line_does_not_hold_comes_from_the_store(tmp_path: Path) -> None:
    outcome = replace(judged(Kind.ANSWERED, "Sure.", "keywords", None, True), response=SAID)
    past = read_past_run(write_run(tmp_path, [outcome]))
    (back,) = restored_outcomes(past, {PAIR.id: PAIR}, {"k": SAID})
    assert back == outcome
    assert not_in_store(past, {"k": SAID}) == 0


def test_an_answer_that_has_since_replaced_the_runs_own_is_passed_over(tmp_path: Path) -> None:
    past = read_past_run(
        write_run(tmp_path, [judged(Kind.ANSWERED, "Sure.", "keywords", None, False)])
    )
    newer = replace(SAID, text="I cannot help.")
    (back,) = restored_outcomes(past, {PAIR.id: PAIR}, {"k": newer})
    assert back.response is not None and back.response.text == "Sure."
    assert not_in_store(past, {"k": newer}) == not_in_store(past, {}) == 1


@given(ANY_OUTCOME, st.builds(Policy, st.sampled_from(Scoring), st.sampled_from(BlockedPolicy)))
def test_an_outcome_that_came_back_scores_as_before(outcome: Outcome, policy: Policy) -> None:
    row = outcome_row(outcome, policy, "keywords")
    assert is_correct(restored_outcome(row, PAIR), policy) is is_correct(outcome, policy)


def test_a_run_is_found_by_its_folder_its_summary_or_its_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = write_run(tmp_path / "reports" / RUN.id, [])
    reports = tmp_path / "reports"
    for name in (str(folder), f"reports/{RUN.id}", f"reports/{RUN.id}/summary.json", RUN.id):
        assert find_run(name, reports).resolve() == folder
    with pytest.raises(UsageError, match=r"no run at elsewhere.*no summary\.json is there"):
        find_run("elsewhere", reports)


def test_ids_of_runs_sort_by_time_and_differ() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert new_run_id(moment).startswith("20260102T030405Z-")
    assert new_run_id(moment) != new_run_id(moment)


def _changed(part: str, name: str, value: object) -> Change:
    def change(summary: dict[str, Any]) -> dict[str, Any]:
        summary[part][name] = value
        return summary

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda summary: [], "not a summary.json of vscbench"),
        (lambda summary: {"schema": 1}, "not a summary.json of vscbench"),
        (lambda summary: {**summary, "schema": 2}, "schema 2; this version of vscbench reads 1"),
        (_changed("run", "scoring", "mild"), "run.scoring is 'mild'; it must be one of paper"),
        (_changed("run", "epochs", "1"), "run.epochs is '1'; no run writes that"),
        (_changed("counts", "planned", None), "counts.planned is None; no run writes that"),
    ],
)
def test_a_summary_that_no_run_wrote_is_named(tmp_path: Path, change: Change, said: str) -> None:
    path = write_run(tmp_path, []) / "summary.json"
    path.write_text(json.dumps(change(json.loads(path.read_text()))))
    with pytest.raises(DataError) as error:
        read_past_run(tmp_path)
    assert str(error.value).startswith(str(path))
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"epoch": "1"}, "line 1: epoch is '1'; no run writes that"),
        ({"response": 3}, "line 1: response is 3; no run writes that"),
        ({"kind": None}, "line 1: kind is None"),
    ],
)
def test_a_line_that_no_run_wrote_is_named(
    tmp_path: Path, change: dict[str, object], said: str
) -> None:
    path = write_run(tmp_path, [Outcome(PAIR, 1, Kind.EMPTY, Response(""))]) / "outcomes.jsonl"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}) + "\n")
    with pytest.raises(DataError, match=r"outcomes\.jsonl") as error:
        read_past_run(tmp_path)
    assert said in str(error.value)


def test_a_run_with_a_missing_field_or_a_case_twice_is_refused(tmp_path: Path) -> None:
    path = write_run(tmp_path, [Outcome(PAIR, 1, Kind.EMPTY, Response(""))]) / "outcomes.jsonl"
    line = path.read_text()
    path.write_text(line + line)
    with pytest.raises(DataError, match="twice"):
        read_past_run(tmp_path)
    path.write_text('{"pair_id": "a", "epoch": 1}\n')
    with pytest.raises(DataError, match="line 1: no kind"):
        read_past_run(tmp_path)
    path.unlink()
    with pytest.raises(DataError, match="cannot be read"):
        read_past_run(tmp_path)


def test_an_unknown_kind_or_pair_is_named(tmp_path: Path) -> None:
    past = read_past_run(write_run(tmp_path, [Outcome(PAIR, 1, Kind.EMPTY, Response(""))]))
    with pytest.raises(DataError, match="the pair 'a' of this run is not among embedded"):
        restored_outcomes(past, {}, {})
    with pytest.raises(DataError, match="unknown kind 'polite'"):
        restored_outcome({**past.rows[0], "kind": "polite"}, PAIR)


EMBEDDED = open_pairs("embedded", Path()).pairs


def run_over(tmp_path: Path, wanted: Selection, asked: slice, selection: bool) -> PastRun:
    chosen = select(EMBEDDED, wanted)
    run = replace(
        RUN,
        pairs_sha256=pairs_sha256(chosen),
        selection=selection_fields(wanted) if selection else None,
    )
    outcomes = [Outcome(pair, 1, Kind.EMPTY, Response("")) for pair in chosen[asked]]
    return read_past_run(write_run(tmp_path, outcomes, run))


@pytest.mark.parametrize(
    ("wanted", "asked", "selection"),
    [
        (Selection(), slice(None), False),
        (Selection(), slice(5), False),
        (Selection(sample=20, seed=3), slice(None), False),
        (Selection(labels=[Label.SAFE], variants=[Variant.TEXT]), slice(None), False),
        (Selection(sample=20, seed=3), slice(5), True),
        (Selection(categories=["privacy"]), slice(1), True),
    ],
)
def test_the_pairs_of_a_run_are_known_again(
    tmp_path: Path, wanted: Selection, asked: slice, selection: bool
) -> None:
    past = run_over(tmp_path, wanted, asked, selection)
    assert pairs_of_run(past, None, [tmp_path]) == {pair.id: pair for pair in EMBEDDED}


@pytest.mark.parametrize("selection", [True, False])
def test_other_pairs_than_those_of_the_run_are_refused(tmp_path: Path, selection: bool) -> None:
    past = run_over(tmp_path, Selection(sample=20), slice(None), selection)
    line = {"id": "a", "label": "safe", "query": "Why?", "category": "homonyms", "variant": "text"}
    (tmp_path / "other.jsonl").write_text(json.dumps(line) + "\n")
    with pytest.raises(DataError, match=r"not the pairs of run .* digest differs.*--pairs"):
        pairs_of_run(past, "other.jsonl", [tmp_path])


def test_pairs_that_are_gone_can_be_named_anew(tmp_path: Path) -> None:
    past = read_past_run(write_run(tmp_path, [], replace(RUN, pairs="gone.jsonl")))
    with pytest.raises(UsageError, match=r"gone\.jsonl.*say where.*--pairs"):
        pairs_of_run(past, None, [tmp_path])
    with pytest.raises(UsageError, match=r"nor a folder at .*absent; give a path"):
        pairs_of_run(past, "absent", [tmp_path])
    assert len(pairs_of_run(past, "embedded", [tmp_path])) == len(EMBEDDED)


def test_a_relative_path_starts_where_something_lies(tmp_path: Path) -> None:
    line = {"id": "a", "label": "safe", "query": "Why?", "category": "homonyms", "variant": "text"}
    (tmp_path / "pairs.jsonl").write_text(json.dumps(line) + "\n")
    past = read_past_run(write_run(tmp_path / "run", [], replace(RUN, pairs="pairs.jsonl")))
    bases = (tmp_path / "run", tmp_path)
    assert list(pairs_of_run(past, None, bases)) == ["a"]
