import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
from tiny_vlms import make_tiny

from benchmarks.faults import Measured, read_newest, run_benchmark
from benchmarks.killing import (
    STORE,
    Aim,
    examine,
    kill_at_once,
    marked,
    screen_of,
    started,
    survivors,
    until_true,
)

pytest.importorskip("torch", reason="local models are models of torch")
pytest.importorskip("transformers", reason="local models are models of transformers")
pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")

CASES = 32
KEPT = 5
ENDED_WITHIN_S = 60.0
LOG = STORE.parent / "local-engine.log"
# What every process of a run writes down when it ends: what it imported, and what it started.
WITNESS = """
import json, sys
from vscbench.models.sender_processes import PROGRAM
started = []
sys.addaudithook(lambda event, said: event == "subprocess.Popen" and started.append(said[1]))
def pytest_sessionfinish(session):
    process = getattr(session.config, "workerinput", {}).get("workerid", "main")
    engines = sum(PROGRAM in command for command in started)
    with open(f"seen-{process}.json", "w", encoding="utf-8") as file:
        json.dump({"modules": sorted(sys.modules), "engines": engines}, file)
"""
# The engine looks how much memory there is before it reads the weights, and once they are there:
# from then on it may take 160 MB more than it has. Python runs this at its start, where it is on
# the search path.
LITTLE_MEMORY = """
import sys
rooms = [400, 160]
def limit(event, said):
    if event == "open" and str(said[0]) == "/proc/meminfo" and rooms:
        import resource
        with open("/proc/self/statm") as file:
            most = int(file.read().split()[0]) * resource.getpagesize() + rooms.pop(0) * 1024**2
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))
sys.addaudithook(limit)
"""


@dataclass(frozen=True, slots=True)
class World:
    """A checkpoint, and an undisturbed run of it in a folder of its own."""

    checkpoint: Path
    folder: Path
    quiet: Measured

    def options(self, workers: int, *options: str) -> list[str]:
        return options_for(self.checkpoint, workers, *options)


def options_for(checkpoint: Path, workers: int, *options: str) -> list[str]:
    chosen = [f"--model=local:{checkpoint}", f"--vsc-sample={CASES}", "-n", str(workers)]
    return [*chosen, "-p", "witness", "--vsc-param=max_tokens=300", *options]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    checkpoint = make_tiny("llava", tmp_path_factory.mktemp("weights"))
    folder = tmp_path_factory.mktemp("quiet")
    with_witness(folder)
    return World(checkpoint, folder, run_benchmark(folder, options_for(checkpoint, 0)))


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    with_witness(tmp_path)
    return tmp_path


@pytest.fixture
def mark(tmp_path: Path) -> str:
    """What tells the processes of this test from all others."""
    return f"{os.getpid()}-{tmp_path.name}"


def with_witness(folder: Path) -> None:
    (folder / "witness.py").write_text(WITNESS, encoding="utf-8")


def seen(folder: Path) -> dict[str, dict[str, Any]]:
    """Return what each process of pytest imported and started."""
    files = folder.glob("seen-*.json")
    return {
        file.stem.removeprefix("seen-"): json.loads(file.read_text(encoding="utf-8"))
        for file in files
    }


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
    world: World, fresh: Path
) -> None:
    shared = run_benchmark(fresh, world.options(3))
    assert same(shared.rows) == same(world.quiet.rows)
    assert shared.summary["counts"] == world.quiet.summary["counts"]
    assert len(loads(fresh)) == len(loads(world.folder)) == 1
    processes = seen(fresh)
    assert set(processes) == {"main", "gw0", "gw1", "gw2"}
    assert [processes[name]["engines"] for name in sorted(processes)] == [0, 0, 0, 1]
    for process in (*processes.values(), *seen(world.folder).values()):
        assert not {"torch", "transformers"} & set(process["modules"])


def test_answers_are_whole_and_the_weights_are_named(world: World) -> None:
    rows, summary = world.quiet.rows, world.quiet.summary
    assert len({row["response"] for row in rows}) > CASES / 2
    assert not any(row["truncated"] for row in rows)
    assert summary["counts"]["scored"] == len(rows) == CASES
    digest = summary["run"]["params"]["weights_sha256"]
    assert summary["run"]["served_models"] == [f"sha256:{digest[:12]}"]


def test_a_second_run_starts_no_engine_and_gives_the_same(world: World) -> None:
    log = (world.folder / LOG).read_bytes()
    again = run_benchmark(world.folder, world.options(0))
    assert again.rows == world.quiet.rows
    assert (again.summary["usage"]["requests"], again.summary["usage"]["cached"]) == (0, CASES)
    assert seen(world.folder)["main"]["engines"] == 0
    assert (world.folder / LOG).read_bytes() == log


def test_a_killed_engine_stops_a_run_of_one_process_at_once(
    world: World, fresh: Path, mark: str
) -> None:
    kept_by_a_run_whose_engine_is_killed(world, fresh, mark, workers=0)


def test_a_killed_engine_stops_all_workers_at_once_and_the_next_run_asks_only_the_rest(
    world: World, fresh: Path, mark: str
) -> None:
    kept = kept_by_a_run_whose_engine_is_killed(world, fresh, mark, workers=2)
    again = run_benchmark(fresh, world.options(2))
    assert again.summary["usage"]["requests"] == CASES - kept
    assert again.summary["complete"] is True
    assert same(again.rows) == same(world.quiet.rows)


