import contextlib
import hashlib
import os
import sqlite3
import stat
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stored import files_of, key_of, stored_response, stored_verdict, write_two_models

from vscbench.engine.sqlite_store import open_store
from vscbench.engine.store_file import SCHEMA
from vscbench.engine.store_upkeep import Filter, open_contents, plan_prune
from vscbench.errors import StoreError, UsageError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store with two answers, closed."""
    path = tmp_path / "store.sqlite"
    store = open_store(path)
    store.add([stored_response("a"), stored_response("b", "x" * 50_000)])
    store.close()
    return path


def test_what_cannot_be_opened_says_so_and_stays_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file", encoding="utf-8")
    (tmp_path / "folder").mkdir()
    before = files_of(tmp_path)
    for name, message in (
        ("file/store.sqlite", r"file/store\.sqlite: cannot be made \(.*choose another place"),
        ("file/deeper/store.sqlite", r"cannot be made .*--vsc-store"),
        ("folder", r"folder: a folder; name a file in it"),
    ):
        with pytest.raises(StoreError, match=message):
            open_store(tmp_path / name)
    assert files_of(tmp_path) == before


def test_a_new_store_is_its_owners_alone_and_not_for_git(tmp_path: Path) -> None:
    path = tmp_path / "project" / ".vscbench" / "store.sqlite"
    store = open_store(path)
    store.add([stored_response("a")])
    files = sorted(path.parent.iterdir())
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in files}
    store.close()
    assert (path.parent / ".gitignore").read_text(encoding="utf-8") == "*\n"
    assert set(files_of(tmp_path)) == {
        str(Path("project", ".vscbench", name)) for name in (".gitignore", "store.sqlite")
    }
    if os.name == "posix":
        assert {mode for name, mode in modes.items() if name != ".gitignore"} == {0o600}


def test_a_folder_of_ones_own_gets_no_gitignore(tmp_path: Path) -> None:
    open_store(tmp_path / "results" / "store.sqlite").close()
    assert [file.name for file in (tmp_path / "results").iterdir()] == ["store.sqlite"]


def test_a_newer_store_asks_for_a_newer_vscbench(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA + 6}")
    connection.close()
    before = files_of(path.parent)
    for writable in (True, False):
        with pytest.raises(
            StoreError, match=rf"newer vscbench \(schema {SCHEMA + 6}, .*upgrade vscbench"
        ):
            open_store(path, writable=writable)
    assert files_of(path.parent) == before


def test_somebody_elses_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "photos.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE photos (id)")
    connection.close()
    before = files_of(tmp_path)
    for writable in (True, False):
        with pytest.raises(StoreError, match=r"photos\.sqlite: an SQLite database of something"):
            open_store(path, writable=writable)
    assert files_of(tmp_path) == before


def test_a_file_of_random_bytes_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    path.write_bytes(hashlib.shake_128(b"noise").digest(20_000))
    before = files_of(tmp_path)
    for writable in (True, False):
        with pytest.raises(StoreError, match=r"store\.sqlite: damaged.*move it away"):
            open_store(path, writable=writable)
    assert files_of(tmp_path) == before


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_store_cut_short_is_left_alone(path: Path, share: float) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    before = files_of(path.parent)
    for writable in (True, False):
        with pytest.raises(StoreError, match=r"store\.sqlite: damaged.*move it away"):
            open_store(path, writable=writable)
    assert files_of(path.parent) == before


def test_damage_inside_is_told_when_it_is_met(path: Path) -> None:
    whole = bytearray(path.read_bytes())
    whole[4096:] = bytes(len(whole) - 4096)
    path.write_bytes(whole)
    store = open_store(path)
    with pytest.raises(StoreError, match=r"damaged.*move it away"):
        store.responses([key_of("a")])
    with pytest.raises(StoreError, match=r"damaged.*move it away"):
        store.add([stored_response("c")])
    store.close()


@settings(max_examples=40)
@given(st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=20))
def test_whatever_befell_the_file_is_an_error_for_a_person(
    changes: list[tuple[float, int]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = write_two_models(Path(folder) / "store.sqlite")
        content = bytearray(path.read_bytes())
        for place, value in changes:
            content[int(place * len(content))] = value
        path.write_bytes(content)
        for use in (ask_for_all, add_one, look_through, plan_to_prune):
            try:
                use(path)
            except (StoreError, UsageError):
                assert changes


def ask_for_all(path: Path) -> None:
    with contextlib.closing(open_store(path, writable=False)) as store:
        store.responses([key_of(name) for name in "abcdef"])
        store.verdicts([stored_verdict(name).key for name in "ab"])


def add_one(path: Path) -> None:
    with contextlib.closing(open_store(path)) as store:
        store.add([stored_response("g")])


def look_through(path: Path) -> None:
    with open_contents(path) as contents:
        list(contents.responses())
        list(contents.verdicts())


def plan_to_prune(path: Path) -> None:
    plan_prune(path, Filter(model="gpt-4o", superseded=True))


def test_no_store_and_an_empty_file_are_nothing_to_read(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"absent\.sqlite: no store there; .*--model=NAME"):
        open_store(tmp_path / "absent.sqlite", writable=False)
    (tmp_path / "empty.sqlite").touch()
    with pytest.raises(StoreError, match=r"empty\.sqlite: an empty file"):
        open_store(tmp_path / "empty.sqlite", writable=False)
    assert files_of(tmp_path) == {"empty.sqlite": b""}


def test_a_file_made_by_a_run_that_died_at_once_becomes_a_store(tmp_path: Path) -> None:
    (tmp_path / "store.sqlite").touch()
    store = open_store(tmp_path / "store.sqlite")
    store.add([stored_response("a")])
    assert store.responses([key_of("a")])
    store.close()


def test_a_store_that_another_process_keeps_locked_is_told(path: Path) -> None:
    store = open_store(path, busy_timeout_s=0.05)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match=r"store\.sqlite: another process keeps it locked; end"):
        store.add([stored_response("c")])
    with pytest.raises(StoreError, match="another process keeps it locked"):
        open_store(path, busy_timeout_s=0.05)
    assert len(store.responses([key_of("a"), key_of("b")])) == 2
    holder.execute("ROLLBACK")
    holder.close()
    store.add([stored_response("c")])
    assert store.responses([key_of("c")])
    store.close()


def test_where_write_ahead_logging_cannot_work_the_store_does_without(tmp_path: Path) -> None:
    # SQLite cannot have its shared memory where a folder stands in that file's place.
    (tmp_path / "store.sqlite-shm").mkdir()
    first, second = (open_store(tmp_path / "store.sqlite") for _ in range(2))
    assert first.journal == "delete"
    first.add([stored_response("a")])
    second.add([stored_response("b")])
    assert len(first.responses([key_of("a"), key_of("b")])) == 2
    first.close()
    second.close()


def test_where_it_can_work_it_is_used(path: Path) -> None:
    store = open_store(path)
    assert store.journal == "wal"
    store.close()


def test_reading_changes_and_leaves_nothing(path: Path) -> None:
    before = files_of(path.parent)
    store = open_store(path, writable=False)
    assert len(store.responses([key_of("a"), key_of("b")])) == 2
    store.close()
    assert files_of(path.parent) == before
