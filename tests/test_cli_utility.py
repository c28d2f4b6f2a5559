import json
from pathlib import Path

from click.testing import CliRunner, Result

from vscbench.cli import main


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["utility", *words])


def write_rows(folder: Path, *rows: dict[str, object]) -> Path:
    source = folder / "rows.json"
    source.write_text(json.dumps(rows), encoding="utf-8")
    return source


def test_the_shipped_set_is_whole() -> None:
    done = run("check", "probe")
    assert done.exit_code == 0, done.output
    assert "counting" in done.output
    assert done.output.endswith("153 questions, 0 without a usable image\n")


def test_converted_questions_can_be_checked(tmp_path: Path) -> None:
    source = write_rows(
        tmp_path,
        {"id": "a", "question": "2 + 2?", "answer": 4, "category": "sums"},
        {"id": "b", "question": "2 + 2", "answer": 4, "category": "sums"},
        {"id": "c", "question": "no answer"},
    )
    done = run("convert", str(source), str(tmp_path / "out"))
    assert done.exit_code == 0, done.output
    assert "left out: rows.json, entry 3: has no answer" in done.output
    assert "2 questions, 1 rows left out" in done.output
    checked = run("check", str(tmp_path / "out"))
    assert checked.exit_code == 0
    assert "asked twice: a, b" in checked.output


def test_a_missing_image_fails_the_check(tmp_path: Path) -> None:
    line = {"id": "a", "question": "?", "answer": "x", "image": "images/gone.png"}
    (tmp_path / "questions.jsonl").write_text(json.dumps(line), encoding="utf-8")
    done = run("check", str(tmp_path))
    assert done.exit_code == 1
    assert "gone.png is missing (questions.jsonl, line 1)" in done.output


def test_columns_are_named_on_the_command_line(tmp_path: Path) -> None:
    source = write_rows(tmp_path, {"frage": "Was?", "antwort": "Das"})
    wrong = run("convert", str(source), str(tmp_path / "out"))
    assert wrong.exit_code == 2
    assert "Traceback" not in wrong.output
    done = run(
        "convert", str(source), str(tmp_path / "new"), "--columns", "question=frage,answer=antwort"
    )
    assert done.exit_code == 0, done.output


def test_a_hostile_row_does_not_reach_the_terminal(tmp_path: Path) -> None:
    source = write_rows(
        tmp_path,
        {"question": "fine", "answer": "x"},
        {"question": "?", "answer": "x", "image": "\x1b[31m\n::error::x"},
    )
    done = run("convert", str(source), str(tmp_path / "out"))
    assert done.exit_code == 0
    assert "\x1b" not in done.output
    assert not any(line.startswith("::") for line in done.output.splitlines())


def test_where_nothing_is_a_message_says_so(tmp_path: Path) -> None:
    done = run("check", str(tmp_path / "nothing"))
    assert done.exit_code == 2
    assert "no questions at" in done.output
