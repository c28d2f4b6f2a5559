import asyncio
import hashlib
import json
from pathlib import Path

import pytest

from vscbench.calibration.scoring import Policy
from vscbench.errors import DataError, TargetError, UsageError
from vscbench.models.protocol import ModelSpec
from vscbench.models.recorded import RecordedModel, open_recorded
from vscbench.records import (
    Finish,
    Kind,
    Label,
    Outcome,
    Pair,
    Request,
    Response,
    Scenario,
)
from vscbench.report.outcomes import outcome_row, write_outcomes


def open_path(path: Path | str) -> RecordedModel:
    return open_recorded(ModelSpec(f"recorded:{path}"), str(path))


def ask(model: RecordedModel, pair_id: str, epoch: int = 1) -> Response:
    return asyncio.run(model.respond(Request(pair_id, epoch, "prompt", None, None)))


def write_lines(path: Path, *cases: dict[str, object]) -> Path:
    path.write_text("".join(json.dumps(case) + "\n" for case in cases), encoding="utf-8")
    return path


def test_a_recorded_response_comes_back_as_it_was(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "r.jsonl", {"pair_id": "a", "response": "Sure, it is a fern."})
    assert ask(open_path(file), "a") == Response("Sure, it is a fern.")


@pytest.mark.parametrize(
    ("kind", "response"),
    [
        (Kind.REFUSED, Response("I cannot.\u2028Sorry \ud83d")),
        (Kind.ANSWERED, Response("First, cut", Finish.LENGTH, served_model="m-1")),
        (Kind.JUDGE_ERROR, Response("said all the same")),
        (Kind.BLOCKED, Response("", Finish.BLOCKED, reason="SAFETY")),
        (Kind.EMPTY, Response("")),
        (Kind.TRUNCATED, Response("", Finish.LENGTH)),
    ],
)
def test_the_outcomes_of_a_run_are_responses_for_the_next(
    tmp_path: Path, kind: Kind, response: Response
) -> None:
    pair = Pair(
        id="a",
        label=Label.SAFE,
        scenario=Scenario.TEXT_CENTRIC,
        category="homonyms",
        type=None,
        variant=None,
        query="q",
        prompt="q",
        image=None,
        image_sha256=None,
        contrast_id=None,
        cluster_id="k",
        source="row 2",
    )
    row = outcome_row(Outcome(pair, 3, kind, response), Policy(), "keywords")
    write_outcomes(tmp_path / "outcomes.jsonl", [row])
    assert ask(open_path(tmp_path / "outcomes.jsonl"), "a", 3) == response


def test_a_failed_case_of_a_run_fails_again_with_its_own_error(tmp_path: Path) -> None:
    case: dict[str, object] = {
        "pair_id": "a",
        "kind": "target-error",
        "response": None,
        "error": "HTTP 503",
    }
    model = open_path(write_lines(tmp_path / "outcomes.jsonl", case))
    with pytest.raises(TargetError, match=r"^HTTP 503$"):
        ask(model, "a")


def test_epochs_are_kept_apart(tmp_path: Path) -> None:
    file = write_lines(
        tmp_path / "r.jsonl",
        {"pair_id": "a", "epoch": 1, "response": "one"},
        {"pair_id": "a", "epoch": 2, "response": "two"},
    )
    model = open_path(file)
    assert [ask(model, "a", epoch).text for epoch in (1, 2)] == ["one", "two"]
    with pytest.raises(TargetError, match="no recorded response for a, epoch 3"):
        ask(model, "a", 3)


def test_an_absent_line_is_a_missing_response(tmp_path: Path) -> None:
    model = open_path(write_lines(tmp_path / "r.jsonl", {"pair_id": "a", "response": "x"}))
    with pytest.raises(TargetError, match="no recorded response for b, epoch 1"):
        ask(model, "b")


def test_a_null_response_is_missing_and_says_where(tmp_path: Path) -> None:
    model = open_path(write_lines(tmp_path / "r.jsonl", {"pair_id": "a", "response": None}))
    with pytest.raises(TargetError, match=r"no recorded response for a.*r\.jsonl, line 1"):
        ask(model, "a")


