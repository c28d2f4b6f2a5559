import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from servers import openai_server
from small_world import outcomes_of, summary_of
from stand_in_engine import Mood, StandIn, write_vllm
from waiting import wait_until

from benchmarks.killing import STORE

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")

CASES = 12
MODEL = "--model=vllm:org/weights"
SAMPLE = f"--vsc-sample={CASES}"
TENSOR_PARALLEL = "--vsc-param=serve.tensor_parallel_size=4"
LAST_WORDS = "EngineDeadError: CUDA error: an illegal memory access"


@pytest.fixture
def vllm(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """A stand-in for vLLM, the first that is found."""
    stand_in = write_vllm(pytester.path / "bin")
    put_first(monkeypatch, stand_in)
    return stand_in


def put_first(patch: pytest.MonkeyPatch, stand_in: StandIn) -> None:
    patch.setenv("PATH", f"{stand_in.folder}{os.pathsep}{os.environ['PATH']}")


@dataclass(frozen=True, slots=True)
class Done:
    """The folder of a run of one process, its stand-in, and what it printed."""

    folder: Path
    vllm: StandIn
    screen: str


@pytest.fixture(scope="module")
def undisturbed() -> list[Done]:
    """The run, once a test has made it."""
    return []


@pytest.fixture
def done(
    undisturbed: list[Done], pytester: pytest.Pytester, tmp_path_factory: pytest.TempPathFactory
) -> Done:
    if not undisturbed:
        folder = tmp_path_factory.mktemp("done")
        vllm = write_vllm(folder / "bin", Mood(looks=2))
        with pytest.MonkeyPatch.context() as patch:
            put_first(patch, vllm)
            patch.chdir(folder)
            result = run(pytester, TENSOR_PARALLEL)
        undisturbed.append(Done(folder, vllm, result.stdout.str()))
    return undisturbed[0]


@pytest.fixture
def answered(pytester: pytest.Pytester, done: Done) -> Done:
    """The same run, whose store is in the folder of this test."""
    (pytester.path / STORE.parent).mkdir()
    for file in done.folder.glob(f"{STORE}*"):
        shutil.copy(file, pytester.path / STORE.parent)
    return done


def run(pytester: pytest.Pytester, *options: str) -> pytest.RunResult:
    return pytester.runpytest(MODEL, SAMPLE, *options)


def pids(stand_in: StandIn) -> list[int]:
    return [pid for started in stand_in.starts() for pid in started.living]


def logs(folder: Path) -> list[Path]:
    return sorted((folder / ".vscbench").glob("vllm-*.log"))


def test_one_server_answers_every_case_and_ends_with_the_run(done: Done) -> None:
    check_one_server(done)


def test_one_server_answers_every_case_of_all_workers_and_ends_with_the_run(
    pytester: pytest.Pytester, vllm: StandIn
) -> None:
    vllm.behave(Mood(looks=2))
    result = run(pytester, "-n", "2", TENSOR_PARALLEL)
    check_one_server(Done(pytester.path, vllm, result.stdout.str()))


def check_one_server(done: Done) -> None:
    (started,) = done.vllm.starts()
    assert started.option("--tensor-parallel-size") == "4"
    assert pids(done.vllm) == []
    assert summary_of(done.folder)["counts"]["scored"] == CASES
    (log,) = logs(done.folder)
    told = f"vscbench: the vLLM server for org/weights is started*{log}"
    pytest.LineMatcher(done.screen.splitlines()).fnmatch_lines([told])
    everything = [path for path in done.folder.rglob("*") if path.is_file()]
    texts = [path.read_bytes() for path in everything if path.parent.name != "bin"]
    assert not any(started.key.encode() in text for text in texts)
    assert started.key not in done.screen
    assert started.option("--port") not in str(summary_of(done.folder)["run"])


def test_a_run_whose_answers_are_stored_starts_nothing_even_without_vllm(
    pytester: pytest.Pytester, answered: Done
) -> None:
    run(pytester, "--vsc-param=serve.tensor_parallel_size=2")
    assert logs(pytester.path) == []
    assert summary_of(pytester.path)["usage"]["cached"] == CASES
    assert outcomes_of(pytester.path) == outcomes_of(answered.folder)


def test_weights_in_a_folder_are_served_and_asked_again_once_they_changed(
    pytester: pytest.Pytester, vllm: StandIn
) -> None:
    config = pytester.path / "weights" / "config.json"
    config.parent.mkdir()
    for number, text in enumerate(("{}", "{}", '{"trained": "again"}')):
        config.write_text(text, encoding="utf-8")
        model = f"--model=vllm:{config.parent}"
        pytester.runpytest(model, SAMPLE, f"--vsc-report={number}/reports")
        assert summary_of(pytester.path / str(number))["counts"]["scored"] == CASES
    assert len(vllm.starts()) == 2


def test_an_option_that_may_change_answers_asks_again(
    pytester: pytest.Pytester, vllm: StandIn, answered: Done
) -> None:
    run(pytester, "--vsc-param=serve.quantization=fp8")
    assert len(vllm.starts()) == 1
    summary = summary_of(pytester.path)
    assert (summary["usage"]["cached"], summary["counts"]["scored"]) == (0, CASES)
    assert summary["run"]["params"]["serve"] == {"quantization": "fp8"}


def test_a_plan_starts_nothing(pytester: pytest.Pytester, vllm: StandIn) -> None:
    result = run(pytester, "--vsc-dry-run")
    result.stdout.fnmatch_lines([f"*requests*{CASES}*"])
    assert vllm.starts() == []


def test_without_vllm_there_is_one_line_with_what_to_do(pytester: pytest.Pytester) -> None:
    result = run(pytester)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["ERROR: --model=vllm:org/weights: vLLM is not installed*pip install vllm*--vsc-api-base*"]
    )


