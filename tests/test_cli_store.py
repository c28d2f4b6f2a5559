import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import strategies as st
from stored import (
    BLOCKED,
    SAID,
    files_of,
    key_of,
    stored_response,
    stored_verdict,
    write_store,
    write_two_models,
)

from vscbench.cli import main
from vscbench.engine.sqlite_store import open_store
from vscbench.engine.store import StoredResponse
from vscbench.records import Finish, Response

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()))


def run(*args: str | Path) -> Result:
    return CliRunner().invoke(main, ["store", *map(str, args)], catch_exceptions=False)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_two_models(tmp_path / "store.sqlite")


def test_info_counts_by_model_and_by_judge(path: Path) -> None:
    result = run("info", path)
    assert result.exit_code == 0
    assert f"store: {path}\n" in result.stdout
    assert "schema 1, journal wal\n" in result.stdout
    assert (
        "\ngpt-4o\n"
        "  responses    5, of which blocked 1, cut by length 1, empty 1, truncated 1\n"
        "  superseded   1, replaced by newer answers to the same requests\n"
        "  served by    (not named) 1, gpt-4o-08 4\n"
        "  stored       2023-11-13 22:13 to 2023-11-14 22:13 UTC\n"
        "  tokens       5,000 in, 100 out\n"
        "  cost         $0.0400, known for 4 of 6\n"
    ) in result.stdout
    assert "\nclaude\n  responses    1\n  served by    gpt-4o-08 1\n" in result.stdout
    assert (
        "\nverdicts\n  keywords: 2 (answered 1, refused 1)\n  rubric: 1 (refused 1)\n"
        in result.stdout
    )


def test_info_shows_names_and_lets_none_take_over_the_terminal(tmp_path: Path) -> None:
    response = replace(SAID, served_model="v\x1b[2J")
    record = stored_response("a", response, model="evil\x1b]0;owned\x07\nverdicts")
    stdout = run("info", write_store(tmp_path / "store.sqlite", [record])).stdout
    assert "\nevil\\x1b]0;owned\\x07\\nverdicts\n" in stdout
    assert "served by    v\\x1b[2J 1\n" in stdout
    assert "\x1b" not in stdout


@pytest.mark.parametrize("command", [["info"], ["export", "--model=gpt-4o"]])
def test_looking_changes_and_leaves_nothing(path: Path, command: list[str]) -> None:
    before = files_of(path.parent)
    assert run(command[0], path, *command[1:]).exit_code == 0
    assert files_of(path.parent) == before


@pytest.mark.parametrize(
    "command", [["info"], ["export"], ["prune", "--superseded"], ["prune", "--older-than", "1"]]
)
def test_a_wrong_path_is_one_line_and_makes_nothing(tmp_path: Path, command: list[str]) -> None:
    for options in ([], ["--dry-run"] if command[0] == "prune" else []):
        result = run(command[0], tmp_path / "absent" / "store.sqlite", *command[1:], *options)
        assert result.exit_code == 2
        assert result.stdout == ""
        assert result.stderr.count("\n") == 1
        assert "store.sqlite: no store there" in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("root_file", ["pyproject.toml", "pytest.ini"])
def test_without_a_path_it_is_the_store_that_pytest_would_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root_file: str
) -> None:
    (tmp_path / root_file).touch()
    below = tmp_path / "tests" / "deep"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert str(tmp_path / ".vscbench" / "store.sqlite") in run("info").stderr
    write_store(tmp_path / ".vscbench" / "store.sqlite", [stored_response("a")])
    assert "responses    1\n" in run("info").stdout


def test_the_place_that_the_project_chose_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[tool.vscbench]\nstore = "kept/answers.sqlite"\n', encoding="utf-8"
    )
    write_store(tmp_path / "kept" / "answers.sqlite", [stored_response("a")])
    monkeypatch.chdir(tmp_path)
    assert "responses    1\n" in run("info").stdout


def test_an_empty_store_is_said_to_be_empty(tmp_path: Path) -> None:
    path = write_store(tmp_path / "store.sqlite", [])
    assert "no verdicts" in run("info", path).stdout
    assert "the store holds no response" in run("export", path).stderr


def test_prune_needs_to_be_told_what(path: Path) -> None:
    before = files_of(path.parent)
    result = run("prune", path)
    assert result.exit_code == 2
    assert "--older-than DAYS, --model NAME, --superseded or --unfinished" in result.stderr
    assert run("prune", path, "--model", "gpt-5").exit_code == 2
    assert files_of(path.parent) == before