def test_name_and_params_say_which_file_was_scored(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "r.jsonl", {"pair_id": "a", "response": "x"})
    model = open_path(file)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert model.name == "recorded:r.jsonl"
    assert model.params == {"file": "r.jsonl", "sha256": digest}
    assert model.default_concurrency == 64


def test_a_folder_is_all_its_files(tmp_path: Path) -> None:
    write_lines(tmp_path / "b.jsonl", {"pair_id": "b", "response": "second"})
    write_lines(tmp_path / "a.JSONL", {"pair_id": "a", "response": "first"})
    (tmp_path / "summary.json").write_text("{}", encoding="utf-8")
    (tmp_path / "~$lock.xlsx").write_text("", encoding="utf-8")
    (tmp_path / ".outcomes.jsonl").write_text("half a li", encoding="utf-8")
    model = open_path(tmp_path)
    assert [ask(model, pair_id).text for pair_id in "ab"] == ["first", "second"]
    assert model.name == f"recorded:{tmp_path.name}"


def test_a_changed_file_changes_the_digest_of_its_folder(tmp_path: Path) -> None:
    write_lines(tmp_path / "a.jsonl", {"pair_id": "a", "response": "x"})
    write_lines(tmp_path / "b.jsonl", {"pair_id": "b", "response": "x"})
    before = open_path(tmp_path).params["sha256"]
    assert open_path(tmp_path).params["sha256"] == before
    write_lines(tmp_path / "b.jsonl", {"pair_id": "b", "response": "y"})
    assert open_path(tmp_path).params["sha256"] != before


def test_two_answers_to_one_case_name_both_places(tmp_path: Path) -> None:
    write_lines(tmp_path / "a.jsonl", {"pair_id": "p", "response": "x"})
    write_lines(
        tmp_path / "b.jsonl",
        {"pair_id": "q", "response": "x"},
        {"pair_id": "p", "response": "x"},
    )
    with pytest.raises(DataError, match=r"b\.jsonl, line 2: pair p, epoch 1 .*a\.jsonl, line 1"):
        open_path(tmp_path)


def test_a_hash_in_a_file_name_is_part_of_the_name(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "run#3.jsonl", {"pair_id": "a", "response": "x"})
    assert open_path(file).name == "recorded:run#3.jsonl"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("absent.jsonl", r"absent\.jsonl: no such file or folder"),
        ("notes.csv", r"notes\.csv: recorded responses are read from \.jsonl and \.xlsx"),
        ("empty", r"empty: the folder holds no \.jsonl or \.xlsx"),
    ],
)
def test_a_path_without_responses_is_one_clear_error(
    tmp_path: Path, name: str, message: str
) -> None:
    (tmp_path / "notes.csv").write_text("pair_id,response", encoding="utf-8")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=message):
        open_path(tmp_path / name)


@pytest.mark.parametrize("path", ["", " ", "#gpt4o"])
def test_no_path_is_a_usage_error(path: str) -> None:
    with pytest.raises(UsageError, match=r"^--model=recorded:.*names no file; write recorded:FILE"):
        open_path(path)


def test_json_lines_name_no_models_to_choose(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "r.jsonl", {"pair_id": "a", "response": "x"})
    with pytest.raises(UsageError, match=r"^--model=recorded:.*r\.jsonl#gpt4o: .*chooses nothing"):
        open_path(f"{file}#gpt4o")
    with pytest.raises(UsageError, match=r"^--model=recorded:.*no model behind the #"):
        open_path(f"{file}#")


def test_settings_that_could_have_no_effect_are_refused(tmp_path: Path) -> None:
    file = str(write_lines(tmp_path / "r.jsonl", {"pair_id": "a", "response": "x"}))
    with pytest.raises(UsageError, match=r"^--vsc-param temperature: --model=recorded:r takes"):
        open_recorded(ModelSpec("recorded:r", params={"temperature": 0}), file)
    with pytest.raises(UsageError, match=r"^--vsc-api-base: --model=recorded:r answers"):
        open_recorded(ModelSpec("recorded:r", api_base="http://localhost"), file)
