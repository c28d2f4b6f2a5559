"""pytest within a process that goes on: a run of ours leaves that process as it was."""

import asyncio
import logging
import multiprocessing
import os
import signal
import sys
import threading
import warnings
from pathlib import Path

import pytest
from servers import openai_server
from small_world import RUN


def state() -> dict[str, object]:
    """What a run could change and the next would meet."""
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    return {
        "threads": {each.name for each in threading.enumerate() if "vscbench" in each.name},
        "children": children.read_text() if children.exists() else "",
        "multiprocessing": multiprocessing.active_children(),
        "folder": Path.cwd(),
        "environment": {name: os.environ[name] for name in os.environ if name[:7] != "PYTEST_"},
        "path": list(sys.path),
        "finders": list(sys.meta_path),
        "hooks": (sys.excepthook, threading.excepthook, sys.unraisablehook),
        "signals": {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)},
        "filters": list(warnings.filters),
        "handlers": (list(logging.root.handlers), logging.root.level),
        "policy": type(asyncio.get_event_loop_policy()),
        "streams": (sys.stdout.encoding, sys.stdout.errors),
    }


@pytest.mark.usefixtures("cold_senders")
def test_a_run_leaves_its_process_as_it_was(world: pytest.Pytester) -> None:
    before = state()
    with openai_server() as server:
        result = world.runpytest(
            "--model=hosted_vllm/some-vlm",
            RUN[1],
            f"--vsc-api-base={server.base_url}",
            "--vsc-concurrency=1",
        )
    result.assert_outcomes(passed=3, failed=3)
    assert state() == before


def test_a_run_with_workers_leaves_its_process_as_it_was(world: pytest.Pytester) -> None:
    before = state()
    world.runpytest(*RUN, "-n", "1").assert_outcomes(passed=4, failed=2)
    assert state() == before


@pytest.mark.usefixtures("cold_senders")
def test_a_run_that_cannot_begin_leaves_its_process_as_it_was(world: pytest.Pytester) -> None:
    before = state()
    with openai_server() as server:
        wrong = (f"--vsc-api-base={server.base_url}", "--vsc-pairs=nowhere.jsonl")
        result = world.runpytest("--model=hosted_vllm/some-vlm", *wrong)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert state() == before
