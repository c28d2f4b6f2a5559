import os
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stored import key_of, stored_response, stored_verdict

from vscbench.engine.sqlite_store import KEYS_AT_ONCE, ROWS_AT_ONCE, SqliteStore, open_store
from vscbench.engine.store import StoredResponse, StoredVerdict
from vscbench.engine.store_rows import IF_ANY, RESPONSE, STORED_RESPONSE, STORED_VERDICT, VERDICT
from vscbench.errors import StoreError
from vscbench.records import Finish, Kind, Response, Verdict

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()))
KEY = st.text("0123456789abcdef", min_size=64, max_size=64)
MAYBE_TEXT = st.none() | ANY_TEXT
MAYBE_COUNT = st.none() | st.integers()
MAYBE_NUMBER = st.none() | st.floats(allow_nan=False)
CREATED = st.floats(0, 2e11)
RESPONSES = st.builds(
    StoredResponse,
    key=KEY,
    pair_id=ANY_TEXT,
    epoch=st.integers(min_value=1),
    model=ANY_TEXT,
    response=st.builds(
        Response,
        text=ANY_TEXT,
        finish=st.sampled_from(Finish),
        reason=MAYBE_TEXT,
        served_model=MAYBE_TEXT,
        prompt_tokens=MAYBE_COUNT,
        completion_tokens=MAYBE_COUNT,
        cost_usd=MAYBE_NUMBER,
        image_change=MAYBE_TEXT,
        fingerprint=MAYBE_TEXT,
    ),
    latency_s=MAYBE_NUMBER,
    created=CREATED,
)
VERDICTS = st.builds(
    StoredVerdict,
    key=KEY,
    response_key=KEY | st.just(""),
    verdict=st.builds(
        Verdict,
        kind=st.sampled_from(Kind),
        judge=ANY_TEXT,
        probability=MAYBE_NUMBER,
        evidence=st.lists(ANY_TEXT, max_size=4).map(tuple),
    ),
    created=CREATED,
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteStore]:
    """One store for many examples: what is newest counts, so they do not meet."""
    store = open_store(tmp_path_factory.mktemp("shared") / "store.sqlite")
    yield store
    store.close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    store = open_store(tmp_path / "store.sqlite")
    yield store
    store.close()


@given(st.lists(RESPONSES, max_size=5, unique_by=lambda record: record.key))
def test_responses_come_back_exactly_whatever_they_hold(
    shared: SqliteStore, records: list[StoredResponse]
) -> None:
    shared.add(records)
    keys = [record.key for record in records]
    assert shared.responses(keys) == {record.key: record for record in records}


@given(st.lists(VERDICTS, max_size=5, unique_by=lambda record: record.key))
def test_verdicts_come_back_exactly_whatever_they_hold(
    shared: SqliteStore, records: list[StoredVerdict]
) -> None:
    shared.add(records)
    keys = [record.key for record in records]
    assert shared.verdicts(keys) == {record.key: record for record in records}


@given(st.dictionaries(ANY_TEXT, st.none() | st.integers() | ANY_TEXT | st.lists(ANY_TEXT)))
def test_what_a_model_said_of_itself_comes_back(
    shared: SqliteStore, facts: dict[str, object]
) -> None:
    shared.remember_opening("opening", facts)
    assert shared.opening("opening") == facts


def test_every_field_of_the_records_is_stored() -> None:
    # A field that a record gains and the store forgets would be lost on the second run.
    stored = (
        (Response, RESPONSE),
        (StoredResponse, STORED_RESPONSE),
        (Verdict, VERDICT),
        (StoredVerdict, STORED_VERDICT),
    )
    for record, names in stored:
        kept = [field.name for field in fields(record)]
        if record is Response:
            kept.remove("latency_s")  # the row around it has one, by whoever measured it
            # Written where there is such a thing, so that old rows stay as they are.
            kept = [name for name in kept if name not in IF_ANY]
        assert kept == list(names)


def test_an_answer_given_again_is_a_new_row_and_the_newest_is_read(
    store: SqliteStore, tmp_path: Path
) -> None:
    # The clock of the second was behind.
    store.add([stored_response("a", "first", created=2e9)])
    store.add([stored_response("a", "second", created=1e9), stored_response("a", "third")])
    assert store.responses([key_of("a")])[key_of("a")].response.text == "third"
    with sqlite3.connect(tmp_path / "store.sqlite") as connection:
        assert connection.execute("SELECT count(*) FROM responses").fetchone() == (3,)


