import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_questions import match

from vscbench.calibration.accuracy import GradedAnswer
from vscbench.calibration.scoring import BlockedPolicy
from vscbench.errors import DataError
from vscbench.records import Finish, Kind, Outcome, Response, Verdict
from vscbench.report import load_schema
from vscbench.report.utility import (
    UTILITY,
    graded,
    read_utility,
    utility_fields,
    utility_lines,
    utility_markdown,
    utility_row,
    write_utility,
)
from vscbench.utility.questions import as_pair

SCHEMAS = Path(__file__).resolve().parents[2] / "vscbench" / "report" / "schemas"
LINE_SCHEMA: dict[str, Any] = json.loads((SCHEMAS / "utility.schema.json").read_text("utf-8"))
SUMMARY_SCHEMA = load_schema("summary")
FIELDS_SCHEMA = {**SUMMARY_SCHEMA["properties"]["utility"], "$defs": SUMMARY_SCHEMA["$defs"]}
PAIR = as_pair(match("stop", "halt"))
RIGHT = Outcome(
    PAIR,
    1,
    Kind.ANSWERED,
    Response("It says STOP.", prompt_tokens=12, completion_tokens=3, cost_usd=0.01),
    Verdict(Kind.ANSWERED, "match", evidence=("stop",)),
    latency_s=0.5,
    response_key="k",
)
WRONG = replace(RIGHT, kind=Kind.IRRELEVANT, verdict=Verdict(Kind.IRRELEVANT, "match"))
BROKEN = Outcome(PAIR, 2, Kind.TARGET_ERROR, error="down")


def row(outcome: Outcome, blocked: BlockedPolicy = BlockedPolicy.REFUSED) -> dict[str, object]:
    return utility_row(outcome, ["stop", "halt"], "match", blocked)


def test_a_line_says_what_was_asked_read_and_spent() -> None:
    assert row(RIGHT) == {
        "question_id": "question",
        "epoch": 1,
        "skill": "reading-text",
        "group": "question",
        "kind": "answered",
        "correct": True,
        "read": "stop",
        "answers": ["stop", "halt"],
        "response": "It says STOP.",
        "reasoning": None,
        "response_key": "k",
        "grader": "match",
        "error": None,
        "latency_s": 0.5,
        "prompt_tokens": 12,
        "completion_tokens": 3,
        "cost_usd": 0.01,
    }


@pytest.mark.parametrize(
    ("kind", "correct"),
    [
        (Kind.ANSWERED, True),
        (Kind.IRRELEVANT, False),
        (Kind.REFUSED, False),
        (Kind.BLOCKED, False),
        (Kind.EMPTY, False),
        (Kind.TRUNCATED, False),
        (Kind.NO_FINAL_ANSWER, False),
        (Kind.TARGET_ERROR, None),
        (Kind.JUDGE_ERROR, None),
    ],
)
def test_every_kind_is_right_wrong_or_an_error(kind: Kind, correct: bool | None) -> None:
    line = row(replace(RIGHT, kind=kind, verdict=None))
    assert line["correct"] is correct
    jsonschema.Draft202012Validator(LINE_SCHEMA).validate(line)


@pytest.mark.parametrize("blocked", [BlockedPolicy.SEPARATE, BlockedPolicy.ERROR])
def test_a_block_is_in_no_rate_where_the_policy_says_so(blocked: BlockedPolicy) -> None:
    response = Response("", Finish.BLOCKED, "SAFETY")
    line = row(replace(RIGHT, kind=Kind.BLOCKED, response=response, verdict=None), blocked)
    assert (line["correct"], line["error"]) == (None, "SAFETY")


def test_reasoning_is_kept_beside_the_final_answer() -> None:
    line = row(replace(RIGHT, response=Response("stop", reasoning="I look first.")))
    assert line["reasoning"] == "I look first."
    jsonschema.Draft202012Validator(LINE_SCHEMA).validate(line)


def test_a_written_file_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / UTILITY
    write_utility(path, [row(BROKEN), row(RIGHT)])
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2]
    assert read_utility(path) == graded([row(RIGHT), row(BROKEN)])
    assert read_utility(path)[1] == GradedAnswer("question", 2, "reading-text", "question", None)


