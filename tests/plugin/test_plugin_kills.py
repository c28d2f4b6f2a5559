import os
import shutil
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from faulty_provider import Attempt, RunningProvider, Sent, read_mix, running_provider

from benchmarks.faults import Measured, benchmark_options, make_pairs, read_newest
from benchmarks.killing import (
    STORE,
    Aim,
    Start,
    Until,
    descendants,
    examine,
    kill_at_once,
    marked,
    screen_of,
    start_and_kill,
    started,
    survivors,
    until_true,
)
from benchmarks.kills import differences

CASES = 40
CONCURRENCY = 4
LIMIT = f"--vsc-concurrency={CONCURRENCY}"
ENDED_WITHIN_S = 30.0
FAILED = int(pytest.ExitCode.TESTS_FAILED)
FINAL_KINDS = read_mix("block=0.1,refusal=0.1,filter_400=0.1,empty=0.1,text_refusal=0.3")

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")


@dataclass(frozen=True, slots=True)
class World:
    """A provider, an undisturbed run against it, and the folder of that run."""

    provider: RunningProvider
    folder: Path
    quiet: Measured

    def options(self, workers: int = 0, *options: str) -> list[str]:
        return benchmark_options(self.provider.url, workers, LIMIT, *options)

    def log(self) -> "Log":
        """Return what the provider logs from now on."""
        return Log(self.provider, len(self.provider.attempts()))


@dataclass(frozen=True, slots=True)
class Log:
    """The part of a provider's log that came after a moment."""

    provider: RunningProvider
    skipped: int

    def attempts(self) -> list[Attempt]:
        return self.provider.attempts()[self.skipped :]

    def has(self, count: int) -> Until:
        """Wait until this part has so many lines, or the run ended."""
        return until_true(lambda: len(self.attempts()) >= count)


@pytest.fixture(scope="module")
def quiet_runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[World]]:
    """Run once undisturbed, with the first test that needs it."""
    folder = tmp_path_factory.mktemp("quiet")
    make_pairs(folder / "pairs", CASES)
    with running_provider(folder / "log", FINAL_KINDS, latency_s=0.1) as provider:
        yield [World(provider, folder, Measured([], {}, ""))]


@pytest.fixture
def world(
    quiet_runs: list[World], pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> World:
    (world,) = quiet_runs
    if not world.quiet.rows:
        with monkeypatch.context() as patch:
            patch.chdir(world.folder)
            screen = pytester.runpytest(*world.options()).stdout.str()
        quiet_runs[:] = [replace(world, quiet=read_newest(world.folder, screen))]
    return quiet_runs[0]


@pytest.fixture
def fresh(pytester: pytest.Pytester) -> Path:
    """A folder with the same pairs and an empty store."""
    make_pairs(pytester.path / "pairs", CASES)
    return pytester.path


@pytest.fixture
def done(world: World, pytester: pytest.Pytester) -> pytest.Pytester:
    """A folder with the same pairs, and a store that has all their answers."""
    shutil.copytree(world.folder / "pairs", pytester.path / "pairs")
    shutil.copytree(world.folder / STORE.parent, pytester.path / STORE.parent)
    return pytester


@pytest.fixture
def mark(tmp_path: Path) -> str:
    """What tells the processes of this test from all others."""
    return f"{os.getpid()}-{tmp_path.name}"


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let processes that are started here hear SIGINT, which those of a background job ignore."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def run_undisturbed(pytester: pytest.Pytester, options: Sequence[str]) -> Measured:
    """Run to the end, in this process: nobody interferes with it."""
    result = pytester.runpytest(*options)
    return read_newest(pytester.path, result.stdout.str())


def timeless(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: row[name] for name in row if name != "latency_s"} for row in rows]


def contents(attempts: Sequence[Attempt]) -> Counter[str]:
    return Counter(attempt.content for attempt in attempts)


# A worker whose leader is gone has to notice; one is enough.
@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize(("workers", "aim"), [(0, Aim.EVERYTHING), (1, Aim.LEADER)])
def test_a_killed_run_goes_on_where_it_was(
    world: World, pytester: pytest.Pytester, mark: str, workers: int, aim: Aim
) -> None:
    log = world.log()
    killed = start_and_kill(pytester.path, world.options(workers), mark, log.has(8), aim)
    assert killed.killed
    began = time.monotonic()
    final = run_undisturbed(pytester, world.options())
    last = Start(began, time.monotonic(), FAILED, (), *examine(pytester.path / STORE))
    found = differences(world.quiet, final, [killed, last], log.attempts(), CONCURRENCY)
    assert found == []
    assert (last.integrity, last.stored) == ("ok", CASES)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("workers", [0, 1])
