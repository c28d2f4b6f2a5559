import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from stored import (
    BLOCKED,
    SAID,
    key_of,
    stored_response,
    write_store,
    write_two_models,
)

from vscbench.cli import main
from vscbench.engine.store_export import choose_responses, export_line
from vscbench.models.protocol import ModelSpec
from vscbench.models.recorded import RecordedModel, open_recorded
from vscbench.records import Finish, Request, Response
from vscbench.report.files import to_json

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()))


ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()))


def run(*args: str | Path) -> Result:
    return CliRunner().invoke(main, ["store", *map(str, args)], catch_exceptions=False)


def ask(model: RecordedModel, pair_id: str, epoch: int = 1) -> Response:
    return asyncio.run(model.respond(Request(pair_id, epoch, "prompt", None, None)))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_two_models(tmp_path / "store.sqlite")


def test_an_export_is_a_model_of_its_own(path: Path, tmp_path: Path) -> None:
    file = tmp_path / "said.jsonl"
    result = run("export", path, "--model", "gpt-4o", "-o", file)
    assert result.exit_code == 0
    assert f"5 responses of gpt-4o  (pytest --model=recorded:{file})" in result.stderr
    assert result.stdout == ""
    model = open_recorded(ModelSpec("recorded:said"), str(file))
    kept = [ask(model, pair_id) for pair_id in "abcde"]
    assert [response.text for response in kept] == ["Sure.", "Sure.", " ", "", ""]
    assert [response.finish for response in kept] == [
        Finish.STOP,
        Finish.LENGTH,
        Finish.LENGTH,
        Finish.STOP,
        Finish.BLOCKED,
    ]
    assert kept[4] == BLOCKED
    assert not list(tmp_path.glob(".*.tmp"))


def test_an_export_goes_to_standard_output_as_lines_of_utf8(tmp_path: Path) -> None:
    text = "caf\xe9 \u2028 \ud83d \x00"
    path = write_store(tmp_path / "store.sqlite", [stored_response("a", text)])
    (line,) = run("export", path).stdout_bytes.splitlines()
    assert json.loads(line)["response"] == text
    assert "caf\xe9".encode() in line


@given(
    st.lists(
        st.builds(
            Response,
            text=ANY_TEXT,
            finish=st.sampled_from(Finish),
            reason=st.none() | ANY_TEXT,
            served_model=st.just("v1"),
            ending=st.none() | st.just("end_turn"),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_whatever_was_answered_comes_back_from_an_export(
    tmp_path_factory: pytest.TempPathFactory, responses: list[Response]
) -> None:
    said = [
        # Only a block has a reason that a recording keeps; an ending is read, and not kept.
        response if response.finish is Finish.BLOCKED else replace(response, reason=None)
        for response in responses
    ]
    rows = [stored_response("a", response, epoch=n) for n, response in enumerate(said, 1)]
    export = choose_responses(rows, None)
    file = tmp_path_factory.getbasetemp() / "said.jsonl"
    lines = (f"{to_json(export_line(row))}\n" for row in export.responses)
    file.write_text("".join(lines), encoding="utf-8", newline="\n")
    model = open_recorded(ModelSpec("recorded:said"), str(file))
    assert [ask(model, "a", epoch) for epoch in range(1, len(said) + 1)] == [
        replace(response, ending=None) for response in said
    ]


def test_of_several_models_one_must_be_chosen(path: Path) -> None:
    result = run("export", path)
    assert result.exit_code == 2
    assert "holds responses of claude, gpt-4o; choose one with --model NAME" in result.stderr
    result = run("export", path, "--model", "gpt-5")
    assert result.exit_code == 2
    assert "--model gpt-5: the store holds responses of claude, gpt-4o only" in result.stderr


def test_versions_are_not_mixed_unless_asked_for(tmp_path: Path) -> None:
    older, newer = (replace(SAID, served_model=f"v{number}") for number in (1, 2))
    path = write_store(
        tmp_path / "store.sqlite",
        [stored_response("a", older), stored_response("b", older), stored_response("b", newer)],
    )
    result = run("export", path)
    assert result.exit_code == 2
    assert "came from the versions v1 (1), v2 (1)" in result.stderr
    assert "--served VERSION" in result.stderr
    assert _pairs(run("export", path, "--served", "v1")) == {"a": "v1", "b": "v1"}
    assert _pairs(run("export", path, "--served", "v2")) == {"b": "v2"}
    both = run("export", path, "--served", "v1", "--served", "v2")
    assert _pairs(both) == {"a": "v1", "b": "v2"}
    assert run("export", path, "--served", "v3").exit_code == 2


def _pairs(result: Result) -> dict[str, str]:
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    return {line["pair_id"]: line["served_model"] for line in lines}


def test_a_version_that_was_replaced_whole_stands_in_no_ones_way(tmp_path: Path) -> None:
    older, newer = (replace(SAID, served_model=f"v{number}") for number in (1, 2))
    records = [stored_response("a", older), stored_response("a", newer)]
    path = write_store(tmp_path / "store.sqlite", records)
    assert _pairs(run("export", path)) == {"a": "v2"}


def test_answers_to_other_settings_are_pointed_out(tmp_path: Path) -> None:
    records = [
        stored_response("a", "cold", key=key_of("temperature 0")),
        stored_response("a", "warm", key=key_of("temperature 1")),
        stored_response("b"),
    ]
    result = run("export", write_store(tmp_path / "store.sqlite", records))
    assert [json.loads(line)["response"] for line in result.stdout.splitlines()] == [
        "warm",
        "Sure.",
    ]
    assert "note: 1 cases were asked in more than one way" in result.stderr


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("said.json", "call it something.jsonl"),
        ("absent/said.jsonl", "cannot be written (No such file"),
    ],
)
def test_an_output_that_cannot_be_is_one_line(
    path: Path, tmp_path: Path, output: str, message: str
) -> None:
    result = run("export", path, "--model=claude", "-o", tmp_path / output)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