def test_a_server_that_dies_at_its_start_stops_the_run_and_nothing_is_an_error(
    pytester: pytest.Pytester, vllm: StandIn
) -> None:
    vllm.behave(Mood(last_words=LAST_WORDS, status=1))
    result = run(pytester)
    assert result.ret != pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["stopped: *ended before it was ready*", f"*{LAST_WORDS}*"])
    summary = summary_of(pytester.path)
    assert summary["complete"] is False
    assert summary["counts"]["by_kind"]["target-error"] == 0
    assert len(vllm.starts()) == 1


def test_a_death_in_mid_run_keeps_what_was_answered_and_the_same_command_goes_on(
    pytester: pytest.Pytester, vllm: StandIn
) -> None:
    vllm.behave(Mood(answers=5, last_words=LAST_WORDS, status=1))
    result = run(pytester, "--vsc-concurrency=2", "-n", "2", "--vsc-report=one/reports")
    result.stdout.fnmatch_lines(["stopped: *ended while it was asked*", f"*{LAST_WORDS}*"])
    broken = summary_of(pytester.path / "one")
    assert broken["complete"] is False
    assert broken["counts"]["by_kind"]["target-error"] == 0
    assert broken["counts"]["scored"] >= 3
    vllm.behave(Mood())
    run(pytester, "--vsc-concurrency=2", "--vsc-report=two/reports")
    whole = summary_of(pytester.path / "two")
    assert (whole["complete"], whole["counts"]["scored"]) == (True, CASES)
    assert whole["usage"]["requests"] <= CASES - 3
    assert len(vllm.starts()) == 2


# tests/models/served says it of a run that is killed.
@pytest.mark.parametrize(
    "mood",
    [
        Mood(looks=None),
        Mood(latency_s=2.0),
    ],
    ids=["at-its-start", "in-the-middle"],
)
def test_a_run_that_is_interrupted_takes_its_server_along(
    pytester: pytest.Pytester, vllm: StandIn, mood: Mood
) -> None:
    vllm.behave(mood)
    command = [sys.executable, "-m", "pytest", MODEL, SAMPLE, "--vsc-concurrency=2"]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with subprocess.Popen(command, cwd=pytester.path, stdout=subprocess.DEVNULL) as process:
            wait_until(vllm.has_been_asked if mood.latency_s else vllm.starts, 60)
            process.send_signal(signal.SIGINT)
            process.wait(60)
    finally:
        signal.signal(signal.SIGINT, before)
    wait_until(lambda: not pids(vllm))


def test_target_and_judge_have_a_server_each(pytester: pytest.Pytester, vllm: StandIn) -> None:
    run(pytester, "--vsc-judge=guard:vllm:allenai/wildguard", "--vsc-param=serve.dtype=half")
    started = {each.option("--served-model-name"): each for each in vllm.starts()}
    assert set(started) == {"org/weights", "allenai/wildguard"}
    assert "--dtype" not in started["allenai/wildguard"].arguments
    assert summary_of(pytester.path)["counts"]["scored"] == CASES
    ports = {each.option("--port") for each in started.values()}
    assert len(ports) == len({each.key for each in started.values()}) == 2
    assert pids(vllm) == []
    assert len(logs(pytester.path)) == 2


def test_a_server_that_runs_already_is_joined(pytester: pytest.Pytester, vllm: StandIn) -> None:
    with openai_server() as server:
        run(pytester, f"--vsc-api-base={server.base_url}", "--vsc-report=one/reports")
        assert len(server.requests) == CASES
        again = ("--model=hosted_vllm/org/weights", SAMPLE, "--vsc-report=two/reports")
        pytester.runpytest(*again, f"--vsc-api-base={server.base_url}")
        assert len(server.requests) == CASES
    assert vllm.starts() == []
