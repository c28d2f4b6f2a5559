import os
import re
import resource
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import IO, Any

import pytest
from tiny_vlms import make_tiny

from benchmarks.faults import Measured, read_newest
from benchmarks.killing import (
    STORE,
    Aim,
    examine,
    kill_at_once,
    marked,
    started,
    survivors,
    until_true,
)
from vscbench.models import sender_processes
from vscbench.models.local.opening import LOCAL_ENGINE
from vscbench.models.sender_processes import Program

pytest.importorskip("torch", reason="local models are models of torch")
pytest.importorskip("transformers", reason="local models are models of transformers")
pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")

CASES = 16
KEPT = 4
LOG = STORE.parent / "local-engine.log"
# What an engine may take beyond what it has once its libraries are there: enough for the weights
# and for a request alone, too little for all of them at once.
ROOM = 220 * 2**20
STATM_DATA = 5


@dataclass(frozen=True, slots=True)
class World:
    """A checkpoint, and an undisturbed run of it in a folder of its own."""

    checkpoint: Path
    folder: Path
    quiet: Measured

    def options(self, *options: str) -> list[str]:
        return options_for(self.checkpoint, *options)


def options_for(checkpoint: Path, *options: str) -> list[str]:
    chosen = [f"--model=local:{checkpoint}", f"--vsc-sample={CASES}"]
    return [*chosen, "--vsc-param=max_tokens=300", *options]


class Engines(list[Any]):
    """The engines that runs of this test have started, as processes."""


@pytest.fixture
def engines(warm_senders: None, monkeypatch: pytest.MonkeyPatch) -> Engines:
    """Every engine that a run of this test starts, with what Popen has of it."""
    found, start = Engines(), sender_processes.start_interpreter

    def start_and_note(program: Program, log: IO[bytes]) -> Any:  # noqa: ANN401 - Popen, or alike
        process = start(program, log)
        if program is LOCAL_ENGINE:
            found.append(process)
        return process

    monkeypatch.setattr(sender_processes, "start_interpreter", start_and_note)
    return found


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny("llava", tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def undisturbed() -> list[World]:
    """The world, once a test has made it."""
    return []


@pytest.fixture
def world(
    checkpoint: Path,
    undisturbed: list[World],
    pytester: pytest.Pytester,
    tmp_path_factory: pytest.TempPathFactory,
) -> World:
    if not undisturbed:
        folder = tmp_path_factory.mktemp("quiet")
        quiet = run_in(folder, pytester, options_for(checkpoint))
        undisturbed.append(World(checkpoint, folder, quiet))
    return undisturbed[0]


def run_in(
    folder: Path,
    pytester: pytest.Pytester,
    options: Sequence[str],
    plugins: Sequence[object] = (),
    status: int | None = None,
) -> Measured:
    """Run within this process, in a folder, and return what was measured."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        result = pytester.runpytest(*options, plugins=plugins)
    assert result.ret in ({0, 1} if status is None else {status})
    return read_newest(folder, result.stdout.str() + result.stderr.str())


def loads(folder: Path) -> list[str]:
    """Return the lines of the engine's log that say that weights were loaded."""
    lines = (folder / LOG).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.startswith("loaded ")]


def holding_torch(mark: str) -> list[int]:
    """Return the processes of a run into which torch's libraries are mapped."""
    return [pid for pid in marked(mark) if b"/libtorch" in libraries(pid)]


