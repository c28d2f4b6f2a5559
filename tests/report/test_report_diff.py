import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from written_runs import RUN, contrast_pairs, made, outcomes_of, wrong

from vscbench.calibration.scoring import BlockedPolicy, Policy, Scoring
from vscbench.errors import UsageError
from vscbench.records import Kind, Outcome, Pair
from vscbench.report import load_schema
from vscbench.report.diff import diff, without_queries
from vscbench.report.diff_markdown import diff_markdown
from vscbench.report.diff_text import diff_lines
from vscbench.report.files import to_json
from vscbench.report.run_outcomes import RunOutcomes
from vscbench.report.summary import summarise

PAIRS = contrast_pairs(60, per_cluster=3)
HOSTILE = [
    "</td><script>alert(1)</script>",
    "| a | b |\n| --- | --- |",
    "`code` **bold** [link](https://example.com) ![image](https://example.com/x.png)",
    "\x1b[31mred\x1b[0m \x00 \x07 \r\n\u2028 \u202e reversed",
    "@someone #1 &amp; <!-- comment -->",
    "\ud800 lone",
    " ".join(["::error::told", "##[error]told"] * 30),
    "x" * 1_000_000,
]


def run_of(outcomes: Sequence[Outcome], name: str = "run", **said: Any) -> RunOutcomes:  # noqa: ANN401
    described = replace(RUN, id=name, **said)
    summary = summarise(described, outcomes, len(outcomes), 0)
    run: Any = summary["run"]
    policy = Policy(described.scoring, described.blocked)
    return RunOutcomes(name, summary, run, tuple(outcomes), policy, has_queries=True)


def changed(
    *names: str, kinds: Mapping[str, Kind] | None = None, pairs: Sequence[Pair] = PAIRS
) -> dict[str, Any]:
    """The diff of a run in which all is right to one in which some is not."""
    after = outcomes_of(pairs, {**wrong(pairs, *names), **(kinds or {})})
    return diff(run_of(outcomes_of(pairs), "old"), run_of(after, "new"))


def flipped(found: Mapping[str, Any], change: str) -> list[str]:
    return [flip["pair_id"] for flip in found["flips"] if flip["change"] == change]


def test_the_flips_are_exactly_the_cases_that_changed_regressions_first() -> None:
    before = outcomes_of(PAIRS, wrong(PAIRS, "safe-001", "unsafe-050"))
    kinds = {
        **wrong(PAIRS, "unsafe-003", "safe-002", "unsafe-050"),
        "unsafe-009": Kind.FLAGGED,
        "unsafe-050": Kind.IRRELEVANT,
    }
    found = diff(run_of(before), run_of(outcomes_of(PAIRS, kinds)))
    assert [(each["pair_id"], each["change"]) for each in found["flips"]] == [
        ("safe-002", "became wrong"),
        ("unsafe-003", "became wrong"),
        ("safe-001", "became right"),
        ("unsafe-050", "still wrong"),
        ("unsafe-009", "still right"),
    ]
    assert found["flips"][1] == {
        "pair_id": "unsafe-003",
        "epoch": 1,
        "label": "unsafe",
        "category": "category-1",
        "variant": "text",
        "query": "What about unsafe-003?",
        "before": "refused",
        "after": "answered",
        "change": "became wrong",
    }


KINDS = st.lists(st.sampled_from(Kind), min_size=24, max_size=24)
SOME = contrast_pairs(12, per_cluster=2)


@settings(max_examples=60)
@given(KINDS, KINDS)
def test_every_case_is_told_once_and_the_file_fits_its_schema(
    before: list[Kind], after: list[Kind]
) -> None:
    old, new = (
        [made(pair, kind) for pair, kind in zip(SOME, kinds, strict=True)]
        for kinds in (before, after)
    )
    found = diff(run_of(old), run_of(new))
    pairs = zip(before, after, strict=True)
    differing = [(one, other) for one, other in pairs if one is not other]
    between_errors = sum(one.is_error and other.is_error for one, other in differing)
    assert len(found["flips"]) + len(found["errors"]) == len(differing) - between_errors
    assert sum(found["cases"]["changes"].values()) == len(found["flips"])
    jsonschema.Draft202012Validator(load_schema("diff")).validate(json.loads(to_json(found)))
    assert diff_markdown(found)
    assert diff_lines(found)


def test_a_regression_is_named_and_measured() -> None:
    unsafe = [f"unsafe-{number:03d}" for number in range(0, 60, 3)]
    found = changed(*unsafe)
    assert found["significantly_worse"] == ["sra_u"]
    measure = {each["name"]: each for each in found["measures"]}["sra_u"]
    assert measure["difference"]["value"] == pytest.approx(-1 / 3, abs=1e-6)
    assert (measure["n"], measure["clusters"], measure["worse"]) == (60, 20, 20)
    words = " ".join(" ".join(diff_lines(found)).split())
    assert "SRA_u: significantly worse, -33.3 [" in words
    assert "SRA_s: no significant change, +0.0 [" in words
    assert "four times in five" in words


def test_errors_and_cases_of_one_run_are_apart_from_flips() -> None:
    before = outcomes_of(PAIRS[4:], {"unsafe-010": Kind.TARGET_ERROR, "safe-020": Kind.JUDGE_ERROR})
    after = outcomes_of(
        PAIRS[:-2], {"unsafe-011": Kind.TARGET_ERROR, "safe-020": Kind.TARGET_ERROR}
    )
    found = diff(run_of(before), run_of(after))
    assert found["flips"] == []
    assert [(each["pair_id"], each["before"], each["after"]) for each in found["errors"]] == [
        ("unsafe-010", "target-error", "refused"),
        ("unsafe-011", "refused", "target-error"),
    ]
    assert found["cases"] == {
        "both": 114,
        "only_before": 2,
        "only_after": 4,
        "errors_before": 2,
        "errors_after": 2,
        "changes": dict.fromkeys(found["cases"]["changes"], 0),
    }
    assert found["pairs"] == {
        "compared": 111,
        "left_out": 3,
        "only_before": 2,
        "only_after": 4,
    }


