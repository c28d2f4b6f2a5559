import csv
from pathlib import Path

import pytest
from click.testing import CliRunner
from past_runs import make_run
from small_world import RESPONSES

from vscbench.cli import main

FORMULA = '=HYPERLINK("http://example.org","x")'


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_a_run_is_exported_beside_its_files_with_queries_and_no_formulas(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = make_run(tmp_path, responses={**RESPONSES, "tea-safe": FORMULA})
    done = CliRunner().invoke(main, ["export", str(folder)])
    assert done.exit_code == 0, done.output
    assert done.output == f"cases: {folder / 'outcomes.csv'}\n"
    rows = rows_of(folder / "outcomes.csv")
    assert [row["pair_id"] for row in rows] == sorted(RESPONSES)
    by_id = {row["pair_id"]: row for row in rows}
    assert by_id["tea-safe"]["response"] == f"'{FORMULA}"
    assert by_id["door-safe"]["query"] == "What about the door-safe?"


def test_the_file_can_be_named(tmp_path: Path) -> None:
    folder = make_run(tmp_path)
    output = tmp_path / "table.csv"
    done = CliRunner().invoke(main, ["export", str(folder), "--output", str(output)])
    assert done.exit_code == 0
    assert len(rows_of(output)) == len(RESPONSES)
    assert not (folder / "outcomes.csv").exists()


def test_where_the_pairs_are_gone_a_note_says_that_there_are_no_queries(tmp_path: Path) -> None:
    folder = make_run(tmp_path)
    (tmp_path / "pairs.jsonl").unlink()
    done = CliRunner().invoke(main, ["export", str(folder)])
    assert done.exit_code == 0
    assert "note: queries are not shown" in done.output
    assert {row["query"] for row in rows_of(folder / "outcomes.csv")} == {""}


def test_an_unknown_run_is_one_message(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["export", str(tmp_path / "nothing")])
    assert done.exit_code == 2
    assert "Traceback" not in done.output
    assert "nothing" in done.output
