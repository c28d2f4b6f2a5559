import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from stand_in_engine import STUBBORN, is_living
from waiting import wait_until

from vscbench.errors import UsageError
from vscbench.models.served.engines import Start
from vscbench.models.served.guarded import GuardedServer

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")

# A server that ends when it is told to, with a child that does not; it says who they are.
FAMILY = f"""
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", {STUBBORN!r}], stdout=subprocess.PIPE)
child.stdout.readline()
print("pids", os.getpid(), child.pid, flush=True)
time.sleep(600)
"""
STUBBORN_FAMILY = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n{FAMILY}"


def python(program: str, **environment: str) -> Start:
    return Start([sys.executable, "-c", program], environment)


@contextmanager
def guarded(start: Start, log: Path, hidden: str = "sk-none") -> Iterator[GuardedServer]:
    server = GuardedServer(start, hidden, log)
    try:
        yield server
    finally:
        server.stop()


def pids_in(log: Path) -> list[int]:
    """Wait until the family has said who they are."""
    wait_until(lambda: log.exists() and "\n" in log.read_text(encoding="utf-8"))
    return [int(word) for word in log.read_text(encoding="utf-8").split()[1:3]]


def test_a_server_and_its_children_end_with_it_even_those_that_will_not(tmp_path: Path) -> None:
    with guarded(python(FAMILY), tmp_path / "log") as server:
        pids = pids_in(tmp_path / "log")
        assert all(map(is_living, pids))
        assert not server.has_ended
    assert server.has_ended
    wait_until(lambda: not any(map(is_living, pids)))


def test_children_of_a_server_that_died_do_not_stay(tmp_path: Path) -> None:
    with guarded(python(FAMILY), tmp_path / "log") as server:
        pids = pids_in(tmp_path / "log")
        os.kill(pids[0], signal.SIGKILL)
        wait_until(lambda: server.has_ended)
        wait_until(lambda: not any(map(is_living, pids)))
        assert "the server ended with exit status -9" in server.last_words()


@pytest.mark.parametrize(
    ("server", "whole_group"), [(FAMILY, False), (FAMILY, True), (STUBBORN_FAMILY, False)]
)
def test_a_killed_run_takes_its_server_along(
    tmp_path: Path, server: str, whole_group: bool
) -> None:
    run = (
        "import sys, time; from pathlib import Path; "
        "from vscbench.models.served.engines import Start; "
        "from vscbench.models.served.guarded import GuardedServer; "
        "start = Start([sys.executable, '-c', sys.argv[1]], {}); "
        "kept = GuardedServer(start, 'sk-none', Path(sys.argv[2])); time.sleep(600)"
    )
    log = tmp_path / "log"
    words = [sys.executable, "-c", run, server, str(log)]
    with subprocess.Popen(words, start_new_session=True) as process:
        pids = pids_in(log)
        if whole_group:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    wait_until(lambda: not any(map(is_living, pids)))


def test_what_a_server_writes_is_kept_without_its_key(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "engine.log"
    program = "import os; print('key', os.environ['KEY'] * 2); print('ready'); os.write(2, b'!')"
    with guarded(python(program, KEY="abc-123"), log, "abc-123") as server:
        wait_until(lambda: server.has_ended)
    assert log.read_text(encoding="utf-8").splitlines()[:2] == ["key [removed][removed]", "ready"]


def test_last_words_are_few_lines_harmless_to_a_terminal(tmp_path: Path) -> None:
    program = "print('\\n'.join(f'line {n}' for n in range(5000))); print('\\x1b[2J' + 'x' * 9000)"
    with guarded(python(program), tmp_path / "log") as server:
        wait_until(lambda: server.has_ended)
        lines = server.last_words().splitlines()
    assert len(lines) < 10
    assert "line 4999" in lines[-3]
    assert "\\x1b[2J" in lines[-2]
    assert max(map(len, lines)) < 500


def test_a_program_that_cannot_be_started_is_told_in_its_log(tmp_path: Path) -> None:
    with guarded(Start([str(tmp_path / "none")], {}), tmp_path / "log") as server:
        wait_until(lambda: server.has_ended)
        assert "cannot be started" in server.last_words()


def test_a_log_that_cannot_be_written_is_a_line_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(UsageError, match="a log cannot be written there"):
        GuardedServer(python(""), "sk-none", tmp_path / "file" / "engine.log")
