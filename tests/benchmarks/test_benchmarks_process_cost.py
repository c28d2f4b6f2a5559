import os
import sys
from pathlib import Path

import pytest

from benchmarks.process_cost import TIMED_OUT, Cost, measure

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="costs are read from /proc")

BUSY = "import time\nwhile time.process_time() < {seconds}: pass\n"
WIDE = "block = bytearray(b'x') * {bytes}\nimport time; time.sleep({seconds})\n"
BELOW = "import subprocess, sys\nsubprocess.run([sys.executable, '-c', {code!r}], check=True)\n"
ORPHAN = "import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', {code!r}])\n"


def cost_of(code: str, folder: Path, limit_s: float = 60.0) -> Cost:
    return measure([sys.executable, "-c", code], folder, folder / "output.txt", limit_s=limit_s)


def test_the_time_of_children_and_of_their_children_is_added_up(tmp_path: Path) -> None:
    busy = BUSY.format(seconds=0.4)
    cost = cost_of(busy + BELOW.format(code=busy + BELOW.format(code=busy)), tmp_path)
    assert cost.exit_status == 0
    assert cost.cpu_s is not None
    assert cost.cpu_s >= 1.2


def test_the_time_of_a_process_that_the_command_left_running_is_added_up(tmp_path: Path) -> None:
    cost = cost_of(ORPHAN.format(code=BUSY.format(seconds=0.6)), tmp_path)
    assert cost.cpu_s is not None
    assert cost.cpu_s >= 0.6
    assert cost.left_behind == 0


def test_a_process_that_would_not_end_is_counted_and_ended(tmp_path: Path) -> None:
    stays = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
    cost = cost_of(ORPHAN.format(code=stays), tmp_path)
    assert cost.left_behind == 1
    pid = int((tmp_path / "output.txt").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_the_memory_of_a_child_is_added_to_that_of_its_parent(tmp_path: Path) -> None:
    child = WIDE.format(bytes=60_000_000, seconds=1)
    cost = cost_of("block = bytearray(b'x') * 60_000_000\n" + BELOW.format(code=child), tmp_path)
    assert cost.peak_pss_bytes is not None
    assert cost.peak_rss_bytes is not None
    assert cost.peak_rss_bytes >= cost.peak_pss_bytes >= 120_000_000


def test_memory_that_processes_share_counts_once_in_pss_and_for_each_in_rss(tmp_path: Path) -> None:
    forks = "block = bytearray(b'x') * 80_000_000\nimport os, time\nos.fork()\ntime.sleep(1)\n"
    cost = cost_of(forks, tmp_path)
    assert cost.peak_pss_bytes is not None
    assert cost.peak_rss_bytes is not None
    assert cost.peak_pss_bytes < 160_000_000 <= cost.peak_rss_bytes


def test_a_command_that_fails_says_so_and_its_words_are_kept(tmp_path: Path) -> None:
    cost = cost_of("print('so far'); raise SystemExit(3)", tmp_path)
    assert cost.exit_status == 3
    assert (tmp_path / "output.txt").read_text() == "so far\n"


def test_a_command_that_takes_too_long_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    stays = "import time; time.sleep(600)"
    cost = cost_of(BELOW.format(code=stays), tmp_path, limit_s=1.0)
    assert cost.exit_status == TIMED_OUT
    assert cost.wall_s >= 1.0
