import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from servers import openai_server
from small_world import outcomes_of, summary_of
from stand_in_engine import Mood, StandIn, write_vllm
from waiting import wait_until

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")

CASES = 12
MODEL = "--model=vllm:org/weights"
SAMPLE = f"--vsc-sample={CASES}"
LAST_WORDS = "EngineDeadError: CUDA error: an illegal memory access"


@pytest.fixture
def vllm(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """A stand-in for vLLM, the first that is found."""
    stand_in = write_vllm(pytester.path / "bin")
    monkeypatch.setenv("PATH", f"{stand_in.folder}{os.pathsep}{os.environ['PATH']}")
    return stand_in


def run(pytester: pytest.Pytester, *options: str) -> pytest.RunResult:
    return pytester.runpytest_subprocess(MODEL, SAMPLE, *options)


def pids(stand_in: StandIn) -> list[int]:
    return [pid for started in stand_in.starts() for pid in started.living]


def logs(pytester: pytest.Pytester) -> list[Path]:
    return sorted((pytester.path / ".vscbench").glob("vllm-*.log"))


@pytest.mark.parametrize("workers", ["0", "3"])
def test_one_server_answers_every_case_and_ends_with_the_run(
    pytester: pytest.Pytester, vllm: StandIn, workers: str
) -> None:
    vllm.behave(Mood(looks=2))
    result = run(pytester, "-n", workers, "--vsc-param=serve.tensor_parallel_size=4")
    (started,) = vllm.starts()
    assert started.option("--tensor-parallel-size") == "4"
    assert pids(vllm) == []
    assert summary_of(pytester.path)["counts"]["scored"] == CASES
    (log,) = logs(pytester)
    result.stdout.fnmatch_lines([f"vscbench: the vLLM server for org/weights is started*{log}"])
    everything = [path for path in pytester.path.rglob("*") if path.is_file()]
    texts = [path.read_bytes() for path in everything if path.parent.name != "bin"]
    assert not any(started.key.encode() in text for text in texts)
    assert started.key not in result.stdout.str()
    assert started.option("--port") not in str(summary_of(pytester.path)["run"])


def test_a_run_whose_answers_are_stored_starts_nothing_even_without_vllm(
    pytester: pytest.Pytester, vllm: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(pytester, "--vsc-report=one/reports", "--vsc-param=serve.tensor_parallel_size=4")
    (vllm.folder / "vllm").unlink()
    run(pytester, "--vsc-report=two/reports", "--vsc-param=serve.tensor_parallel_size=2")
    assert len(vllm.starts()) == len(logs(pytester)) == 1
    assert summary_of(pytester.path / "two")["usage"]["cached"] == CASES
    assert outcomes_of(pytester.path / "one") == outcomes_of(pytester.path / "two")


def test_weights_in_a_folder_are_served_and_asked_again_once_they_changed(
    pytester: pytest.Pytester, vllm: StandIn
) -> None:
    config = pytester.path / "weights" / "config.json"
    config.parent.mkdir()
    for number, text in enumerate(("{}", "{}", '{"trained": "again"}')):
        config.write_text(text, encoding="utf-8")
        model = f"--model=vllm:{config.parent}"
        pytester.runpytest_subprocess(model, SAMPLE, f"--vsc-report={number}/reports")
        assert summary_of(pytester.path / str(number))["counts"]["scored"] == CASES
    assert len(vllm.starts()) == 2


def test_an_option_that_may_change_answers_asks_again(
    pytester: pytest.Pytester, vllm: StandIn
) -> None:
    run(pytester, "--vsc-report=one/reports")
    run(pytester, "--vsc-report=two/reports", "--vsc-param=serve.quantization=fp8")
    assert len(vllm.starts()) == 2
    assert summary_of(pytester.path / "two")["usage"]["cached"] == 0
    served = summary_of(pytester.path / "two")["run"]["params"]["serve"]
    assert served == {"quantization": "fp8"}


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


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_death_in_mid_run_keeps_what_was_answered_and_the_same_command_goes_on(
    pytester: pytest.Pytester, vllm: StandIn, workers: str
) -> None:
    options = ("-n", workers, "--vsc-concurrency=2")
    vllm.behave(Mood(answers=5, last_words=LAST_WORDS, status=1))
    result = run(pytester, *options, "--vsc-report=one/reports")
    result.stdout.fnmatch_lines(["stopped: *ended while it was asked*", f"*{LAST_WORDS}*"])
    broken = summary_of(pytester.path / "one")
    assert broken["complete"] is False
    assert broken["counts"]["by_kind"]["target-error"] == 0
    vllm.behave(Mood())
    run(pytester, *options, "--vsc-report=two/reports")
    whole = summary_of(pytester.path / "two")
    assert (whole["complete"], whole["counts"]["scored"]) == (True, CASES)
    assert whole["usage"]["requests"] <= CASES - 3
    assert len(vllm.starts()) == 2


@pytest.mark.parametrize("signal_sent", [signal.SIGKILL, signal.SIGINT])
@pytest.mark.parametrize("mood", [Mood(looks=None), Mood(latency_s=2.0)], ids=["start", "middle"])
def test_a_run_that_is_killed_or_interrupted_takes_its_server_along(
    pytester: pytest.Pytester, vllm: StandIn, mood: Mood, signal_sent: signal.Signals
) -> None:
    vllm.behave(mood)
    command = [sys.executable, "-m", "pytest", MODEL, SAMPLE, "--vsc-concurrency=2"]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with subprocess.Popen(command, cwd=pytester.path, stdout=subprocess.DEVNULL) as process:
            wait_until(vllm.has_been_asked if mood.latency_s else vllm.starts, 60)
            process.send_signal(signal_sent)
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
    assert len(logs(pytester)) == 2


def test_a_server_that_runs_already_is_joined(pytester: pytest.Pytester, vllm: StandIn) -> None:
    with openai_server() as server:
        run(pytester, f"--vsc-api-base={server.base_url}", "--vsc-report=one/reports")
        assert len(server.requests) == CASES
        again = ("--model=hosted_vllm/org/weights", SAMPLE, "--vsc-report=two/reports")
        pytester.runpytest_subprocess(*again, f"--vsc-api-base={server.base_url}")
        assert len(server.requests) == CASES
    assert vllm.starts() == []
