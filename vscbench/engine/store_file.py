"""The store's file: made with care, opened with suspicion, its faults told in words."""

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from vscbench.errors import StoreError

SCHEMA: Final = 1
APPLICATION_ID: Final = int.from_bytes(b"vscb", "big")
BUSY_TIMEOUT_S: Final = 30.0
FOLDER: Final = ".vscbench"
FILE: Final = "store.sqlite"

# A row is never changed. ``body`` is the record as JSON and all that is read of it; the columns
# before it are copies by which a row is found.
_TABLES: Final = (
    """CREATE TABLE responses (id INTEGER PRIMARY KEY, key TEXT NOT NULL, model NOT NULL,
       created REAL NOT NULL, body NOT NULL)""",
    "CREATE INDEX responses_by_key ON responses (key)",
    """CREATE TABLE verdicts (id INTEGER PRIMARY KEY, key TEXT NOT NULL,
       response_key TEXT NOT NULL, created REAL NOT NULL, body NOT NULL)""",
    "CREATE INDEX verdicts_by_key ON verdicts (key)",
    "CREATE TABLE openings (id INTEGER PRIMARY KEY, key TEXT NOT NULL, body NOT NULL)",
    "CREATE INDEX openings_by_key ON openings (key)",
    # Only a memory of what a file's digest was: the newest is kept.
    "CREATE TABLE images (path PRIMARY KEY, body NOT NULL)",
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {SCHEMA}",
)
_NO_SHARED_MEMORY: Final = (
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY,
)
_DAMAGED: Final = "damaged, or no store at all; nothing in it was changed: move it away"
_RETRY_S: Final = 0.01


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn SQLite's faults into a ``StoreError`` that says what to do."""
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(f"{path}: {_explanation(error)}") from error
    except UnicodeDecodeError as error:
        # Of a damaged file, SQLite's own message may be unreadable.
        raise StoreError(f"{path}: {_DAMAGED} ({error})") from error


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Commit what is written inside, durably, or nothing of it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    finally:
        # SQLite has rolled back by itself where the fault left it no choice.
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def connect_to_write(path: Path, busy_timeout_s: float) -> sqlite3.Connection:
    """Open the store's file for writing, and make it and its folder where they are missing.

    Raises:
        StoreError: it cannot be made or opened, or is not a store that this version writes.
    """
    _make_file(path)
    with explained(path):
        connection = _connect(str(path), busy_timeout_s)
        try:
            if _is_new(connection, path):
                _choose_journal(path, busy_timeout_s)
                _create_tables(connection, path)
            connection.execute("PRAGMA synchronous = FULL")
            with transaction(connection):
                pass  # a file that cannot be written is an error now, before anything is paid for
        except BaseException:
            connection.close()
            raise
    return connection


def connect_to_read(path: Path, busy_timeout_s: float) -> sqlite3.Connection:
    """Open the store's file so that nothing can be written, and no file stays behind.

    Raises:
        StoreError: there is none, or it is not a store that this version reads.
    """
    if not path.is_file():
        raise StoreError(f"{path}: no store there; a run of pytest with --model=NAME makes one")
    with explained(path):
        address = f"{path.absolute().as_uri()}?{_reading_mode(path)}"
        connection = _connect(address, busy_timeout_s, uri=True)
        try:
            connection.execute("PRAGMA query_only = ON")
            if _is_new(connection, path):
                raise StoreError(f"{path}: an empty file, not a store yet")
        except BaseException:
            connection.close()
            raise
    return connection


def _reading_mode(path: Path) -> str:
    """Say how a file is opened to be read."""
    if path.with_name(f"{path.name}-wal").exists():
        # In use, or left by a run that was killed: read along with it, and leave it there.
        return "mode=ro"
    if os.access(path.parent, os.W_OK):
        # SQLite reads with files of its own beside it; only who might write takes them away.
        return "mode=rw"
    return "immutable=1"  # it cannot make those files, and nobody is writing


def _connect(address: str, busy_timeout_s: float, uri: bool = False) -> sqlite3.Connection:
    connection = sqlite3.connect(
        address, timeout=busy_timeout_s, isolation_level=None, check_same_thread=False, uri=uri
    )
    # Bytes, so that a text that is no UTF-8 is ours to judge, where its row is known.
    connection.text_factory = bytes
    return connection


