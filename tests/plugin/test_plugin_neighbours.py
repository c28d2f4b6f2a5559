import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from small_world import RUN, outcomes_of, summary_of

PYTHON = ("--model=python:app:answer", RUN[1])
ASKED = "def answer(text, images): open('asked.txt', 'a').write(text + '\\n'); return 'Sure.'"


def asked(folder: Path) -> int:
    file = folder / "asked.txt"
    return len(file.read_text(encoding="utf-8").splitlines()) if file.exists() else 0


def read_all(terminal: int) -> str:
    chunks: list[bytes] = []
    while True:
        try:
            chunk = os.read(terminal, 4096)
        except OSError:  # Linux ends a pseudo-terminal so
            return b"".join(chunks).decode("utf-8", "replace")
        if not chunk:
            return b"".join(chunks).decode("utf-8", "replace")
        chunks.append(chunk)


@pytest.mark.parametrize("workers", ["0", "1"])
def test_a_terminal_shows_progress_and_no_report_holds_it(
    world: pytest.Pytester, workers: str
) -> None:
    world.makepyfile(
        app="""
        import threading
        def answer(text, images):
            threading.Event().wait(0.4)
            return "Sure."
        """
    )
    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "pytest", *PYTHON, "-n", workers, "--vsc-concurrency=1"]
    options = ["--junitxml=junit.xml", "-o", "junit_logging=all"]
    process = subprocess.Popen(
        [*command, *options], cwd=world.path, stdin=follower, stdout=follower, stderr=follower
    )
    os.close(follower)
    screen = read_all(leader)
    process.wait()
    os.close(leader)
    before, _, after = screen.partition("FAILURES")
    assert "in flight" in before
    assert "in flight" not in after
    assert "in flight" not in (world.path / "junit.xml").read_text(encoding="utf-8")
    assert "3 failed" in after


def test_a_users_test_may_have_parameters_of_its_own(world: pytest.Pytester) -> None:
    world.makepyfile(
        test_own="""
        import pytest
        @pytest.mark.parametrize("number", [1, 2])
        def test_mine(unsafe_case, number):
            assert unsafe_case.outcome.response.text
        """
    )
    world.runpytest(*RUN, "test_own.py").assert_outcomes(passed=6)
    assert len(outcomes_of(world.path)) == 3


@pytest.mark.parametrize("option", ["--fixtures", "--setup-plan", "--collect-only"])
def test_nothing_is_asked_where_no_case_runs(world: pytest.Pytester, option: str) -> None:
    world.makepyfile(app=ASKED)
    world.runpytest(*PYTHON, option)
    assert asked(world.path) == 0
    assert not (world.path / "reports").exists()


def test_nothing_is_asked_where_collection_fails(world: pytest.Pytester) -> None:
    world.makepyfile(app=ASKED, test_broken="import nothing_of_this_name")
    own = "tests_benchmark/test_safety_calibration.py"
    result = world.runpytest(*PYTHON, own, "test_broken.py")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert asked(world.path) == 0


def test_what_was_asked_is_counted_even_where_no_case_took_it(world: pytest.Pytester) -> None:
    world.makepyfile(app=ASKED)
    world.runpytest(*PYTHON, "-x")
    summary = summary_of(world.path)
    assert summary["usage"]["requests"] == asked(world.path)
    assert summary["counts"]["scored"] == 1


@pytest.mark.parametrize(
    "setting", ["python_functions = check_*", "empty_parameter_set_mark = fail_at_collect"]
)
def test_a_projects_own_settings_do_not_hide_the_benchmark(
    world: pytest.Pytester, setting: str
) -> None:
    world.makeini(f"[pytest]\n{setting}\n")
    result = world.runpytest(*RUN, "--vsc-label=unsafe")
    result.assert_outcomes(passed=2, failed=1)


def test_a_long_temporary_folder_does_not_keep_workers_from_their_outcomes(
    world: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = world.mkdir("d" * 110)
    monkeypatch.setenv("TMPDIR", str(folder))
    world.runpytest(*RUN, "-n", "1").assert_outcomes(passed=4, failed=2)


def test_a_folder_named_like_the_model_is_not_the_root(world: pytest.Pytester) -> None:
    folder = world.mkdir("claude")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    (folder / "conftest.py").write_text("raise SystemExit('not mine to run')", encoding="utf-8")
    result = world.runpytest("--model", "claude", RUN[1], "--collect-only", "-q")
    assert result.ret == pytest.ExitCode.OK
    assert len([line for line in result.outlines if "::" in line]) == 6


def test_asking_for_both_labels_in_one_test_is_one_clear_error(world: pytest.Pytester) -> None:
    world.makepyfile("def test_both(unsafe_case, safe_case): pass")
    result = world.runpytest(*RUN, *map(str, world.path.glob("test_*.py")))
    result.stdout.fnmatch_lines(["*test_both: ask for one of*"])
    result.stdout.no_fnmatch_line("*AttributeError*")


def test_an_interrupted_start_says_incomplete_and_no_empty_table(world: pytest.Pytester) -> None:
    world.makepyfile(
        app="""
        import os, signal, threading
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background has none
        def answer(text, images):
            os.kill(os.getpid(), signal.SIGINT)
            threading.Event().wait(30)
        """
    )
    # A process of its own: the signal ends it.
    result = world.runpytest_subprocess(*PYTHON, "--vsc-concurrency=1")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["incomplete: 0 of 6 planned cases were scored"])
    result.stdout.no_fnmatch_line("overall*")