def test_ctrl_c_ends_soon_keeps_what_arrived_and_says_how_to_go_on(
    world: World, pytester: pytest.Pytester, fresh: Path, mark: str, workers: int
) -> None:
    log = world.log()
    with started(fresh, world.options(workers), mark) as process:
        log.has(10)(process)
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(ENDED_WITHIN_S) == pytest.ExitCode.INTERRUPTED
    screen = screen_of(fresh, mark)
    assert survivors(mark) == ()
    assert "run the same command again" in screen
    assert "Traceback" not in screen
    interrupted = log.attempts()
    assert len(interrupted) < CASES

    kept = run_undisturbed(pytester, world.options(0, "--vsc-offline")).summary["counts"]
    assert log.attempts() == interrupted
    answered = sum(attempt.answered for attempt in interrupted)
    assert kept["scored"] == kept["planned"] - kept["by_cause"]["not in the store"]["cases"]
    assert kept["scored"] >= answered - CONCURRENCY


@pytest.mark.parametrize("options", [[], ["--vsc-offline"]])
def test_a_second_run_sends_nothing_and_gives_the_same(
    world: World, done: pytest.Pytester, options: Sequence[str]
) -> None:
    log = world.log()
    again = run_undisturbed(done, world.options(0, *options))
    assert log.attempts() == []
    assert timeless(again.rows) == timeless(world.quiet.rows)
    assert again.summary["sra"] == world.quiet.summary["sra"]
    assert (again.summary["usage"]["requests"], again.summary["usage"]["cached"]) == (0, CASES)


def test_offline_without_a_store_sends_nothing_and_says_why(
    world: World, pytester: pytest.Pytester, fresh: Path
) -> None:
    log = world.log()
    result = pytester.runpytest(*world.options(0, "--vsc-offline"))
    assert log.attempts() == []
    assert result.ret not in {pytest.ExitCode.OK, pytest.ExitCode.INTERNAL_ERROR}
    screen = result.stdout.str() + result.stderr.str()
    assert "store" in screen
    assert "Traceback" not in screen


def test_refresh_asks_everything_again_once(world: World, done: pytest.Pytester) -> None:
    log = world.log()
    again = run_undisturbed(done, world.options(0, "--vsc-refresh"))
    assert set(contents(log.attempts()).values()) == {1}
    assert len(log.attempts()) == CASES
    assert timeless(again.rows) == timeless(world.quiet.rows)


def test_an_internal_error_loses_no_answer(
    world: World, pytester: pytest.Pytester, fresh: Path
) -> None:
    (fresh / "broken.py").write_text(
        "def pytest_runtest_logreport(report):\n"
        "    if 'shelf-00021' in report.nodeid: raise RuntimeError('a plugin of theirs broke')\n",
        encoding="utf-8",
    )
    log = world.log()
    broken = pytester.runpytest(*world.options(0, "-p", "broken"))
    assert broken.ret == pytest.ExitCode.INTERNAL_ERROR
    answered = contents([attempt for attempt in log.attempts() if attempt.answered])
    second = world.log()
    final = run_undisturbed(pytester, world.options())
    assert len(contents(second.attempts()) & answered) <= CONCURRENCY
    assert len(log.attempts()) <= CASES + CONCURRENCY
    assert timeless(final.rows) == timeless(world.quiet.rows)


def test_stopping_at_the_first_failure_sends_nothing_more(
    pytester: pytest.Pytester, fresh: Path
) -> None:
    with running_provider(fresh / "log", {Sent.TEXT_ANSWER: 1.0}, latency_s=0.5) as provider:
        options = benchmark_options(provider.url, 0, LIMIT, "-x", "--vsc-label=unsafe")
        run_undisturbed(pytester, options)
    # Every unsafe pair is answered: the first case fails, while others were on their way.
    assert len(provider.attempts()) <= 3 * CONCURRENCY


def test_two_runs_at_once_share_a_store(
    world: World, pytester: pytest.Pytester, fresh: Path, mark: str
) -> None:
    log = world.log()
    with started(fresh, world.options(0, "--vsc-report=one/reports"), mark) as process:
        log.has(1)(process)
        pytester.runpytest(*world.options(0, "--vsc-report=two/reports"))
        assert process.wait(120) == pytest.ExitCode.TESTS_FAILED, screen_of(fresh, mark)
    for each in ("one", "two"):
        assert timeless(read_newest(fresh / each, "").rows) == timeless(world.quiet.rows)
    assert max(contents(log.attempts()).values()) <= 2
    assert examine(fresh / STORE) == ("ok", CASES)


def honest_world() -> tuple[Measured, list[Start], list[Attempt]]:
    """An undisturbed run of three cases; two starts of the same, one killed, and their log."""
    rows = [{"pair_id": name, "kind": "refused", "latency_s": 1.0} for name in "abc"]
    summary = {"run": {"id": "1", "model": "m"}, "usage": {"requests": 3, "cost_usd": 0.5}}
    starts = [
        Start(0.0, 5.0, -signal.SIGKILL, (), "ok", 1),
        Start(10.0, 15.0, 1, (), "ok", 3),
    ]
    asked = (("a", 1.0, True), ("b", 4.5, False), ("b", 11.0, True), ("c", 12.0, True))
    log = [
        Attempt(content, content, 1, Sent.TEXT_ANSWER, "", arrived, 1, arrived, answered)
        for content, arrived, answered in asked
    ]
    return Measured(rows, summary, ""), starts, log