def _make_file(path: Path) -> None:
    if path.is_dir():
        raise StoreError(f"{path}: a folder; name a file in it")
    try:
        _make_folder(path.parent)
        with contextlib.suppress(FileExistsError):
            # SQLite would make it readable for everybody.
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except OSError as error:
        raise StoreError(
            f"{path}: cannot be made ({error.strerror or error}); choose another place for the "
            "store with --vsc-store FILE"
        ) from error


def _make_folder(folder: Path) -> None:
    if folder.is_dir():
        return
    folder.mkdir(parents=True, exist_ok=True)
    if folder.name == FOLDER:
        (folder / ".gitignore").write_text("*\n", encoding="utf-8")


def _is_new(connection: sqlite3.Connection, path: Path) -> bool:
    """Whether the file holds nothing yet; what is not ours, or too new for us, is refused."""
    with _one_moment(connection):
        application, version, tables = (
            connection.execute(query).fetchone()[0]
            for query in (
                "PRAGMA application_id",
                "PRAGMA user_version",
                "SELECT count(*) FROM sqlite_master",
            )
        )
    if application == APPLICATION_ID:
        if version > SCHEMA:
            raise StoreError(
                f"{path}: written by a newer vscbench (schema {version}, this one reads up to "
                f"{SCHEMA}); upgrade vscbench"
            )
        return False
    if application or version or tables:
        raise StoreError(
            f"{path}: an SQLite database of something else; choose another place for the store "
            "with --vsc-store FILE"
        )
    return True


@contextlib.contextmanager
def _one_moment(connection: sqlite3.Connection) -> Iterator[None]:
    """Let all that is read inside be of one moment: another process may be making the store."""
    begins = not connection.in_transaction
    if begins:
        connection.execute("BEGIN")
    try:
        yield
    finally:
        if begins and connection.in_transaction:
            connection.execute("ROLLBACK")  # nothing was written


def _choose_journal(path: Path, busy_timeout_s: float) -> None:
    """Let a new file be written ahead (WAL), so that readers never wait, or else be rolled back."""
    deadline = time.monotonic() + busy_timeout_s
    while True:
        try:
            with contextlib.closing(_connect(str(path), busy_timeout_s)) as connection:
                connection.execute("PRAGMA journal_mode = WAL")
                with transaction(connection):
                    return
        except sqlite3.OperationalError as error:
            if _primary_code(error) in _NO_SHARED_MEMORY:
                return _roll_back_instead(path, busy_timeout_s)
            if _primary_code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        # Of several that make one store at once, SQLite lets some fail instead of wait.
        time.sleep(_RETRY_S)


def _roll_back_instead(path: Path, busy_timeout_s: float) -> None:
    """Turn write-ahead logging off where its shared memory cannot be had, as on some networks."""
    with contextlib.closing(_connect(str(path), busy_timeout_s)) as connection:
        # Whoever has the file alone shares no memory, and so can open it.
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = DELETE")


def _create_tables(connection: sqlite3.Connection, path: Path) -> None:
    with transaction(connection):
        if _is_new(connection, path):
            for statement in _TABLES:
                connection.execute(statement)


def _primary_code(error: sqlite3.Error) -> int | None:
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def _explanation(error: sqlite3.Error) -> str:
    match _primary_code(error):
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            advice = _DAMAGED
        case sqlite3.SQLITE_FULL:
            advice = (
                "no room left on the disk; make some and run the same command again, what was "
                "stored stays"
            )
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            advice = "another process keeps it locked; end that one and run the same command again"
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
            advice = (
                "cannot be opened as needed; give yourself the right to write to it and to its "
                "folder, or choose another place with --vsc-store FILE"
            )
        case sqlite3.SQLITE_IOERR:
            advice = (
                "the disk failed; mend that and run the same command again, what was stored stays"
            )
        case _:
            return str(error)
    name = getattr(error, "sqlite_errorname", "")
    return f"{advice} ({error}; {name})"
