import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO

import pytest
from stored import key_of, stored_response

from vscbench.engine.sqlite_store import open_store
from vscbench.engine.store_upkeep import open_contents

TESTS = Path(__file__).resolve().parents[1]
# Waits for a line, opens the store, and names each answer once add has returned for it.
ADD = """
import sys
from pathlib import Path
from stored import stored_response
from vscbench.engine.sqlite_store import open_store

path, name, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
print("ready", flush=True)
sys.stdin.readline()
store = open_store(path)
for batch in range(count):
    names = [f"{name}-{batch}-{number}" for number in range(4)]
    store.add([stored_response(each, "x" * 1000) for each in names])
    print(" ".join(names), flush=True)
store.close()
"""


def start(path: Path, name: str, count: int) -> "subprocess.Popen[str]":
    """Start a process that is ready to add ``count`` batches of answers."""
    process = subprocess.Popen(
        [sys.executable, "-c", ADD, str(path), name, str(count)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": f"{TESTS.parent}{os.pathsep}{TESTS}"},
    )
    assert stream(process.stdout).readline() == "ready\n"
    return process


def stream(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe


def go(process: "subprocess.Popen[str]") -> None:
    stream(process.stdin).write("\n")
    stream(process.stdin).flush()


def names_in(path: Path) -> list[str]:
    with open_contents(path) as contents:
        return [row.pair_id for row, _ in contents.responses()]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_a_kill_in_mid_write_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    acknowledged: list[str] = []
    for kill, lines in enumerate((1, 2, 7, 23, 60, 140)):
        process = start(path, f"run{kill}", 100_000)
        go(process)
        acknowledged += (stream(process.stdout).readline() for _ in range(lines))
        process.send_signal(signal.SIGKILL)
        acknowledged += stream(process.stdout).read().splitlines()
        process.communicate(timeout=60)
    names = [name for line in acknowledged for name in line.split()]
    # A last line may have been cut by the kill.
    whole = [name for name in names if name.count("-") == 2 and name[-1].isdigit()]
    stored = names_in(path)
    assert set(whole) <= set(stored)
    assert len(stored) == len(set(stored))
    # Each batch is whole, or is not there at all.
    assert len(stored) % 4 == 0
    store = open_store(path)
    store.add([stored_response("after")])
    assert len(store.responses([key_of(name) for name in [*whole, "after"]])) == len(whole) + 1
    store.close()


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_what_a_killed_run_left_is_read_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    process = start(path, "run", 100_000)
    go(process)
    names = stream(process.stdout).readline().split()
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    journal = path.with_name("store.sqlite-wal")
    before = path.read_bytes(), journal.read_bytes()
    assert before[1]
    store = open_store(path, writable=False)
    assert len(store.responses([key_of(name) for name in names])) == 4
    store.close()
    assert (path.read_bytes(), journal.read_bytes()) == before


def test_many_processes_make_and_fill_one_store_at_once(tmp_path: Path) -> None:
    path = tmp_path / "new" / ".vscbench" / "store.sqlite"
    processes = [start(path, f"process{number}", 10) for number in range(5)]
    for process in processes:
        go(process)
    said = [process.communicate(timeout=120)[0].split() for process in processes]
    assert [process.returncode for process in processes] == [0] * 5
    assert sorted(names_in(path)) == sorted(name for names in said for name in names)
    assert len(names_in(path)) == 200


def test_a_store_can_be_looked_through_while_it_is_filled(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    process = start(path, "run", 100_000)
    go(process)
    drained: list[str] = []
    reading = threading.Thread(target=lambda: drained.extend(stream(process.stdout)))
    first = stream(process.stdout).readline().split()
    reading.start()
    for _ in range(5):
        stored = names_in(path)
        assert stored[:4] == first
        assert len(stored) % 4 == 0
    process.kill()
    process.wait(timeout=60)
    reading.join(timeout=60)
