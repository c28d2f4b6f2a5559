"""What every test of the project may ask for."""

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

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


# What runs that tests start leave out: plugins that no test is about, and half of their time.
LIGHT = "-p no:hypothesispytest -p no:anyio"


@pytest.fixture(scope="session", autouse=True)
def light_runs() -> Iterator[None]:
    """Runs that tests start as processes are light."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTEST_ADDOPTS", LIGHT)
        yield


@pytest.fixture
def pytester(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """pytest's own, which forgets the options of runs that it starts; they are light too."""
    monkeypatch.setenv("PYTEST_ADDOPTS", LIGHT)
    return pytester


@pytest.fixture(scope="session")
def reference_data() -> Path:
    """The folder with ``vscbench/`` and ``judge/``; the test is skipped where it is not there."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("VSCBENCH_REFERENCE_DATA", beside))
    if not (folder / "vscbench").is_dir():
        pytest.skip(f"no reference data at {folder}; set VSCBENCH_REFERENCE_DATA to its folder")
    return folder
