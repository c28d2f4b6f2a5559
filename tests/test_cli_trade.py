import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result
from traded_runs import HALF_SAFE, HALF_UNSAFE, PAIRS
from written_runs import RUN, outcomes_of, write_run, wrong

from vscbench.cli import main


def trade(*arguments: str | Path) -> Result:
    command = ["trade", *map(str, arguments)]
    return CliRunner().invoke(main, command, catch_exceptions=False)


def write_answers(folder: Path, right: int, of: int = 40) -> None:
    """Write the lines of a run's utility.jsonl, as far as they are read again."""
    lines = [
        {
            "question_id": f"q-{number:02d}",
            "epoch": 1,
            "skill": "counting",
            "group": f"q-{number:02d}",
            "kind": "answered" if number < right else "irrelevant",
            "correct": number < right,
        }
        for number in range(of)
    ]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (folder / "utility.jsonl").write_text(text, encoding="utf-8")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "pyproject.toml").touch()
    few = (*HALF_SAFE[:8], *HALF_UNSAFE[:4])
    for name, method, lost, right in (
        ("a", "none", (*few, *HALF_UNSAFE), 38),
        ("b", "safety-prompt", few, 37),
        ("c", "few-shot", (*HALF_SAFE, *HALF_UNSAFE[:8]), 12),
    ):
        run = replace(RUN, id=name, method=method)
        outcomes = outcomes_of(PAIRS, wrong(PAIRS, *lost))
        write_answers(write_run(tmp_path / "reports", outcomes, run), right)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_trade_of_a_models_runs_is_told(project: Path) -> None:
    done = trade("a", "reports/b", "reports/c/summary.json")
    assert done.exit_code == 0
    text = " ".join(done.output.split())
    assert "safety-prompt (b) discriminates better: d' rose by" in text
    assert "few-shot (c) only refuses more: the criterion fell by" in text
    assert "costs 65.0 points of utility [" in text


def test_answers_are_found_beside_outcomes_too(project: Path) -> None:
    named = trade("a", "reports/b/outcomes.jsonl", "--format", "json").output
    assert json.loads(named) == json.loads(trade("reports/a", "b", "--format", "json").output)
    assert json.loads(named)["models"][0]["methods"][0]["utility"]["rate"] == 37 / 40


def test_a_run_without_answers_is_traded_without_utility(project: Path) -> None:
    (project / "reports" / "b" / "utility.jsonl").unlink()
    text = " ".join(trade("a", "b", "c").output.split())
    assert "note: utility was not measured with safety-prompt" in text
    assert "costs 65.0 points of utility" in text


@pytest.mark.parametrize("form", ["terminal", "markdown", "json", "csv"])
def test_a_file_holds_what_the_terminal_would_show(project: Path, form: str) -> None:
    shown = trade("a", "b", "c", "--format", form).stdout_bytes
    done = trade("a", "b", "c", "--format", form, "-o", "trade.out")
    assert done.output == ""
    assert (project / "trade.out").read_bytes() == shown


def test_the_same_whatever_the_order_of_pairs_in_the_files(project: Path) -> None:
    before = trade("a", "b", "--format", "json").output
    for name in ("a", "b"):
        for file in ("outcomes.jsonl", "utility.jsonl"):
            path = project / "reports" / name / file
            lines = path.read_text("utf-8").splitlines(keepends=True)
            path.write_text("".join(reversed(lines)), encoding="utf-8")
    assert trade("a", "b", "--format", "json").output == before


def test_a_spreadsheet_has_a_line_a_method_and_measure(project: Path) -> None:
    text = trade("a", "b", "c", "--format", "csv").output.removeprefix("\ufeff")
    rows = [(row["method"], row["measure"]) for row in csv.DictReader(io.StringIO(text))]
    assert len(rows) == len(set(rows)) == 14


def test_a_figure_and_a_page_are_written_beside_it(project: Path) -> None:
    done = trade("a", "b", "c", "--figure", "trade.svg", "--html", "trade.html")
    assert "safety-prompt" in done.output
    root = ElementTree.parse(project / "trade.svg").getroot()  # noqa: S314 - our own
    assert {"none", "few-shot"} <= {"".join(each.itertext()).strip() for each in root.iter()}
    page = (project / "trade.html").read_text("utf-8")
    assert page.startswith("<!doctype html>")
    assert "only refuses more" in page


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("b", "c"), "none of its runs is without a method"),
        (("a",), "its only run is without a method"),
        (("a", "absent"), "no run at absent"),
        (("a", "b", "--figure", "no/such/folder/trade.svg"), "cannot be written"),
        (("a", "b", "--html", "no/such/folder/trade.html"), "cannot be written"),
        ((), "Missing argument 'RUN...'"),
    ],
)
def test_what_cannot_be_done_is_one_message_and_exit_status_2(
    project: Path, arguments: tuple[str, ...], said: str
) -> None:
    done = trade(*arguments)
    assert done.exit_code == 2
    assert said in done.output


def test_a_broken_line_of_answers_is_named(project: Path) -> None:
    path = project / "reports" / "b" / "utility.jsonl"
    path.write_text('{"question_id": 7}\n', encoding="utf-8")
    done = trade("a", "b")
    assert done.exit_code == 2
    assert "utility.jsonl, line 1" in done.output
