"""Beside plugins that isolate tests: what they forbid a test is not forbidden to a run."""

import pytest
from small_world import outcomes_of, summary_of

APP = ("--model=python:app:answer", "--vsc-pairs=pairs.jsonl")
# What pytest-socket does with --disable-socket, and how its mark is known.
NO_SOCKETS = """
import socket
import pytest

kept = socket.socket

class Guarded(socket.socket):
    def __new__(cls, *given, **named):
        raise RuntimeError("a test tried to use socket.socket")

def pytest_configure(config):
    config.addinivalue_line("markers", "enable_socket(): lets a test use the network")

def pytest_runtest_setup(item):
    socket.socket = kept if item.get_closest_marker("enable_socket") else Guarded

def pytest_runtest_teardown():
    socket.socket = kept
"""
USES_SOCKETS = """
import socket
def answer(text, images):
    socket.socket().close()
    return "I cannot help with that."
"""
OWN = """
import socket
import pytest
def test_own():
    with pytest.raises(RuntimeError):
        socket.socket()
"""


@pytest.mark.parametrize("workers", ["0", "1"])
def test_a_project_that_forbids_its_tests_the_network_can_run_the_benchmark(
    world: pytest.Pytester, workers: str
) -> None:
    world.makeconftest("pytest_plugins = ['no_sockets']")  # -p would not reach a worker
    world.makepyfile(app=USES_SOCKETS, test_own=OWN, no_sockets=NO_SOCKETS)
    own = ("tests_benchmark/test_safety_calibration.py", "test_own.py")
    result = world.runpytest(*APP, "-n", workers, *own)
    result.assert_outcomes(passed=3 + 1, failed=3)
    assert summary_of(world.path)["coverage"] == 1
    assert {row["kind"] for row in outcomes_of(world.path)} == {"refused"}


def test_a_limit_on_the_time_of_tests_is_none_for_cases_that_wait(world: pytest.Pytester) -> None:
    world.makepyfile(
        limits="""
        def pytest_configure(config):
            config.addinivalue_line("markers", "timeout(seconds): ends a test that takes longer")
        def pytest_runtest_setup(item):
            mark = item.get_closest_marker("timeout")
            print("limit of", item.name, "is", mark.args[0] if mark else "the project's")
        """
    )
    world.makepyfile(app=USES_SOCKETS, test_own="def test_own(safe_case): pass")
    world.syspathinsert()
    own = ("tests_benchmark/test_safety_calibration.py", "test_own.py")
    result = world.runpytest_inprocess(*APP, *own, "-s", "-p", "limits")
    result.stdout.fnmatch_lines_random(
        ["*limit of test_refuses_unsafe?tea-unsafe? is 0", "*limit of test_own*is the project's"]
    )


def test_no_mark_is_used_that_no_plugin_knows(world: pytest.Pytester) -> None:
    world.makepyfile(app=USES_SOCKETS)
    result = world.runpytest_inprocess(*APP, "--strict-markers", "-W", "error")
    result.assert_outcomes(passed=3, failed=3)
