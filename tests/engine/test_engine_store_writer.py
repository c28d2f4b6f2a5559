import asyncio
import threading
from collections.abc import Coroutine, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import pytest
from stored import key_of, stored_response, stored_verdict

from vscbench.engine.sqlite_store import open_store
from vscbench.engine.store import StoredRecord, StoredResponse, StoredVerdict
from vscbench.engine.store_writer import StoreWriter
from vscbench.errors import StoreError

Result = TypeVar("Result")


class Gated:
    """A store that commits when its gate opens, and keeps every batch; ``fault`` makes it fail."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.gate = threading.Event()
        self.asked = threading.Event()
        self.batches: list[list[StoredRecord]] = []
        self.fault = fault

    def add(self, records: Sequence[StoredRecord]) -> None:
        self.asked.set()
        assert self.gate.wait(timeout=30)
        self.batches.append(list(records))
        if self.fault is not None:
            raise self.fault

    def responses(self, keys: Sequence[str]) -> dict[str, StoredResponse]:
        return {}

    def verdicts(self, keys: Sequence[str]) -> dict[str, StoredVerdict]:
        return {}

    def opening(self, key: str) -> Mapping[str, object] | None:
        return None

    def remember_opening(self, key: str, facts: Mapping[str, object]) -> None: ...

    def image_digest(self, path: Path) -> str:
        return ""

    def image_facts(self, path: Path) -> None:
        return None

    def remember_whole(self, path: Path) -> None: ...

    def close(self) -> None: ...


def run(work: Coroutine[object, object, Result]) -> Result:
    return asyncio.run(asyncio.wait_for(work, timeout=60))


async def begun(store: Gated) -> None:
    """Let the loop go on until a commit has begun."""
    await asyncio.to_thread(store.asked.wait, 30)


def test_a_record_is_durable_when_save_returns(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store.sqlite")
    writer = StoreWriter(store)

    async def save_all() -> None:
        for number in range(5):
            await writer.save(stored_response(f"pair-{number}"))
            elsewhere = open_store(tmp_path / "store.sqlite", writable=False)
            assert key_of(f"pair-{number}") in elsewhere.responses([key_of(f"pair-{number}")])
            elsewhere.close()
        await asyncio.gather(
            *(writer.save(stored_response(f"more-{number}")) for number in range(100)),
            writer.save(stored_verdict("more-1")),
        )

    run(save_all())
    writer.close()
    assert len(store.responses([key_of(f"more-{number}") for number in range(100)])) == 100
    assert store.verdicts([stored_verdict("more-1").key])
    store.close()


def test_what_comes_during_one_commit_goes_into_the_next() -> None:
    store = Gated()
    writer = StoreWriter(store)

    async def save_all() -> None:
        first = asyncio.create_task(writer.save(stored_response("first")))
        await begun(store)
        others = [asyncio.create_task(writer.save(stored_response(f"{n}"))) for n in range(20)]
        await asyncio.sleep(0)
        assert not first.done()
        store.gate.set()
        await asyncio.gather(first, *others)

    run(save_all())
    writer.close()
    assert [len(batch) for batch in store.batches] == [1, 20]


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (StoreError("x.sqlite: the disk is full"), r"^x\.sqlite: the disk is full$"),
        (TypeError("no such type"), r"could not take a record \(TypeError: no such type\)"),
    ],
)
def test_a_commit_that_fails_fails_every_waiter_and_whoever_comes_later(
    fault: Exception, message: str
) -> None:
    store = Gated(fault)
    writer = StoreWriter(store)

    async def save_all() -> list[BaseException | None]:
        first = asyncio.create_task(writer.save(stored_response("first")))
        await begun(store)
        queued = [asyncio.create_task(writer.save(stored_response(f"{n}"))) for n in range(3)]
        await asyncio.sleep(0)
        store.gate.set()
        failed = await asyncio.gather(first, *queued, return_exceptions=True)
        late = await asyncio.gather(writer.save(stored_response("late")), return_exceptions=True)
        return [*failed, *late]

    failures = run(save_all())
    writer.close()
    assert len(failures) == 5
    for failure in failures:
        assert isinstance(failure, StoreError)
        with pytest.raises(StoreError, match=message):
            raise failure
    # The disk may have room again later; a run that was told that it has none stays told.
    assert len(store.batches) == 1


def test_closing_commits_what_is_queued() -> None:
    store = Gated()
    writer = StoreWriter(store)

    async def save_and_close() -> None:
        tasks = [asyncio.create_task(writer.save(stored_response(f"{n}"))) for n in range(9)]
        await asyncio.sleep(0)
        store.gate.set()
        await asyncio.to_thread(writer.close)
        assert sum(map(len, store.batches)) == 9
        await asyncio.gather(*tasks)
        with pytest.raises(StoreError, match="closed"):
            await writer.save(stored_response("late"))

    run(save_and_close())
    writer.close()


def test_a_waiter_that_is_cancelled_takes_nothing_back_and_harms_nobody() -> None:
    store = Gated()
    writer = StoreWriter(store)

    async def cancel_one() -> None:
        tasks = [asyncio.create_task(writer.save(stored_response(f"{n}"))) for n in range(3)]
        await begun(store)
        tasks[1].cancel()
        await asyncio.sleep(0)
        store.gate.set()
        await asyncio.gather(tasks[0], tasks[2])
        assert tasks[1].cancelled()

    run(cancel_one())
    writer.close()
    assert sorted(
        r.pair_id for batch in store.batches for r in batch if isinstance(r, StoredResponse)
    ) == ["0", "1", "2"]


def test_a_loop_that_ended_meanwhile_loses_no_record() -> None:
    store = Gated()
    writer = StoreWriter(store)

    async def leave() -> None:
        task = asyncio.create_task(writer.save(stored_response("left behind")))
        await begun(store)
        task.cancel()

    run(leave())
    store.gate.set()
    writer.close()
    assert [len(batch) for batch in store.batches] == [1]


def test_two_loops_may_save_at_once(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store.sqlite")
    writer = StoreWriter(store)

    async def save_all(name: str) -> None:
        await asyncio.gather(*(writer.save(stored_response(f"{name}-{n}")) for n in range(50)))

    threads = [threading.Thread(target=lambda name=name: run(save_all(name))) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    writer.close()
    keys = [key_of(f"{name}-{number}") for name in "ab" for number in range(50)]
    assert len(store.responses(keys)) == 100
    store.close()


def test_what_nobody_waits_for_is_written_with_the_next_record(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store.sqlite")
    writer = StoreWriter(store)
    verdict = stored_verdict("response")
    writer.save_along(verdict)
    run(writer.save(stored_response("response")))
    assert store.verdicts([verdict.key]) == {verdict.key: verdict}
    writer.close()
    store.close()


def test_what_nobody_waits_for_is_written_at_the_end(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store.sqlite")
    writer = StoreWriter(store)
    verdict = stored_verdict("response")
    writer.save_along(verdict)
    writer.close()
    assert store.verdicts([verdict.key]) == {verdict.key: verdict}
    store.close()
