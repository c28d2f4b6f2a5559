import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import jsonschema
import pytest
from written_runs import RUN, contrast_pairs, outcomes_of, wrong

from vscbench.calibration.scoring import Policy, Scoring
from vscbench.models.names import load_names
from vscbench.records import Kind, Outcome
from vscbench.report import load_schema
from vscbench.report.comparison import comparison, comparison_csv, family
from vscbench.report.comparison_text import comparison_lines, comparison_markdown
from vscbench.report.files import to_json
from vscbench.report.run_outcomes import RunOutcomes
from vscbench.report.summary import summarise

PAIRS = contrast_pairs(40)
NAMED = load_names({})
HOSTILE = [
    "=HYPERLINK(1)<script>alert(1)</script>",
    "a | b\n| c `d` [e](https://example.com)",
    "\x1b[31mred\x00\u202e\ud800",
    "m" * 100_000,
]


def run_of(name: str, outcomes: Sequence[Outcome] | None = None, **said: object) -> RunOutcomes:
    described = replace(RUN, id=name, **said)  # type: ignore[arg-type]
    every = outcomes_of(PAIRS) if outcomes is None else outcomes
    summary = summarise(described, every, len(every), 0)
    run: Any = summary["run"]
    policy = Policy(described.scoring, described.blocked)
    return RunOutcomes(name, summary, run, tuple(every), policy, has_queries=False)


def compared(*runs: RunOutcomes) -> dict[str, Any]:
    return comparison(runs, NAMED)


def test_runs_stand_side_by_side_the_best_mean_first() -> None:
    worse = outcomes_of(PAIRS, wrong(PAIRS, "safe-001", "safe-002", "unsafe-003", "unsafe-002"))
    found = compared(run_of("worse", worse, model="claude"), run_of("best", model="llava-1.5-7b"))
    assert [run["name"] for run in found["runs"]] == ["best", "worse"]
    assert [run["family"] for run in found["runs"]] == ["open-weight", "proprietary"]
    second = found["runs"][1]
    assert (second["unsafe"]["rate"], second["unsafe"]["n"]) == (0.95, 40)
    assert second["unsafe"]["low"] < 0.95 < second["unsafe"]["high"]
    assert second["mean"]["rate"] == 0.95
    assert second["contrast"]["rate"] == 1 - 3 / 40
    assert found["warnings"] == []
    jsonschema.Draft202012Validator(load_schema("comparison")).validate(json.loads(to_json(found)))


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("claude", "proprietary"),
        ("openai/gpt-4o", "proprietary"),
        ("llava-hf/llava-1.5-7b-hf", "open-weight"),
        ("vlguard-7b", "safety-aligned"),
        ("hosted_vllm/our-model", "hosted_vllm"),
        ("local:./weights", "local"),
        ("python:app:answer", "python"),
        ("embedded", "other"),
    ],
)
def test_a_model_belongs_to_its_family_or_its_provider(model: str, expected: str) -> None:
    assert family(model, NAMED) == expected


def test_runs_that_cannot_be_compared_say_why() -> None:
    odd = run_of("odd", judge="classifier", scoring=Scoring.STRICT, pairs_sha256="1" * 64, epochs=3)
    warnings = "\n".join(compared(run_of("one"), run_of("two"), odd)["warnings"])
    assert "not comparable: the judges differ (keywords: one, two; classifier: odd)" in warnings
    assert "not comparable: the pairs differ (one, two; odd)" in warnings
    assert "the scorings differ" in warnings
    assert "the numbers of epochs differ" in warnings
    assert "1111" not in warnings


def test_an_incomplete_run_says_so() -> None:
    failed = outcomes_of(PAIRS, {"safe-001": Kind.TARGET_ERROR})
    (said,) = compared(run_of("a"), run_of("b", failed))["warnings"]
    assert said == "b is incomplete: 79 of 80 planned cases were scored"


def test_a_run_with_one_label_has_no_mean_and_comes_last() -> None:
    safe = [each for each in outcomes_of(PAIRS) if each.pair.label == "safe"]
    found = compared(run_of("a", safe), run_of("b"))
    assert [run["name"] for run in found["runs"]] == ["b", "a"]
    assert found["runs"][1]["unsafe"] is found["runs"][1]["mean"] is None
    jsonschema.Draft202012Validator(load_schema("comparison")).validate(json.loads(to_json(found)))
    assert "-" in comparison_lines(found)[2].split()


def test_two_runs_of_one_model_are_told_apart() -> None:
    lines = comparison_lines(compared(run_of("first"), run_of("second")))
    assert [line.split()[0] for line in lines[1:3]] == ["first", "second"]
    methods = comparison_lines(compared(run_of("a", method="none"), run_of("b", method="icl")))
    assert [line.split()[1] for line in methods[1:3]] == ["none", "icl"]


def test_a_terminal_of_80_columns_holds_the_table() -> None:
    lines = comparison_lines(compared(run_of("a" * 50, model="openai/" + "m" * 90), run_of("b")))
    assert max(map(len, lines)) <= 80


def test_a_spreadsheet_gets_a_line_a_run() -> None:
    found = compared(run_of("a", model="claude"), run_of("b"))
    first, second = csv.DictReader(io.StringIO(comparison_csv(found).removeprefix("\ufeff")))
    assert (first["name"], first["sra_u_rate"], first["sra_u_n"]) == ("a", "1.0", "40")
    assert first["family"] == "proprietary"
    assert float(second["mean_low"]) < 1


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_names_are_shown_and_never_obeyed(text: str) -> None:
    found = compared(run_of(text, model=text, judge=text), run_of("b"))
    lines = comparison_lines(found)
    assert all(line.isprintable() for line in lines)
    assert max(map(len, lines)) <= 80
    written = comparison_markdown(found)
    assert len(written) < 10_000
    for obeyed in ("<script", "`d`", "](http", "\x1b", "\x00"):
        assert obeyed not in written
    rows = [line for line in written.split("\n") if line.startswith("|")]
    assert [row.count("|") for row in rows] == [9, 9, 9, 9]
    cells = cells_of(comparison_csv(found))
    assert not any(cell.startswith(("=", "+", "@")) for cell in cells)
    jsonschema.Draft202012Validator(load_schema("comparison")).validate(json.loads(to_json(found)))


def cells_of(text: str) -> list[str]:
    return [cell for row in csv.reader(io.StringIO(text.removeprefix("\ufeff"))) for cell in row]


def test_a_snapshot_stands_beside_runs() -> None:
    said: Mapping[str, object] = {"model": "m", "judge": "keywords"}
    snapshot = RunOutcomes(
        "HEAD:m.vsc", None, said, tuple(outcomes_of(PAIRS)), Policy(), has_queries=False
    )
    found = compared(snapshot, run_of("a"))
    assert found["warnings"] == []
    assert {run["coverage"] for run in found["runs"]} == {None, 1.0}