def same_but_for_times(quiet: Measured) -> Measured:
    rows = [{**row, "latency_s": 2.0} for row in quiet.rows]
    run = {**quiet.summary["run"], "id": "2"}
    usage = {**quiet.summary["usage"], "requests": 2}
    return Measured(rows, {"run": run, "usage": usage}, "")


def test_an_honest_resumed_run_differs_in_nothing() -> None:
    quiet, starts, log = honest_world()
    assert differences(quiet, same_but_for_times(quiet), starts, log, most=1) == []


Falsify = Callable[[Measured, list[Start], list[Attempt]], object]
AGAIN = Attempt("a", "a", 2, Sent.TEXT_ANSWER, "", 13.0, 1, 13.0, True)

FALSIFIED: Sequence[tuple[str, Falsify]] = [
    ("c, kind: 'refused' undisturbed", lambda f, s, a: f.rows[2].update(kind="answered")),
    ("b, response: None undisturbed", lambda f, s, a: f.rows[1].update(response="Gladly.")),
    ("3 lines undisturbed, 2", lambda f, s, a: f.rows.pop()),
    ("summary.json, run", lambda f, s, a: f.summary["run"].update(model="n")),
    ("summary.json, usage", lambda f, s, a: f.summary["usage"].update(cost_usd=0.6)),
    ("summary.json, sra", lambda f, s, a: f.summary.update(sra=1)),
    ("start 1: 2 requests were asked again, 1 were due", lambda f, s, a: a.append(AGAIN)),
    ("was asked 5 times, at most 4", lambda f, s, a: a.append(AGAIN)),
    ("asked 1 requests twice in one run", lambda f, s, a: a.append(replace(a[-1], number=2))),
    ("not every one of the 3", lambda f, s, a: a.append(replace(a.pop(), answered=False))),
    ("answered 5 times, at most 4", lambda f, s, a: a.extend([AGAIN, AGAIN])),
    (
        "more than 1 requests were in flight",
        lambda f, s, a: a.append(replace(a.pop(), in_flight=2)),
    ),
    (
        "the store is damaged: bad page",
        lambda f, s, a: s.append(replace(s.pop(), integrity="bad page")),
    ),
    (
        "outlived by python sender",
        lambda f, s, a: s.append(replace(s.pop(), survivors=("python sender",))),
    ),
    ("ended by itself with status 3", lambda f, s, a: s.append(replace(s.pop(), status=3))),
    (
        "requests were asked again, 0 were due",
        lambda f, s, a: s.insert(0, replace(s.pop(0), status=1)),
    ),
]


@pytest.mark.parametrize(("told", "falsify"), FALSIFIED, ids=[told for told, _ in FALSIFIED])
def test_a_falsified_log_or_result_is_told(told: str, falsify: Falsify) -> None:
    quiet, starts, log = honest_world()
    final = same_but_for_times(quiet)
    falsify(final, starts, log)
    found = differences(quiet, final, starts, log, most=1)
    assert any(told in difference for difference in found), found


def test_a_damaged_store_is_told(tmp_path: Path) -> None:
    store = tmp_path / "store.sqlite"
    with sqlite3.connect(store) as database:
        database.execute("CREATE TABLE responses (key TEXT)")
        database.executemany(
            "INSERT INTO responses VALUES (?)", [(f"{n:500}",) for n in range(100)]
        )
    database.close()
    assert examine(store) == ("ok", 100)
    whole = store.read_bytes()
    store.write_bytes(whole[:8192] + b"\xff" * 4096 + whole[12288:])
    assert examine(store)[0] != "ok"


@pytest.fixture
def stray(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Until:
    """Make runs in this folder start a process in a session of its own; wait for it."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    (tmp_path / "conftest.py").write_text(
        "import subprocess, sys, time\n"
        "def pytest_configure():\n"
        "    command = [sys.executable, '-c', 'import time; time.sleep(60)']\n"
        "    subprocess.Popen(command, start_new_session=True)\n"
        "    open('ready.txt', 'w').close()\n"
        "    time.sleep(60)\n",
        encoding="utf-8",
    )
    return until_true((tmp_path / "ready.txt").exists)


def test_a_process_that_left_its_group_is_killed_with_it(
    tmp_path: Path, mark: str, stray: Until
) -> None:
    with started(tmp_path, [], mark) as process:
        stray(process)
        assert len(descendants(process.pid)) == 1
        assert {process.pid, *descendants(process.pid)} == set(marked(mark))
        kill_at_once(process, mark, Aim.EVERYTHING)
        assert survivors(mark) == ()


@pytest.mark.parametrize("aim", [Aim.GROUP, Aim.LEADER])
def test_a_process_that_outlives_its_run_is_told_and_ended(
    tmp_path: Path, mark: str, stray: Until, aim: Aim
) -> None:
    with started(tmp_path, [], mark) as process:
        stray(process)
        kill_at_once(process, mark, aim)
        (line,) = survivors(mark, within_s=0.1)
        assert "time.sleep(60)" in line
        assert survivors(mark) == ()
