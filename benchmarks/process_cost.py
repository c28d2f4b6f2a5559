"""What a command costs as a whole: wall, CPU and memory of its process and all that it starts.

    python benchmarks/process_cost.py COST.json LIMIT_S -- COMMAND...

The command is run by a process of its own (this file), so that the times of children are the
command's alone. On Linux that process adopts what the command orphans, so that its times count.

CPU (user + system) is what the kernel adds up as each process is waited for by its parent. It
misses a child whose parent ignores SIGCHLD (the kernel drops its times), what is still running
when the command has ended and ``LAST_WORDS_S`` have passed (counted in ``left_behind``), and, but
on Linux, orphans. Memory is sampled every ``SAMPLE_S``, so a shorter peak is missed: PSS shares a
page among those that map it, RSS counts it for each of them. Without /proc there is no memory.
The sampler's own time is in no figure, but it takes a few per cent of one core.
"""

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

SAMPLE_S = 0.1
LAST_WORDS_S = 5.0
TIMED_OUT = 124
PR_SET_CHILD_SUBREAPER = 36
ON_LINUX = sys.platform == "linux"


@dataclass(frozen=True, slots=True)
class Cost:
    """What a command cost; None where this system does not tell.

    ``wall_s`` ends with the command itself; ``left_behind`` counts processes that had to be ended.
    """

    exit_status: int
    wall_s: float
    cpu_s: float | None
    peak_pss_bytes: int | None
    peak_rss_bytes: int | None
    left_behind: int


def measure(
    command: Sequence[str],
    folder: Path,
    output: Path,
    environment: Mapping[str, str] | None = None,
    limit_s: float = 3600.0,
) -> Cost:
    """Run a command to its end and return its cost.

    Args:
        command: program and arguments.
        folder: where it runs.
        output: a file for all that it prints.
        environment: all of its environment; None: that of this process.
        limit_s: after so many seconds it is ended, with exit status 124.
    """
    with tempfile.TemporaryDirectory() as scratch, output.open("wb") as printed:
        cost = Path(scratch) / "cost.json"
        measuring = [sys.executable, os.fspath(Path(__file__).resolve()), os.fspath(cost)]
        subprocess.run(
            [*measuring, str(limit_s), "--", *command],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=subprocess.STDOUT,
            check=True,
        )
        return Cost(**json.loads(cost.read_text(encoding="utf-8")))


@dataclass(slots=True)
class Peak:
    """The largest memory seen so far of a tree of processes, in bytes."""

    pss: int | None = None
    rss: int | None = None
    strangers: set[int] = field(default_factory=set)

    def sample(self, root: int) -> None:
        """Add up what the descendants of a process hold now."""
        pss, rss = held_by(descendants(root, self.strangers))
        self.pss, self.rss = max(self.pss or 0, pss), max(self.rss or 0, rss)


def descendants(root: int, strangers: set[int]) -> set[int]:
    """Return every process below one; ``strangers`` keeps those that need no second look."""
    listed = {int(name) for name in os.listdir("/proc") if name.isdigit()}
    strangers &= listed
    parents = {pid: parent_of(pid) for pid in listed - strangers}
    found, added = {root}, {root}
    while added:
        added = {pid for pid, parent in parents.items() if parent in added} - found
        found |= added
    strangers |= parents.keys() - found
    return found - {root}


def parent_of(pid: int) -> int | None:
    """Return a process's parent, or None where it is gone."""
    try:
        # After the name in brackets, which may hold anything: the state, then the parent.
        return int(Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[1])
    except OSError:
        return None


def held_by(pids: set[int]) -> tuple[int, int]:
    """Return the sums of PSS and of RSS of some processes, in bytes."""
    pss = rss = 0
    for pid in pids:
        with contextlib.suppress(OSError):  # it has just ended
            for line in Path(f"/proc/{pid}/smaps_rollup").read_bytes().splitlines():
                if line.startswith(b"Pss:"):
                    pss += int(line.split()[1]) * 1024
                elif line.startswith(b"Rss:"):
                    rss += int(line.split()[1]) * 1024
    return pss, rss


def run_and_measure(command: Sequence[str], limit_s: float) -> Cost:
    """Run a command as a child of this process, which must have had none before."""
    if ON_LINUX:
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    peak, ended = Peak(), threading.Event()
    started = time.perf_counter()
    process = subprocess.Popen(command)
    sampling = threading.Thread(target=keep_sampling, args=(peak, ended), daemon=True)
    sampling.start()
    try:
        status = process.wait(limit_s)
    except subprocess.TimeoutExpired:
        status = TIMED_OUT
        process.terminate()
    wall_s = time.perf_counter() - started
    ended.set()
    sampling.join()
    left_behind = wait_for_the_rest(time.monotonic() + LAST_WORDS_S)
    process.kill()  # does nothing to a process that has ended
    process.wait()
    return Cost(status, wall_s, cpu_of_children_s(), peak.pss, peak.rss, left_behind)


def keep_sampling(peak: Peak, ended: threading.Event) -> None:
    """Sample the memory of what runs below this process until it has ended."""
    while ON_LINUX and not ended.wait(SAMPLE_S):
        peak.sample(os.getpid())


def wait_for_the_rest(deadline: float) -> int:
    """Wait for what the command left running, end it at the deadline, and count what was ended."""
    if not ON_LINUX:
        return 0
    while (left := running_below()) and time.monotonic() < deadline:
        time.sleep(0.01)
    for pid in left:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
    while running_below():
        time.sleep(0.01)
    return len(left)


def running_below() -> set[int]:
    """Reap every child that has ended, and return what still runs below this process."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    return descendants(os.getpid(), set())


def cpu_of_children_s() -> float | None:
    """Return user and system time of all waited-for descendants of this process, in seconds."""
    if sys.platform == "win32":
        return None
    import resource  # there is none on Windows

    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Measure the command behind ``--`` and write its cost as JSON."""
    report, limit_s, separator, *command = sys.argv[1:]
    if separator != "--" or not command:
        raise SystemExit("usage: process_cost.py COST.json LIMIT_S -- COMMAND...")
    cost = run_and_measure(command, float(limit_s))
    Path(report).write_text(json.dumps(asdict(cost)), encoding="utf-8")


if __name__ == "__main__":
    main()
