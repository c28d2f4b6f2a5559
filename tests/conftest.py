"""What every test of the project may ask for."""

import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest
from runs_within import Libraries
from warm_senders import Starter

from vscbench.models import sender_processes
from vscbench.models.local.opening import LOCAL_ENGINE
from vscbench.models.sender_processes import LITELLM, Program

# pytest reads this file in a checkout whatever it runs there, also without what tests need.
if importlib.util.find_spec("hypothesis") is not None:
    from hypothesis import settings

    # The same examples on every machine of continuous integration; no test is about time.
    settings.register_profile("ci", derandomize=True, deadline=None)
    settings.register_profile("local", deadline=None)
    settings.load_profile("ci" if os.environ.get("CI") else "local")


# torch and numpy compute on one thread, here and in all processes of tests: tiny models gain
# nothing by more, and threads that wait for each other take the cores from the tests beside them.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Runs that tests start are no step of the build that runs the tests.
for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
    os.environ.pop(name, None)


START_INTERPRETER = sender_processes.start_interpreter

# What runs that tests start leave out: plugins that no test is about, and half of their time.
LIGHT = "-p no:hypothesispytest -p no:anyio"


@pytest.fixture(scope="session", autouse=True)
def light_runs() -> Iterator[None]:
    """Runs that tests start as processes are light."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTEST_ADDOPTS", LIGHT)
        yield


@pytest.fixture
def libraries(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Libraries]:
    """What runs within this process imported; it stays when pytester has ended."""
    libraries = Libraries(tmp_path_factory.getbasetemp())
    yield libraries
    libraries.restore()


@pytest.fixture
def pytester(
    libraries: Libraries, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> pytest.Pytester:
    """pytest's own; ``pytester.runpytest`` runs within this process, as if it were a shell's."""
    monkeypatch.setenv("PYTEST_ADDOPTS", LIGHT)  # pytester forgets it
    pytester.syspathinsert()
    monkeypatch.setattr(pytester, "inline_run", libraries.keep_after(pytester.inline_run))
    return pytester


@pytest.fixture(scope="session", autouse=True)
def warm_senders() -> Iterator[None]:
    """Processes of models start with litellm or transformers imported: seconds of work spared."""
    if sys.platform != "linux":  # elsewhere a process that forks is not safe
        yield
        return
    starters = {program: Starter(program) for program in (LITELLM, LOCAL_ENGINE)}

    def start(program: Program, log: IO[bytes]) -> object:
        starter = starters.get(program)
        if starter is None or not starter.will_do:
            return START_INTERPRETER(program, log)
        return starter.start(log)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sender_processes, "start_interpreter", start)
        yield
    for starter in starters.values():
        starter.close()


@pytest.fixture
def cold_senders(warm_senders: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes of models start as they do for users: what a test is about, or the import."""
    monkeypatch.setattr(sender_processes, "start_interpreter", START_INTERPRETER)


@pytest.fixture(scope="session")
def reference_data() -> Path:
    """The folder with ``vscbench/`` and ``judge/``; the test is skipped where it is not there."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("VSCBENCH_REFERENCE_DATA", beside))
    if not (folder / "vscbench").is_dir():
        pytest.skip(f"no reference data at {folder}; set VSCBENCH_REFERENCE_DATA to its folder")
    return folder
