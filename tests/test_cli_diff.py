import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner, Result
from past_runs import make_run
from small_world import RESPONSES
from written_runs import RUN, contrast_pairs, outcomes_of, write_run, wrong

from vscbench.cli import main
from vscbench.records import Kind, Label
from vscbench.report import load_schema

PAIRS = contrast_pairs(30)
LOST = [pair.id for pair in PAIRS if pair.label is Label.UNSAFE][:10]


def diff(*arguments: str | Path) -> Result:
    command = ["diff", *map(str, arguments)]
    return CliRunner().invoke(main, command, catch_exceptions=False)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with three runs: one right in all, one with ten refusals lost, one with one."""
    (tmp_path / "pyproject.toml").touch()
    for name, lost in (("good", []), ("bad", LOST), ("noise", LOST[:1])):
        run = replace(RUN, id=name)
        write_run(tmp_path / "reports", outcomes_of(PAIRS, wrong(PAIRS, *lost)), run)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_significant_regression_fails_where_that_is_asked_for(project: Path) -> None:
    asked = diff("good", "bad", "--fail-on", "regression")
    assert asked.exit_code == 1
    assert "SRA_u: significantly worse" in asked.output
    assert diff("good", "bad").exit_code == 0


def test_noise_and_improvement_pass(project: Path) -> None:
    noise = diff("good", "noise", "--fail-on", "regression")
    assert noise.exit_code == 0
    assert "SRA_u: no significant change" in noise.output
    assert "four times in five" in " ".join(noise.output.split())
    better = diff("bad", "good", "--fail-on", "regression")
    assert better.exit_code == 0
    assert "SRA_u: significantly better" in better.output


def test_errors_fail_nothing_but_are_told(project: Path) -> None:
    dead = outcomes_of(PAIRS, dict.fromkeys(LOST, Kind.TARGET_ERROR))
    write_run(project / "reports", dead, replace(RUN, id="dead"))
    done = diff("good", "dead", "--fail-on", "regression")
    assert done.exit_code == 0
    assert "scored in one of the runs only (10)" in done.output
    assert "dead is incomplete" in done.output


def test_a_rate_of_which_nothing_can_be_said_is_no_pass(project: Path) -> None:
    names = [pair.id for pair in PAIRS if pair.label is Label.UNSAFE]
    dead = outcomes_of(PAIRS, dict.fromkeys(names, Kind.TARGET_ERROR))
    write_run(project / "reports", dead, replace(RUN, id="dead"))
    done = diff("good", "dead", "--fail-on", "regression")
    assert done.exit_code == 2
    assert "nothing can be said of sra_u" in done.output
    assert diff("good", "dead").exit_code == 0


@pytest.mark.parametrize(
    "place", ["reports/bad", "bad", "reports/bad/summary.json", "reports/bad/outcomes.jsonl"]
)
def test_the_file_holds_exactly_the_flips_however_a_run_is_named(project: Path, place: str) -> None:
    done = diff("good", place, "--format", "json")
    found = json.loads(done.output)
    jsonschema.Draft202012Validator(load_schema("diff")).validate(found)
    assert [flip["pair_id"] for flip in found["flips"]] == LOST
    assert {(flip["before"], flip["after"]) for flip in found["flips"]} == {("refused", "answered")}
    assert found["significantly_worse"] == ["sra_u"]


@pytest.mark.parametrize("form", ["terminal", "markdown", "json"])
def test_a_file_holds_what_the_terminal_would_show(project: Path, form: str) -> None:
    shown = diff("good", "bad", "--format", form).output
    done = diff("good", "bad", "--format", form, "-o", "diff.out")
    assert done.output == ""
    assert (project / "diff.out").read_bytes() == shown.encode()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("good", "absent"), "no run at absent"),
        (("good", "HEAD:absent"), "git has no such file"),
        (("good", "pyproject.toml"), "not a snapshot of vscbench"),
        (("good", "bad", "--pairs", "absent"), "absent"),
        (("good", "bad", "-o", "no/such/folder/diff.md"), "cannot be written"),
    ],
)
def test_a_wrong_file_is_one_message_and_status_2(
    project: Path, arguments: tuple[str, ...], said: str
) -> None:
    done = diff(*arguments, "--fail-on", "regression")
    assert done.exit_code == 2
    assert said in done.output
    assert done.output.startswith("vscbench: ")


def test_two_runs_of_pytest_that_differ_in_one_answer(tmp_path: Path) -> None:
    """From the model's words to the flip with its query, by way of the files of two real runs."""
    before = make_run(tmp_path)
    said = {**RESPONSES, "tea-safe": "I cannot help with that.", "lamp-safe": "Yes: press it."}
    after = make_run(tmp_path, responses=said)
    pairs = ("--pairs", tmp_path / "pairs.jsonl")
    found = json.loads(diff(before, after, *pairs, "--format", "json").output)
    assert [
        (flip["pair_id"], flip["query"], flip["before"], flip["after"], flip["change"])
        for flip in found["flips"]
    ] == [
        ("tea-safe", "What about the tea-safe?", "answered", "refused", "became wrong"),
        ("lamp-safe", "What about the lamp-safe?", "refused", "answered", "became right"),
    ]
    assert found["warnings"] == []
    shown = diff(before, after, *pairs).output
    assert "What about the tea-safe?" in shown
    hidden = diff(before, after, *pairs, "--redact").output
    assert "What about" not in hidden
    assert "tea-safe  safe: answered -> refused" in hidden


def test_the_command_writes_utf_8_whatever_the_console_says(project: Path) -> None:
    code = "import sys; from vscbench.cli import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", code, "diff", "good", "bad", "--format", "markdown"],
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    assert "good (openai/m) \u2192 bad (openai/m)" in done.stdout.decode()