def kept_by_a_run_whose_engine_is_killed(world: World, fresh: Path, mark: str, workers: int) -> int:
    """Check how the run ends, and return how many answers are in its store."""
    with started(fresh, world.options(workers, "--vsc-concurrency=1"), mark) as process:
        until_true(lambda: examine(fresh / STORE)[1] >= 1)(process)
        (engine,) = holding_torch(mark)
        until_true(lambda: examine(fresh / STORE)[1] >= KEPT)(process)
        os.kill(engine, signal.SIGKILL)
        status = process.wait(ENDED_WITHIN_S)
    assert survivors(mark) == ()
    screen, (integrity, kept) = screen_of(fresh, mark), examine(fresh / STORE)
    assert (status, integrity) == (pytest.ExitCode.INTERRUPTED, "ok")
    assert screen.count("stopped: the local engine ended") == 1
    assert "run the same command again" in screen
    assert "Traceback" not in screen
    broken = read_newest(fresh, screen).summary
    assert broken["complete"] is False
    assert broken["counts"]["by_kind"]["target-error"] == 0
    assert KEPT <= broken["counts"]["scored"] == kept < CASES
    return kept


def test_the_engine_ends_with_a_pytest_that_was_killed(
    world: World, fresh: Path, mark: str
) -> None:
    with started(fresh, world.options(2, "--vsc-concurrency=1"), mark) as process:
        until_true(lambda: examine(fresh / STORE)[1] >= 1)(process)
        assert len(holding_torch(mark)) == 1
        kill_at_once(process, mark, Aim.LEADER)
    assert survivors(mark) == ()


def test_out_of_memory_makes_batches_smaller_and_loses_no_case(
    world: World, fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (fresh / "sitecustomize.py").write_text(LITTLE_MEMORY, encoding="utf-8")
    for name, value in {"PYTHONPATH": str(fresh), "MALLOC_ARENA_MAX": "1"}.items():
        monkeypatch.setenv(name, value)
    (fresh / "system.txt").write_text("You are careful. " * 150, encoding="utf-8")
    squeezed = run_benchmark(fresh, world.options(0, "--vsc-system=system.txt"))
    assert "out of memory: from now on at most" in (fresh / LOG).read_text(encoding="utf-8")
    assert len(loads(fresh)) == 1
    assert squeezed.summary["complete"] is True, squeezed.screen
    assert squeezed.summary["counts"]["by_kind"]["target-error"] == 0
    assert squeezed.screen.count("note: memory ran out: batches were made smaller") == 1


# One of the two cannot be asked without an image; of the others, as of llava, it is
# tests/models/local that says of each that it answers in a batch as alone.
@pytest.mark.parametrize("name", ["mllama", "instructblip"])
def test_an_architecture_gives_the_same_outcomes_whatever_the_number_of_workers(
    name: str, fresh: Path
) -> None:
    checkpoint = make_tiny(name, fresh / "weights")
    runs = []
    for workers in (0, 2):
        folder = fresh / f"workers{workers}"
        folder.mkdir()
        with_witness(folder)
        runs.append(run_benchmark(folder, options_for(checkpoint, workers, "--vsc-sample=24")))
        assert len(loads(folder)) == 1
    assert same(runs[0].rows) == same(runs[1].rows)
    kinds = {row["kind"] for row in runs[0].rows if row["variant"] == "text"}
    asks_without_image = name != "instructblip"
    assert ("target-error" not in kinds) is asks_without_image
    pictured = [row for row in runs[0].rows if row["variant"] != "text"]
    assert len({row["response"] for row in pictured}) > len(pictured) / 2
    assert all(row["error"] is None for row in pictured)


def test_a_system_prompt_reaches_the_model(world: World, fresh: Path) -> None:
    (fresh / "system.txt").write_text("You are careful.", encoding="utf-8")
    told = run_benchmark(fresh, world.options(0, "--vsc-system=system.txt"))
    longer = {
        with_system["prompt_tokens"] - alone["prompt_tokens"]
        for with_system, alone in zip(told.rows, world.quiet.rows, strict=True)
    }
    assert min(longer) > 0
    assert without(told.rows, "latency_s") != without(world.quiet.rows, "latency_s")


def test_a_text_model_and_the_model_of_its_judge_share_the_engine_and_a_plan_loads_neither(
    world: World, fresh: Path
) -> None:
    checkpoint = make_tiny("llama", fresh / "weights")
    judge = ["--vsc-judge=rubric", f"--vsc-judge-model=local:{world.checkpoint}"]
    options = options_for(checkpoint, 0, "--vsc-variant=text", "--vsc-sample=16", *judge)
    plan = run_pytest(fresh, [*options, "--vsc-dry-run"])
    assert re.search(r"requests +16\b", plan)
    assert loads(fresh) == []
    judged = run_benchmark(fresh, options)
    assert [str(checkpoint) in line for line in loads(fresh)] == [True, False]
    assert seen(fresh)["main"]["engines"] == 1
    assert judged.summary["counts"]["by_kind"]["judge-error"] == 16
    assert all(row["response"] for row in judged.rows)


def run_pytest(folder: Path, options: Sequence[str]) -> str:
    """Return what a run prints that must end well."""
    command = [sys.executable, "-m", "pytest", *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


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
    result = pytester.runpytest_subprocess(f"--model=local:{checkpoint}", "-n", str(workers))
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    told = [each for each in result.errlines if each]
    assert len(told) == 1
    assert fnmatch(told[0], f"ERROR: --model=local:{checkpoint}{line}")
    assert "Traceback" not in result.stdout.str()
    assert not list(pytester.path.glob("reports/*"))