@pytest.mark.parametrize(
    ("options", "responses", "verdicts", "left"),
    [
        (["--superseded"], 1, 0, "abcdef"),
        (["--model", "claude"], 1, 1, "abcde"),
        (["--model", "gpt-4o"], 6, 2, "f"),
        (["--model", "gpt-4o", "--superseded"], 1, 0, "abcdef"),
        (["--model", "claude", "--superseded"], 0, 0, "abcdef"),
        (["--older-than", "1"], 7, 3, ""),
        (["--older-than", "100000"], 0, 0, "abcdef"),
    ],
)
def test_prune_takes_what_fits_every_filter_and_says_how_many(
    path: Path, options: list[str], responses: int, verdicts: int, left: str
) -> None:
    before = files_of(path.parent)
    said = f"{responses} responses and {verdicts} verdicts"
    assert f"{said} would go from {path}" in run("prune", path, *options, "--dry-run").stdout
    assert files_of(path.parent) == before
    assert f"{said} deleted from {path}" in run("prune", path, *options).stdout
    store = open_store(path, writable=False)
    found = store.responses([key_of(name) for name in "abcdef"])
    judged = store.verdicts(
        [stored_verdict("a").key, stored_verdict("b").key, stored_verdict("f", judge="rubric").key]
    )
    store.close()
    assert "".join(sorted(row.pair_id for row in found.values())) == left
    assert len(judged) == 3 - verdicts
    if "a" in left:
        assert found[key_of("a")].response.text == "Sure."


def test_prune_by_age_counts_from_now(tmp_path: Path) -> None:
    ages = {"young": 1.0, "old": 40.0}
    records: list[StoredResponse] = [
        stored_response(name, created=time.time() - days * 86_400) for name, days in ages.items()
    ]
    path = write_store(tmp_path / "store.sqlite", records)
    assert "1 responses and 0 verdicts deleted" in run("prune", path, "--older-than", "30").stdout
    assert _left(path, "young", "old") == ["young"]


def _left(path: Path, *names: str) -> list[str]:
    store = open_store(path, writable=False)
    found = store.responses([key_of(name) for name in names])
    store.close()
    return [row.pair_id for row in found.values()]


def test_a_verdict_stays_while_an_answer_it_is_on_does(tmp_path: Path) -> None:
    path = write_store(
        tmp_path / "store.sqlite",
        [stored_response("a"), stored_response("a", created=time.time()), stored_verdict("a")],
    )
    assert "1 responses and 0 verdicts" in run("prune", path, "--older-than", "1").stdout


def test_prune_gives_the_room_back(tmp_path: Path) -> None:
    records = [stored_response(f"{n}", "x" * 20_000, model=f"m{n % 2}") for n in range(40)]
    path = write_store(tmp_path / "store.sqlite", records)
    before = path.stat().st_size
    assert run("prune", path, "--model", "m1").exit_code == 0
    assert path.stat().st_size < 0.6 * before
    assert list(files_of(tmp_path)) == ["store.sqlite"]


# How answers that were broken off stand in a store: as this version keeps an ending, and as
# earlier ones did.
BROKEN_OFF = {
    "kept": replace(SAID, text="Sure. Fir", ending="abort"),
    "empty": Response("", reason="pause_turn"),
    "detailed": Response(" ", reason="FINISH_REASON_UNSPECIFIED: no more is known"),
}
FINISHED = {
    "ended": replace(SAID, ending="end_turn"),
    "cut": replace(SAID, finish=Finish.LENGTH, ending="MAX_TOKENS"),
    "blocked": replace(BLOCKED, ending="blockReason SAFETY"),
    "before": SAID,
    "silent": Response(""),
    "tools": Response("", reason="tool_calls"),
    "told": Response("", reason="Malformed call: print("),
    "noted": Response("", reason="violence"),
}


def test_prune_finds_what_was_broken_off_by_what_was_kept_of_it(tmp_path: Path) -> None:
    said = {**BROKEN_OFF, **FINISHED}
    records = [stored_response(name, response) for name, response in said.items()]
    records.append(stored_response("app", BROKEN_OFF["empty"], model="python:app:ask"))
    path = write_store(tmp_path / "store.sqlite", records)
    for option in (["--dry-run"], []):
        assert "3 responses and 0 verdicts" in run("prune", path, "--unfinished", *option).stdout
    assert sorted(_left(path, *said, "app")) == sorted([*FINISHED, "app"])


@pytest.mark.parametrize(
    ("options", "gone"),
    [
        (["--model", "gpt-4o"], 1),
        (["--older-than", "1"], 1),
        (["--model", "claude", "--older-than", "1"], 0),
    ],
)
def test_unfinished_is_a_filter_like_the_others(
    tmp_path: Path, options: list[str], gone: int
) -> None:
    records = [
        stored_response("a", BROKEN_OFF["kept"]),
        stored_response("b", BROKEN_OFF["kept"], model="claude", created=time.time()),
        stored_response("c", SAID),
    ]
    path = write_store(tmp_path / "store.sqlite", records)
    result = run("prune", path, "--unfinished", *options)
    assert f"{gone} responses and 0 verdicts deleted" in result.stdout


def test_a_row_that_cannot_be_read_is_not_taken_for_unfinished(tmp_path: Path) -> None:
    path = write_store(tmp_path / "store.sqlite", [stored_response("a", BROKEN_OFF["kept"])])
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE responses SET body = '{'")
        connection.commit()
    assert "0 responses and 0 verdicts" in run("prune", path, "--unfinished").stdout