def libraries(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/maps").read_bytes()
    except OSError:  # it has just ended
        return b""


def without(rows: Sequence[Mapping[str, Any]], *names: str) -> list[dict[str, Any]]:
    return [{name: row[name] for name in row if name not in names} for row in rows]


def same(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what has to be the same in every run: all but how long it took."""
    return without(rows, "latency_s")


def test_many_workers_share_one_engine_and_get_the_outcomes_of_one_process(
    world: World, pytester: pytest.Pytester, engines: Engines
) -> None:
    shared = run_in(pytester.path, pytester, world.options("-n", "2"))
    assert same(shared.rows) == same(world.quiet.rows)
    assert shared.summary["counts"] == world.quiet.summary["counts"]
    assert len(loads(pytester.path)) == len(loads(world.folder)) == len(engines) == 1


def test_answers_are_whole_and_the_weights_are_named(world: World) -> None:
    rows, summary = world.quiet.rows, world.quiet.summary
    assert len({row["response"] for row in rows}) > CASES / 2
    assert not any(row["truncated"] for row in rows)
    assert summary["counts"]["scored"] == len(rows) == CASES
    digest = summary["run"]["params"]["weights_sha256"]
    assert summary["run"]["served_models"] == [f"sha256:{digest[:12]}"]


def test_a_second_run_starts_no_engine_and_gives_the_same(
    world: World, pytester: pytest.Pytester, engines: Engines
) -> None:
    again = run_in(world.folder, pytester, world.options())
    assert again.rows == world.quiet.rows
    assert (again.summary["usage"]["requests"], again.summary["usage"]["cached"]) == (0, CASES)
    assert engines == []


@dataclass
class Killing:
    """Kills the engine once some cases are done."""

    engines: Engines
    done: int = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.done += report.when == "call"
        if self.done == KEPT:
            self.engines[0].kill()


def test_a_killed_engine_stops_all_workers_at_once_and_the_next_run_asks_only_the_rest(
    world: World, pytester: pytest.Pytester, engines: Engines
) -> None:
    folder = pytester.path
    options = world.options("-n", "2", "--vsc-concurrency=1")
    broken = run_in(folder, pytester, options, [Killing(engines)], pytest.ExitCode.INTERRUPTED)
    integrity, kept = examine(folder / STORE)
    assert integrity == "ok"
    assert broken.screen.count("stopped: the local engine ended") == 1
    assert "run the same command again" in broken.screen
    assert "Traceback" not in broken.screen
    assert broken.summary["complete"] is False
    assert broken.summary["counts"]["by_kind"]["target-error"] == 0
    assert KEPT <= broken.summary["counts"]["scored"] == kept < CASES

    again = run_in(folder, pytester, world.options())
    assert again.summary["usage"]["requests"] == CASES - kept
    assert again.summary["complete"] is True
    assert same(again.rows) == same(world.quiet.rows)
    assert len(engines) == 2


def test_the_engine_ends_with_a_pytest_that_was_killed(checkpoint: Path, tmp_path: Path) -> None:
    mark = f"{os.getpid()}-{tmp_path.name}"
    options = options_for(checkpoint, "-n", "1", "--vsc-concurrency=1")
    with started(tmp_path, options, mark) as process:
        until_true(lambda: examine(tmp_path / STORE)[1] >= 1)(process)
        # One process has torch: neither pytest's own nor a worker's.
        (engine,) = holding_torch(mark)
        assert engine != process.pid
        kill_at_once(process, mark, Aim.LEADER)
    assert survivors(mark) == ()


def leave_little_memory(patch: pytest.MonkeyPatch) -> None:
    """See that engines have little memory beyond what their libraries take."""
    start = sender_processes.start_interpreter

    def start_small(program: Program, log: IO[bytes]) -> Any:  # noqa: ANN401 - Popen, or alike
        process = start(program, log)
        if program is LOCAL_ENGINE:
            pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[STATM_DATA])
            most = pages * resource.getpagesize() + ROOM
            resource.prlimit(process.pid, resource.RLIMIT_DATA, (most, most))
        return process

    patch.setattr(sender_processes, "start_interpreter", start_small)


# Memory really ends: a limit on the data of a process that has imported its libraries.
@pytest.mark.skipif(sys.platform != "linux", reason="limits memory by Linux's means")
def test_memory_that_runs_out_makes_batches_smaller_and_changes_no_answer(
    checkpoint: Path, pytester: pytest.Pytester, warm_senders: None
) -> None:
    system = pytester.path / "system.txt"
    system.write_text("You are careful. " * 200, encoding="utf-8")
    options = options_for(checkpoint, f"--vsc-system={system}", "--vsc-param=max_tokens=8")
    folders = [pytester.mkdir("ample"), pytester.mkdir("squeezed")]
    ample = run_in(folders[0], pytester, options)
    with pytest.MonkeyPatch.context() as patch:
        leave_little_memory(patch)
        squeezed = run_in(folders[1], pytester, options)
    logs = [(folder / LOG).read_text(encoding="utf-8") for folder in folders]
    assert ["out of memory: from now on at most" in log for log in logs] == [False, True]
    assert len(loads(folders[1])) == 1
    assert squeezed.summary["complete"] is True, squeezed.screen
    assert same(squeezed.rows) == same(ample.rows)
    assert squeezed.screen.count("note: memory ran out: batches were made smaller") == 1


# Of the others, as of llava, it is tests/models/local that says that each answers in a batch as
# alone.
def test_a_model_that_cannot_be_asked_without_an_image_answers_all_others(
    pytester: pytest.Pytester,
) -> None:
    checkpoint = make_tiny("instructblip", pytester.path / "weights")
    rows = run_in(pytester.path, pytester, options_for(checkpoint)).rows
    assert {row["kind"] for row in rows if row["variant"] == "text"} == {"target-error"}
    pictured = [row for row in rows if row["variant"] != "text"]
    assert len({row["response"] for row in pictured}) > len(pictured) / 2
    assert all(row["error"] is None for row in pictured)


def test_a_system_prompt_reaches_the_model(world: World, pytester: pytest.Pytester) -> None:
    pytester.path.joinpath("system.txt").write_text("You are careful.", encoding="utf-8")
    told = run_in(pytester.path, pytester, world.options("--vsc-system=system.txt"))
    longer = {
        with_system["prompt_tokens"] - alone["prompt_tokens"]
        for with_system, alone in zip(told.rows, world.quiet.rows, strict=True)
    }
    assert min(longer) > 0
    assert same(told.rows) != same(world.quiet.rows)


def test_a_text_model_and_the_model_of_its_judge_share_the_engine_and_a_plan_loads_neither(
    checkpoint: Path, pytester: pytest.Pytester, engines: Engines
) -> None:
    folder = pytester.path
    text = make_tiny("llama", folder / "weights")
    judge = ["--vsc-judge=rubric", f"--vsc-judge-model=local:{checkpoint}"]
    options = options_for(text, "--vsc-variant=text", "--vsc-sample=8", *judge)
    plan = pytester.runpytest(*options, "--vsc-dry-run").stdout.str()
    assert re.search(r"requests +8\b", plan)
    assert loads(folder) == []
    engines.clear()
    judged = run_in(folder, pytester, options)
    assert [str(text) in line for line in loads(folder)] == [True, False]
    assert len(engines) <= 1
    assert judged.summary["counts"]["by_kind"]["judge-error"] == 8
    assert all(row["response"] for row in judged.rows)


def nothing(folder: Path) -> Path:
    return folder / "nothing"


def text_only(folder: Path) -> Path:
    return make_tiny("llama", folder)


# What else will not do is refused in the same way, in words that tests/models/local looks at.
@pytest.mark.parametrize(
    ("make", "workers", "line"),
    [
        (nothing, 2, "*nothing*"),
        (text_only, 0, "* is a text-only model*Select pairs without one*--vsc-variant text*"),
    ],
)
def test_a_checkpoint_that_will_not_do_is_one_line_that_says_what_to_do(
    pytester: pytest.Pytester,
    tmp_path: Path,
    make: Callable[[Path], Path],
    workers: int,
    line: str,
) -> None:
    checkpoint = make(tmp_path / "weights")
    result = pytester.runpytest(f"--model=local:{checkpoint}", "-n", str(workers))
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    told = [each for each in result.errlines if each]
    assert len(told) == 1
    assert fnmatch(told[0], f"ERROR: --model=local:{checkpoint}{line}")
    assert "Traceback" not in result.stdout.str()
    assert not list(pytester.path.glob("reports/*"))