def test_what_is_not_there_is_not_found(store: SqliteStore) -> None:
    store.add([stored_response("a")])
    assert store.responses([key_of("b")]) == {}
    assert store.responses([]) == {}
    assert store.verdicts([key_of("a")]) == {}
    assert store.opening("never") is None


def test_more_records_than_one_statement_takes_are_one_transaction(store: SqliteStore) -> None:
    count = 2 * max(KEYS_AT_ONCE, ROWS_AT_ONCE) + 1
    records = [stored_response(f"pair-{number}") for number in range(count)]
    store.add([*records, *(stored_verdict(record.pair_id) for record in records)])
    keys = [record.key for record in records]
    assert store.responses([*keys, *keys]) == {record.key: record for record in records}
    assert len(store.verdicts([stored_verdict(record.pair_id).key for record in records])) == count


def test_a_batch_that_fails_leaves_nothing_of_itself(store: SqliteStore, tmp_path: Path) -> None:
    store.add([stored_response("before")])
    with sqlite3.connect(tmp_path / "store.sqlite") as connection:
        connection.execute(
            "CREATE TRIGGER full BEFORE INSERT ON verdicts BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
    connection.close()
    with pytest.raises(StoreError, match=r"store\.sqlite: no"):
        store.add([stored_response("within"), stored_verdict("within")])
    store.add([stored_response("after")])
    found = store.responses([key_of(name) for name in ("before", "within", "after")])
    assert {record.pair_id for record in found.values()} == {"before", "after"}


def test_it_can_be_read_while_it_is_written_from_many_threads(store: SqliteStore) -> None:
    names = [[f"{thread}-{number}" for number in range(30)] for thread in range(4)]
    missing: list[str] = []

    def write_and_read(mine: list[str]) -> None:
        for name in mine:
            store.add([stored_response(name)])
            if key_of(name) not in store.responses([key_of(name)]):
                missing.append(name)

    threads = [threading.Thread(target=write_and_read, args=(mine,)) for mine in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert missing == []
    assert len(store.responses([key_of(name) for mine in names for name in mine])) == 120


def test_what_one_process_stored_another_finds(tmp_path: Path) -> None:
    first, second = (open_store(tmp_path / "store.sqlite") for _ in range(2))
    first.add([stored_response("a")])
    assert key_of("a") in second.responses([key_of("a")])
    first.close()
    second.add([stored_response("b")])
    second.close()
    with_both = open_store(tmp_path / "store.sqlite", writable=False)
    assert len(with_both.responses([key_of("a"), key_of("b")])) == 2
    with_both.close()


def test_a_store_opened_to_be_read_takes_nothing(tmp_path: Path) -> None:
    open_store(tmp_path / "store.sqlite").close()
    store = open_store(tmp_path / "store.sqlite", writable=False)
    with pytest.raises(StoreError, match="read only"):
        store.add([stored_response("a")])
    store.close()


def test_closing_twice_is_harmless_and_use_after_it_is_told(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store.sqlite")
    store.close()
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.add([stored_response("a")])
    with pytest.raises(StoreError, match="closed"):
        store.responses([key_of("a")])


@pytest.mark.parametrize(
    "body",
    [
        b"\xff\xfe",
        "not JSON",
        "[" * 100_000,
        "7",
        "{}",
        '{"key": 1}',
        "FINISH",
        "EPOCH",
        "CREATED",
    ],
)
def test_a_row_that_something_changed_is_an_error_that_names_it(
    tmp_path: Path, body: str | bytes
) -> None:
    path = tmp_path / "store.sqlite"
    store = open_store(path)
    store.add([stored_response("good"), stored_response("bad")])
    with sqlite3.connect(path) as connection:
        changes = {
            "FINISH": "replace(body, '\"stop\"', '\"halt\"')",
            "EPOCH": "replace(body, '\"epoch\":1', '\"epoch\":true')",
            "CREATED": "replace(body, '\"created\":1700000000.0', '\"created\":NaN')",
        }
        expression = changes.get(str(body), "?")
        connection.execute(
            f"UPDATE responses SET body = {expression} WHERE key = '{key_of('bad')}'",  # noqa: S608
            [body] if expression == "?" else [],
        )
    connection.close()
    assert store.responses([key_of("good")])
    with pytest.raises(
        StoreError, match=rf"store\.sqlite: row 2 of responses \(key {key_of('bad')}\) cannot be"
    ):
        store.responses([key_of("good"), key_of("bad")])
    store.close()


def test_a_name_that_is_no_utf8_can_be_a_models(store: SqliteStore) -> None:
    name = os.fsdecode(b"model-\xff")
    record = replace(stored_response("a"), model=name)
    store.add([record])
    assert store.responses([record.key]) == {record.key: record}