@given(st.text(max_size=40), st.sampled_from(Kind), st.integers(1, 99))
def test_any_response_survives_the_file(
    tmp_path_factory: pytest.TempPathFactory, text: str, kind: Kind, epoch: int
) -> None:
    path = tmp_path_factory.mktemp("run") / UTILITY
    outcome = replace(RIGHT, kind=kind, epoch=epoch, response=Response(text))
    write_utility(path, [row(outcome)])
    assert read_utility(path) == graded([row(outcome)])
    assert json.loads(path.read_text("utf-8"))["response"] == text


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("question_id", 3),
        ("epoch", 0),
        ("epoch", True),
        ("skill", None),
        ("group", 7),
        ("kind", "right"),
        ("correct", "yes"),
    ],
)
def test_a_line_that_no_run_writes_is_told_with_its_place(
    field: str, value: object, tmp_path: Path
) -> None:
    path = tmp_path / UTILITY
    lines = [row(RIGHT), {**row(BROKEN), field: value}]
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    with pytest.raises(DataError, match=f"line 2: {field} is"):
        read_utility(path)


def test_a_line_without_a_verdict_is_no_error_of_the_model(tmp_path: Path) -> None:
    path = tmp_path / UTILITY
    line = {name: value for name, value in row(RIGHT).items() if name != "correct"}
    path.write_text(json.dumps(line), encoding="utf-8")
    with pytest.raises(DataError, match="correct is 'nothing'"):
        read_utility(path)


def test_a_question_twice_in_one_epoch_is_told(tmp_path: Path) -> None:
    path = tmp_path / UTILITY
    write_utility(path, [row(RIGHT), row(WRONG)])
    with pytest.raises(DataError, match=r"line 2: .*twice in epoch 1"):
        read_utility(path)


def answers() -> list[GradedAnswer]:
    skills = ["counting"] * 10 + ["charts"] * 5
    return [
        *(GradedAnswer(f"q{i}", 1, skill, f"q{i}", i % 5 > 0) for i, skill in enumerate(skills)),
        GradedAnswer("q99", 1, "tables", "q99", None),
    ]


def fields() -> dict[str, Any]:
    return utility_fields("probe", "a" * 64, 20, "match", answers())


def test_the_summary_tells_accuracy_by_skill_and_what_was_scored() -> None:
    found = fields()
    jsonschema.Draft202012Validator(FIELDS_SCHEMA).validate(found)
    assert (found["planned"], found["scored"]) == (20, 15)
    assert found["accuracy"]["rate"] == 0.8
    assert [*found["by_skill"]] == ["charts", "counting", "tables"]
    assert found["by_skill"]["tables"] is None


def test_a_run_without_a_scored_question_is_laid_out_too() -> None:
    found = utility_fields("probe", "a" * 64, 3, "match", [])
    jsonschema.Draft202012Validator(FIELDS_SCHEMA).validate(found)
    assert utility_lines(found)[0].startswith("utility     -:")
    assert next(utility_markdown(found)).startswith("- utility: \u2013")


def test_the_terminal_shows_the_accuracy_with_its_interval() -> None:
    lines = utility_lines(fields())
    assert lines[0].startswith("utility     80.0 % [")
    assert "15 of 20 questions scored, grader match" in lines[0]
    assert lines[1].startswith("  charts    80.0 %")
    assert lines[-1] == "  tables    -"


def test_a_hostile_name_neither_reaches_the_terminal_nor_breaks_the_markdown() -> None:
    skill = "\x1b[31m<script>|\u202e"
    hostile = [replace(each, skill=skill) for each in answers()]
    found = utility_fields("<b>\n::set", "a" * 64, 20, "match", hostile)
    assert all(line.isascii() and line.isprintable() for line in utility_lines(found))
    text = "\n".join(utility_markdown(found))
    assert "<script>" not in text and "<b>" not in text and "\x1b" not in text


def test_markdown_has_a_row_a_skill() -> None:
    lines = [*utility_markdown(fields())]
    assert lines[0].startswith("- utility: 80.0 % [")
    assert sum(line.startswith("| ") for line in lines) == 5
    assert lines[-1] == "</details>"


def test_the_summary_schema_takes_runs_without_utility_and_with_a_method() -> None:
    properties = SUMMARY_SCHEMA["properties"]
    assert "utility" not in SUMMARY_SCHEMA["required"]
    jsonschema.Draft202012Validator(FIELDS_SCHEMA).validate(None)
    run = properties["run"]
    assert not {"method_params", "split"} & {*run["required"]}
    jsonschema.Draft202012Validator(run["properties"]["method_params"]).validate({"alpha": 2})
    for split in ("report", None):
        jsonschema.Draft202012Validator(run["properties"]["split"]).validate(split)
