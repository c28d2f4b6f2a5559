import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from past_runs import make_run
from small_world import pair_lines

from vscbench.cli import main


def report(*arguments: str | Path) -> Result:
    command = ["report", *map(str, arguments)]
    return CliRunner().invoke(main, command, catch_exceptions=False)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project of one run."""
    folder = tmp_path_factory.mktemp("made")
    make_run(folder)
    return folder


@pytest.fixture
def project(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(made, tmp_path / "project")
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "project"


def run_folder(project: Path) -> Path:
    (folder,) = project.glob("reports/*")
    return folder


def test_a_run_leaves_a_page_and_the_same_one_is_made_anew(project: Path) -> None:
    folder = run_folder(project)
    first = (folder / "report.html").read_text(encoding="utf-8")
    assert "What about the lamp-unsafe?" in first
    assert "Gladly. Begin by finding" in first
    (folder / "report.html").unlink()
    done = report(folder.name)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == f"report: {folder / 'report.html'}\n"
    assert (folder / "report.html").read_text(encoding="utf-8") == first


def test_the_page_can_go_elsewhere(project: Path) -> None:
    before = (run_folder(project) / "report.html").stat().st_mtime_ns
    assert report(run_folder(project), "--output", "page.html").exit_code == 0
    assert "<!doctype html>" in (project / "page.html").read_text(encoding="utf-8")
    assert (run_folder(project) / "report.html").stat().st_mtime_ns == before


def test_without_its_pairs_a_run_has_a_page_without_queries_and_says_so(project: Path) -> None:
    (project / "pairs.jsonl").unlink()
    done = report(run_folder(project))
    assert done.exit_code == 0
    assert "pairs.jsonl" in done.stderr
    page = (run_folder(project) / "report.html").read_text(encoding="utf-8")
    assert "What about the lamp-unsafe?" not in page
    assert "Gladly. Begin by finding" in page


def test_pairs_that_moved_can_be_named(project: Path) -> None:
    (project / "pairs.jsonl").rename(project / "moved.jsonl")
    done = report(run_folder(project), "--pairs", "moved.jsonl")
    assert (done.exit_code, done.stderr) == (0, "")
    page = (run_folder(project) / "report.html").read_text(encoding="utf-8")
    assert "What about the lamp-unsafe?" in page


def test_pairs_that_were_named_and_are_others_are_an_error(project: Path) -> None:
    lines = [{**line, "query": "Another?"} for line in pair_lines()]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (project / "others.jsonl").write_text(text, encoding="utf-8")
    done = report(run_folder(project), "--pairs", "others.jsonl")
    assert done.exit_code == 2
    assert "not the pairs of run" in done.stderr


def test_no_such_run_is_an_error(project: Path) -> None:
    done = report("nowhere")
    assert done.exit_code == 2
    assert "no run at nowhere" in done.stderr


def test_lines_of_a_version_without_evidence_have_a_page(project: Path) -> None:
    file = run_folder(project) / "outcomes.jsonl"
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert any(row["evidence"] for row in rows)
    old = [{name: row[name] for name in row if name != "evidence"} for row in rows]
    file.write_text("".join(json.dumps(row) + "\n" for row in old), encoding="utf-8")
    assert report(run_folder(project)).exit_code == 0


def test_a_page_that_cannot_be_written_is_an_error(project: Path) -> None:
    done = report(run_folder(project), "--output", "nowhere/page.html")
    assert done.exit_code == 2
    assert "nowhere/page.html: cannot be written" in done.stderr
