"""Start a run, kill it without a warning, and look at what is left (Linux: /proc)."""

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

STORE = Path(".vscbench") / "store.sqlite"
MARK = "VSCBENCH_KILLS_MARK"
LAST_BREATH_S = 5.0
Until = Callable[["subprocess.Popen[bytes]"], None]


class Aim(StrEnum):
    """What a kill hits: all that descends from a run, its process group, or its first process."""

    EVERYTHING = "everything"
    GROUP = "group"
    LEADER = "leader"


@dataclass(frozen=True, slots=True)
class Start:
    """One start of the run, and how it ended.

    ``began`` and ``ended`` are seconds of the clock that the provider's log uses; ``status`` is
    the exit status, negative for a signal. ``survivors`` are the command lines of processes that
    outlived the run for too long; ``integrity`` and ``stored`` are what SQLite says of the store,
    and how many responses are in it.
    """

    began: float
    ended: float
    status: int
    survivors: tuple[str, ...]
    integrity: str
    stored: int

    @property
    def killed(self) -> bool:
        """Whether the kill came before the run's own end."""
        return self.status == -signal.SIGKILL


def marked(mark: str) -> dict[int, str]:
    """Return the living processes that carry a mark in their environment, with what they run."""
    wanted, found = f"{MARK}={mark}".encode(), {}
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError):  # gone by now, or somebody else's
            if folder.name.isdigit() and wanted in (folder / "environ").read_bytes().split(b"\0"):
                line = (folder / "cmdline").read_bytes().replace(b"\0", b" ")
                found[int(folder.name)] = line.decode("utf-8", "replace")[:120]
    return found


def descendants(pid: int) -> set[int]:
    """Return every process below one, whatever group, session or environment it is in."""
    parent_of = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # After the name in brackets, which may hold anything: the state, then the parent.
            parent_of[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    found, added = {pid}, {pid}
    while added:
        added = {child for child, parent in parent_of.items() if parent in added} - found
        found |= added
    return found - {pid}


def survivors(mark: str, within_s: float = LAST_BREATH_S) -> tuple[str, ...]:
    """Wait until no process carries the mark; end those that stay, and say what they were."""
    ending = time.monotonic() + within_s
    while (left := marked(mark)) and time.monotonic() < ending:
        time.sleep(0.02)
    _kill(left)
    return tuple(left.values())


def kill_at_once(process: "subprocess.Popen[bytes]", mark: str, aim: Aim) -> None:
    """End a run, or a part of it, without a warning; what is hit dies at the same moment."""
    others = descendants(process.pid) | set(marked(mark)) if aim is Aim.EVERYTHING else set()
    if aim is not Aim.LEADER:
        os.killpg(process.pid, signal.SIGKILL)
    _kill(others | {process.pid})
    process.wait()


def _kill(pids: Iterable[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@contextlib.contextmanager
def started(folder: Path, options: Sequence[str], mark: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Start pytest in a session of its own; nothing of it outlives the ``with`` block.

    What it prints goes to ``screen-MARK.txt`` in the folder.
    """
    with (
        (folder / f"screen-{mark}.txt").open("wb") as screen,
        subprocess.Popen(
            [sys.executable, "-m", "pytest", *options],
            cwd=folder,
            stdout=screen,
            stderr=subprocess.STDOUT,
            env={**os.environ, MARK: mark},
            start_new_session=True,
        ) as process,
    ):
        try:
            yield process
        finally:
            if process.poll() is None:
                kill_at_once(process, mark, Aim.EVERYTHING)


def screen_of(folder: Path, mark: str) -> str:
    """Return what a started run printed."""
    return (folder / f"screen-{mark}.txt").read_text(encoding="utf-8", errors="replace")


def after(seconds: float) -> Until:
    """Wait for so long, or until the run ends."""

    def wait(process: "subprocess.Popen[bytes]") -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)

    return wait


def until_true(condition: Callable[[], bool], deadline_s: float = 120.0) -> Until:
    """Wait until a condition holds, or the run ends, or it takes too long."""

    def wait(process: "subprocess.Popen[bytes]") -> None:
        ending = time.monotonic() + deadline_s
        while not condition() and process.poll() is None and time.monotonic() < ending:
            after(0.02)(process)

    return wait


def start_and_kill(
    folder: Path, options: Sequence[str], mark: str, until: Until, aim: Aim = Aim.EVERYTHING
) -> Start:
    """Start a run, kill it when ``until`` returns (unless it ended), and look at what is left."""
    began = time.monotonic()
    with started(folder, options, mark) as process:
        until(process)
        if process.poll() is None:
            kill_at_once(process, mark, aim)
        ended = time.monotonic()
    left = survivors(mark)
    return Start(began, ended, process.returncode, left, *examine(folder / STORE))


def examine(store: Path) -> tuple[str, int]:
    """Return what SQLite says of a store's integrity, and how many responses are in it.

    A copy is looked at, so that the run itself has to recover what a kill left behind.
    """
    if not store.exists():
        return "ok", 0
    with tempfile.TemporaryDirectory() as name:
        for path in store.parent.glob(f"{store.name}*"):
            if not path.name.endswith("-shm"):
                shutil.copy(path, name)
        with contextlib.closing(sqlite3.connect(Path(name) / store.name)) as copy:
            try:
                (integrity,) = copy.execute("PRAGMA integrity_check").fetchone()
                return str(integrity), _responses(copy)
            except sqlite3.DatabaseError as error:
                return str(error), 0


def _responses(database: sqlite3.Connection) -> int:
    tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    if ("responses",) not in tables:
        return 0
    return int(database.execute("SELECT count(DISTINCT key) FROM responses").fetchone()[0])
