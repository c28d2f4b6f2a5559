"""What a person does with a store between runs: look through it, and make it smaller."""

import contextlib
import json
import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from vscbench.engine.store import StoredResponse, StoredVerdict
from vscbench.engine.store_export import unknown_model
from vscbench.engine.store_file import (
    BUSY_TIMEOUT_S,
    connect_to_read,
    connect_to_write,
    explained,
    transaction,
)
from vscbench.engine.store_rows import place_of, read_response, read_row, read_verdict, storable
from vscbench.errors import UsageError
from vscbench.models.open import PYTHON
from vscbench.models.provider_words import BREAKS, ending_word, is_final
from vscbench.records import Finish

DAY_S: Final = 86_400.0
# The provider's word as it stood in a reason, before what it said besides.
WORD: Final = re.compile(r"[A-Za-z][\w.-]*(?=$|: )")
Record = TypeVar("Record", StoredResponse, StoredVerdict)


class Contents:
    """All rows of a store at one moment, oldest first."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        """Read through an open connection; ``open_contents`` makes it."""
        self._path = path
        self._connection = connection

    def journal(self) -> str:
        """Return SQLite's journal mode."""
        with explained(self._path):
            return str(self._connection.execute("PRAGMA journal_mode").fetchone()[0].decode())

    def responses(self) -> Iterator[tuple[StoredResponse, bool]]:
        """Yield every response, and whether it is the newest of its key."""
        return self._rows("responses", read_response)

    def verdicts(self) -> Iterator[tuple[StoredVerdict, bool]]:
        """Yield every verdict, and whether it is the newest of its key."""
        return self._rows("verdicts", read_verdict)

    def _rows(self, table: str, read: Callable[[object], Record]) -> Iterator[tuple[Record, bool]]:
        newest = f"id IN (SELECT max(id) FROM {table} GROUP BY key)"  # noqa: S608 - a name of ours
        query = f"SELECT id, key, body, {newest} FROM {table} ORDER BY id"  # noqa: S608
        with explained(self._path):
            for number, key, body, is_newest in self._connection.execute(query):
                place = place_of(self._path, table, number, key)
                yield read_row(place, body, read), bool(is_newest)


@contextlib.contextmanager
def open_contents(path: Path) -> Iterator[Contents]:
    """Open a store to look through it; nothing is made or changed.

    Raises:
        StoreError: there is none, or it cannot be read.
    """
    connection = connect_to_read(path, BUSY_TIMEOUT_S)
    try:
        with explained(path):
            connection.execute("BEGIN")  # what another process adds meanwhile is not seen
        yield Contents(path, connection)
    finally:
        connection.close()


@dataclass(frozen=True, slots=True)
class Filter:
    """Names responses: those that fit everything given here.

    ``older_than_days`` counts back from now; ``superseded`` are those that are not the newest of
    their key, ``unfinished`` those of which ``is_unfinished`` is true.
    """

    older_than_days: float | None = None
    model: str | None = None
    superseded: bool = False
    unfinished: bool = False

    def condition(self, now: float) -> tuple[str, list[str | bytes | float]]:
        """Return it as SQL over ``responses`` with its values; ``now`` in seconds since 1970."""
        parts: list[str] = []
        values: list[str | bytes | float] = []
        if self.older_than_days is not None:
            parts.append("created < ?")
            values.append(now - self.older_than_days * DAY_S)
        if self.model is not None:
            parts.append("model = ?")
            values.append(storable(self.model))
        if self.superseded:
            parts.append("id NOT IN (SELECT max(id) FROM responses GROUP BY key)")
        if self.unfinished:
            parts.append("is_unfinished(body)")
        return " AND ".join(parts) or "true", values


def is_unfinished(stored: StoredResponse) -> bool:
    """Whether an answer was broken off, as far as the store holds how it ended.

    Before the ending was kept there is only the reason of an answer without text, which then is
    the ending where that was an odd one; of a ``python:`` model it is the application's own.
    """
    response = stored.response
    if response.finish is Finish.BLOCKED:
        return False
    if response.ending is not None:
        return not is_final(response.ending)
    if response.text.strip() or stored.model.startswith(PYTHON):
        return False
    word = WORD.match(response.reason or "")
    # A plain word may as well be what a filter noted beside an ordinary ending.
    is_ending = word is not None and ("_" in word[0] or ending_word(word[0]) in BREAKS)
    return is_ending and word is not None and not is_final(word[0])


def _is_unfinished_row(body: str | bytes) -> bool:
    try:
        return is_unfinished(read_response(json.loads(body)))
    except (ValueError, TypeError, RecursionError):
        return False  # a damaged row is for a person to look at


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many rows go: responses, and verdicts on responses of which none is left."""

    responses: int
    verdicts: int


def plan_prune(path: Path, which: Filter) -> Pruned:
    """Count what ``prune`` would delete; nothing is changed.

    Raises:
        StoreError: there is no store, or it cannot be read.
        UsageError: it holds nothing of the model that is named.
    """
    connection = connect_to_read(path, BUSY_TIMEOUT_S)
    with contextlib.closing(connection), explained(path):
        return _count(connection, which, time.time())


def prune(path: Path, which: Filter) -> Pruned:
    """Delete responses, with the verdicts that lose their last response, and shrink the file.

    Raises:
        StoreError: there is no store, or it cannot be written; then nothing is deleted.
        UsageError: it holds nothing of the model that is named.
    """
    connect_to_read(path, BUSY_TIMEOUT_S).close()  # to make one only to prune it would be absurd
    now = time.time()
    connection = connect_to_write(path, BUSY_TIMEOUT_S)
    with contextlib.closing(connection), explained(path):
        with transaction(connection):
            pruned = _count(connection, which, now)
            condition, values = which.condition(now)
            for statement in (
                "DELETE FROM verdicts WHERE id IN (SELECT id FROM bereft)",
                "DELETE FROM responses WHERE id IN (SELECT id FROM doomed)",
            ):
                connection.execute(_naming_rows(condition, statement), values)
        # Where there is no room to pack the file anew, later rows use what has become free.
        with contextlib.suppress(sqlite3.OperationalError):
            connection.execute("VACUUM")
    return pruned


def _count(connection: sqlite3.Connection, which: Filter, now: float) -> Pruned:
    _require_model(connection, which.model)
    connection.create_function("is_unfinished", 1, _is_unfinished_row, deterministic=True)
    condition, values = which.condition(now)
    counts = "SELECT (SELECT count(*) FROM doomed), (SELECT count(*) FROM bereft)"
    return Pruned(*connection.execute(_naming_rows(condition, counts), values).fetchone())


def _naming_rows(condition: str, statement: str) -> str:
    """Let a statement speak of ``doomed`` responses and of the verdicts they leave ``bereft``."""
    return f"""WITH
        doomed AS (SELECT id, key FROM responses WHERE {condition}),
        kept AS (SELECT key FROM responses WHERE id NOT IN (SELECT id FROM doomed)),
        bereft AS (SELECT id FROM verdicts WHERE response_key IN (SELECT key FROM doomed)
            AND response_key NOT IN (SELECT key FROM kept))
        {statement}"""  # noqa: S608 - a condition of ours


def _require_model(connection: sqlite3.Connection, model: str | None) -> None:
    names = connection.execute("SELECT DISTINCT CAST(model AS BLOB) FROM responses").fetchall()
    models = {name.decode("utf-8", "surrogatepass") for (name,) in names if name is not None}
    if model is not None and model not in models:
        raise UsageError(unknown_model(model, models))
