"""The store as one SQLite file, which many threads and processes may use at once."""

import contextlib
import json
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from vscbench.engine.image_digests import ImageDigests, KnownFile
from vscbench.engine.store import StoredRecord, StoredResponse, StoredVerdict
from vscbench.engine.store_file import (
    BUSY_TIMEOUT_S,
    connect_to_read,
    connect_to_write,
    explained,
    transaction,
)
from vscbench.engine.store_rows import (
    dump_record,
    place_of,
    read_response,
    read_row,
    read_verdict,
    storable,
)
from vscbench.errors import StoreError
from vscbench.models.images import ImageFacts

# Old SQLites take 999 parameters in one statement.
KEYS_AT_ONCE: Final = 500
ROWS_AT_ONCE: Final = 150
Record = TypeVar("Record", StoredResponse, StoredVerdict)
Cell = str | bytes | float


def open_store(
    path: Path, *, writable: bool = True, busy_timeout_s: float = BUSY_TIMEOUT_S
) -> "SqliteStore":
    """Open the store in a file; one that is to be written is made where it is missing.

    Args:
        path: the file.
        writable: whether ``add`` will be called; otherwise nothing is made or changed.
        busy_timeout_s: how long to wait for another process that writes, in seconds.

    Raises:
        StoreError: it cannot be made, opened or understood; what was there stays.
    """
    writer = connect_to_write(path, busy_timeout_s) if writable else None
    try:
        reader = connect_to_read(path, busy_timeout_s)
    except BaseException:
        if writer is not None:
            writer.close()
        raise
    return SqliteStore(path, reader, writer)