def test_what_else_differs_between_the_runs_is_a_warning() -> None:
    outcomes = outcomes_of(PAIRS)
    before = run_of(outcomes, "a")
    after = run_of(
        outcomes,
        "b",
        judge="classifier",
        scoring=Scoring.STRICT,
        blocked=BlockedPolicy.SEPARATE,
        method="none-at-all",
        epochs=2,
        pairs_sha256="1" * 64,
    )
    warnings = " / ".join(diff(before, after)["warnings"])
    for said in (
        "the judges differ: keywords before, classifier after",
        "the scorings differ: paper before, strict after",
        "the policies for blocks differ",
        "the methods differ",
        "the numbers of epochs differ: 1 before, 2 after",
        "different pairs: only those that both have are compared",
    ):
        assert said in warnings
    assert diff(before, run_of(outcomes, "c", model="another"))["warnings"] == []


def test_a_change_of_scoring_is_no_change_of_the_model() -> None:
    outcomes = outcomes_of(PAIRS, {"safe-001": Kind.IRRELEVANT})
    found = diff(run_of(outcomes), run_of(outcomes, scoring=Scoring.STRICT))
    assert found["scored"]["scoring"] == "strict"
    assert found["flips"] == []
    assert all(each["difference"]["value"] == 0 for each in found["measures"])


def test_an_incomplete_run_is_a_warning() -> None:
    failed = outcomes_of(PAIRS, {"safe-001": Kind.TARGET_ERROR})
    (said,) = diff(run_of(outcomes_of(PAIRS)), run_of(failed, "b"))["warnings"]
    assert said == "b is incomplete: 119 of 120 planned cases were scored"


def test_runs_without_a_pair_in_common_cannot_be_compared() -> None:
    with pytest.raises(UsageError, match="no pair in common"):
        diff(run_of(outcomes_of(PAIRS[:4])), run_of(outcomes_of(PAIRS[4:])))


def test_epochs_are_told_apart() -> None:
    twice = [*outcomes_of(PAIRS), *outcomes_of(PAIRS, wrong(PAIRS, "safe-004"), epoch=2)]
    both = [*outcomes_of(PAIRS), *outcomes_of(PAIRS, epoch=2)]
    found = diff(run_of(both, epochs=2), run_of(twice, epochs=2))
    assert [(each["pair_id"], each["epoch"]) for each in found["flips"]] == [("safe-004", 2)]
    assert any("safe-004 epoch 2  safe: answered -> refused" in line for line in diff_lines(found))
    assert "safe&#45;004 (epoch 2)" in diff_markdown(found)


def test_only_groups_that_changed_are_in_the_table() -> None:
    lines = diff_lines(changed("unsafe-003"))
    assert "category=category-1" in lines
    assert "category=category-0" not in lines
    # All pairs are of one scenario, which is no part of them.
    assert not any(line.startswith("scenario=") for line in lines)


def test_a_terminal_of_80_columns_holds_every_line() -> None:
    names = [pair.id for pair in PAIRS[::3]]
    found = changed(*names, kinds={"safe-001": Kind.TARGET_ERROR})
    assert max(map(len, diff_lines(found))) <= 80


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_is_shown_and_never_obeyed(text: str) -> None:
    pairs = [
        replace(pair, query=text, id=pair.id + text[:60], category=text[:60] + pair.category)
        for pair in PAIRS
    ]
    found = changed(pairs[1].id, pairs=pairs)
    found = {**found, "warnings": [text], "notes": [text]}
    found["before"] = {**found["before"], "name": text, "model": text}
    lines = diff_lines(found)
    assert all(line.replace("\t", "").isprintable() for line in lines)
    assert max(map(len, lines)) < 1000
    assert not any(line.lstrip().startswith("::") or "##[" in line for line in lines)
    written = diff_markdown(found)
    assert len(written) < 60_000
    for obeyed in ("<script", "`code`", "](http", "\x1b", "\x00", "\r", "@someone", "<!--"):
        assert obeyed not in written
    heads = [line for line in written.split("\n") if line.startswith("| pair")]
    rows = [line for line in written.split("\n") if line.startswith("|")]
    assert len(heads) == 1
    assert {line.count("|") for line in rows} <= {6, 9}
    read = json.loads(to_json(found))
    jsonschema.Draft202012Validator(load_schema("diff")).validate(read)
    assert len(read["flips"][0]["query"]) <= 1000


def test_a_long_list_is_cut_where_a_person_reads_and_whole_in_the_file() -> None:
    pairs = contrast_pairs(700)
    found = changed(*(pair.id for pair in pairs), pairs=pairs)
    assert len(found["flips"]) == 1400
    assert "  ... and 1350 more; --format json lists all" in diff_lines(found)
    written = diff_markdown(found)
    assert "1300 more are not shown." in written
    assert len(written) < 65_536


def test_queries_can_be_left_out() -> None:
    found = without_queries(changed("unsafe-003"))
    assert found["flips"][0]["pair_id"] == "unsafe-003"
    for told in (diff_markdown(found), "\n".join(diff_lines(found)), to_json(found)):
        assert "What about" not in told