class SqliteStore:
    """A store in a file: one connection reads while another commits.

    Every statement gives the interpreter to other threads and may get it back late; so a batch is
    written by one statement a table, and many rows are read as one.
    """

    def __init__(
        self, path: Path, reader: sqlite3.Connection, writer: sqlite3.Connection | None
    ) -> None:
        """Take over open connections; ``open_store`` makes them."""
        self.path = path
        self._reader = reader
        self._writer = writer
        self._reading = threading.Lock()
        self._writing = threading.Lock()
        self._images = ImageDigests(self._known_images)

    @property
    def journal(self) -> str:
        """SQLite's journal mode: ``wal``, or ``delete`` where the folder does not support it."""
        return str(self._read("PRAGMA journal_mode")[0][0].decode())

    def responses(self, keys: Sequence[str]) -> dict[str, StoredResponse]:
        """Return the newest response of each key that has one."""
        return self._newest("responses", keys, read_response)

    def verdicts(self, keys: Sequence[str]) -> dict[str, StoredVerdict]:
        """Return the newest verdict of each key that has one."""
        return self._newest("verdicts", keys, read_verdict)

    def add(self, records: Sequence[StoredRecord]) -> None:
        """Store all records, or none, and return when they are durable."""
        responses: list[tuple[Cell, ...]] = []
        verdicts: list[tuple[Cell, ...]] = []
        for record in records:
            body = dump_record(record)
            if isinstance(record, StoredResponse):
                responses.append((record.key, storable(record.model), record.created, body))
            else:
                verdicts.append((record.key, record.response_key, record.created, body))
        images = _image_rows(self._images.take_new())
        if responses or verdicts or images:
            with self._transaction() as writer:
                _insert(writer, "INTO responses (key, model, created, body)", responses)
                _insert(writer, "INTO verdicts (key, response_key, created, body)", verdicts)
                _insert(writer, "OR REPLACE INTO images (path, body)", images)

    def opening(self, key: str) -> Mapping[str, object] | None:
        """Return what a model last said of itself when it was opened, or ``None``."""
        rows = self._read(
            "SELECT id, body FROM openings WHERE key = ? ORDER BY id DESC LIMIT 1", (key,)
        )
        if not rows:
            return None
        number, body = rows[0]
        return read_row(place_of(self.path, "openings", number, key), body, _mapping)

    def remember_opening(self, key: str, facts: Mapping[str, object]) -> None:
        """Store what a model said of itself when it was opened."""
        with self._transaction() as writer:
            _insert(writer, "INTO openings (key, body)", [(key, json.dumps(dict(facts)))])

    def image_digest(self, path: Path) -> str:
        """Return the SHA-256 of a file's bytes; an unchanged file is not read again.

        What is new is written with the next ``add``, or when the store is closed.

        Raises:
            DataError: the file cannot be read.
        """
        return self._images.digest(path)

    def image_facts(self, path: Path) -> ImageFacts | None:
        """Return what decides how an image is sent; a file with known bytes is not opened.

        Raises:
            DataError: the file cannot be read.
        """
        return self._images.facts(path)

    def remember_whole(self, path: Path) -> None:
        """Remember that every pixel of an image was decoded."""
        self._images.remember_whole(path)

    def close(self) -> None:
        """Release the file; twice is harmless."""
        if self._writer is not None:
            # Without these digests the next run reads those files again, and is as right.
            with contextlib.suppress(StoreError):
                self.add([])
        with self._reading, self._writing:
            self._reader.close()
            if self._writer is not None:
                self._writer.close()

    def _newest(
        self, table: str, keys: Sequence[str], read: Callable[[object], Record]
    ) -> dict[str, Record]:
        found: dict[str, Record] = {}
        for start in range(0, len(keys), KEYS_AT_ONCE):
            some = keys[start : start + KEYS_AT_ONCE]
            try:
                records = [read(said) for said in self._joined(table, some)]
            except (ValueError, RecursionError):
                records = self._one_by_one(table, some, read)
            found.update((record.key, record) for record in records)
        return found

    def _joined(self, table: str, keys: Sequence[str]) -> list[object]:
        rows = self._read(_newest_rows("'[' || group_concat(body) || ']'", table, keys), keys)
        said: list[object] = json.loads(rows[0][0] or b"[]")
        return said

    def _one_by_one(
        self, table: str, keys: Sequence[str], read: Callable[[object], Record]
    ) -> list[Record]:
        """Read the rows again, each alone, so that the one that cannot be read is named."""
        rows = self._read(_newest_rows("key, id, body", table, keys), keys)
        return [
            read_row(place_of(self.path, table, number, key), body, read)
            for key, number, body in rows
        ]

    def _known_images(self) -> dict[str, KnownFile]:
        said = self._read("SELECT '[' || group_concat(body) || ']' FROM images")[0][0]
        try:
            return {path: KnownFile.load(*file) for path, *file in json.loads(said or b"[]")}
        except (ValueError, TypeError, RecursionError):
            return {}  # as if no file had been seen before: they are read again

    def _read(self, query: str, values: Sequence[str] = ()) -> list[Any]:
        with self._reading, explained(self.path):
            return self._reader.execute(query, values).fetchall()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        if self._writer is None:
            raise StoreError(f"{self.path}: was opened to be read only")
        with self._writing, explained(self.path), transaction(self._writer):
            yield self._writer


def _newest_rows(columns: str, table: str, keys: Sequence[str]) -> str:
    """Select the newest row of each key; rows are numbered in the order of their commits."""
    marks = ",".join("?" * len(keys))
    newest = f"SELECT max(id) FROM {table} WHERE key IN ({marks}) GROUP BY key"  # noqa: S608
    return f"SELECT {columns} FROM {table} WHERE id IN ({newest})"  # noqa: S608 - names of ours


def _insert(connection: sqlite3.Connection, what: str, rows: Sequence[Sequence[Cell]]) -> None:
    for start in range(0, len(rows), ROWS_AT_ONCE):
        some = rows[start : start + ROWS_AT_ONCE]
        marks = ",".join("(" + ",".join("?" * len(row)) + ")" for row in some)
        statement = f"INSERT {what} VALUES {marks}"  # noqa: S608 - names of ours
        connection.execute(statement, [cell for row in some for cell in row])


def _image_rows(files: Mapping[str, KnownFile]) -> list[tuple[Cell, ...]]:
    return [
        (
            storable(path),
            storable(json.dumps([path, *file.dump()], ensure_ascii=False)),
        )
        for path, file in files.items()
    ]


def _mapping(said: object) -> Mapping[str, object]:
    if not isinstance(said, dict):
        raise ValueError("expected a JSON object")
    return said
