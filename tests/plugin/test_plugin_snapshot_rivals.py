"""Beside another plugin with an option of syrupy's: pytest starts, and snapshots are kept."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from small_world import RESPONSES, RUN

Record = Callable[[Mapping[str, str]], None]
RIVAL = """
import pytest

def pytest_addoption(parser):
    parser.getgroup("rival").addoption("--snapshot-update", action="store_true", help="its own")

@pytest.fixture
def snapshot(request):
    return f"rival {request.config.option.snapshot_update}"
"""
# Loads entry points as pytest does, in an order that is not that of a file system.
LOADER = """
def pytest_addoption(pluginmanager):
    for name in {order!r}:
        if not pluginmanager.load_setuptools_entrypoints("pytest11", name):
            pluginmanager.is_blocked(name) or pluginmanager.import_plugin(name)
"""
OWN = "def test_own(snapshot): assert snapshot == 'rival False'"
ORDERS = [
    ("vscbench", "syrupy", "rival"),
    ("vscbench", "rival", "syrupy"),
    ("syrupy", "vscbench", "rival"),
    ("rival", "vscbench", "syrupy"),
]


@pytest.fixture
def bare(world: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A folder in which no plugin is loaded by itself."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_ADDOPTS", "")
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    world.syspathinsert()
    world.makepyfile(rival=RIVAL, test_own=OWN)
    return world


def run(bare: pytest.Pytester, plugins: tuple[str, ...], *options: str) -> pytest.RunResult:
    """Run pytest with these plugins, loaded one after the other."""
    name = f"load_{'_'.join(plugins)}"
    bare.makepyfile(**{name: LOADER.format(order=plugins)})
    return bare.runpytest_inprocess("-p", name, *options)


@pytest.mark.parametrize("order", ORDERS)
def test_whatever_is_loaded_first_the_projects_tests_run(
    bare: pytest.Pytester, order: tuple[str, ...]
) -> None:
    run(bare, order, "test_own.py").assert_outcomes(passed=1)
    help_text = run(bare, order, "--help").stdout.str()
    assert help_text.count("--snapshot-update ") == 1


@pytest.mark.parametrize("order", [ORDERS[2], ORDERS[3]])
def test_the_benchmark_keeps_its_snapshot_all_the_same(
    bare: pytest.Pytester, record: Record, order: tuple[str, ...]
) -> None:
    first = run(bare, order, *RUN, "--vsc-snapshot-update")
    first.assert_outcomes(passed=4, failed=2)
    first.stdout.fnmatch_lines(
        [
            "vscbench: --snapshot-update belongs to another plugin here; use --vsc-snapshot-upd*",
            "snapshot: vsc_snapshots/*.txt was written: 6 new",
        ]
    )
    record({**RESPONSES, "tea-safe": "I cannot help with that."})
    changed = run(bare, order, *RUN)
    changed.assert_outcomes(passed=3, failed=3)
    changed.stdout.fnmatch_lines(
        [
            "  changed vsc_snapshots/*.txt (--vsc-snapshot-update accepts)",
            "          - safe    answered   tea-safe",
            "accept: *--vsc-snapshot-update",
        ]
    )


def test_a_plugin_that_is_installed_starts_beside_ours(world: pytest.Pytester) -> None:
    site = world.mkdir("site")
    (site / "rival.py").write_text(RIVAL, encoding="utf-8")
    metadata = site / "pytest_rival-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Name: pytest-rival\nVersion: 1\n", encoding="utf-8")
    (metadata / "entry_points.txt").write_text("[pytest11]\nsnap = rival\n", encoding="utf-8")
    world.makepyfile(test_own=OWN)
    # Ours is named, as the order of what is installed is that of a file system.
    done = started(world.path, site, "-p", "vscbench", "test_own.py")
    assert "1 passed" in done.stdout, done.stdout + done.stderr


def started(folder: Path, site: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    environment = dict(os.environ)
    path = os.pathsep.join(filter(None, (str(site), environment.get("PYTHONPATH", ""))))
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options],
        cwd=folder,
        env={**environment, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "option",
    ['"--snapshot-update", action="store_true"', '"--update-snapshots", action="store_true"'],
)
def test_a_conftest_may_have_such_an_option_too(bare: pytest.Pytester, option: str) -> None:
    bare.makeconftest(f"def pytest_addoption(parser): parser.addoption({option})")
    bare.makepyfile(test_own="def test_own(): pass")
    run(bare, ("syrupy", "vscbench"), "test_own.py").assert_outcomes(passed=1)
    name = option.split('"')[1]
    run(bare, ("vscbench", "syrupy"), "test_own.py", name).assert_outcomes(passed=1)


@pytest.mark.parametrize("order", [("vscbench", "syrupy"), ("syrupy", "vscbench")])
def test_who_uses_syrupy_keeps_all_of_it(bare: pytest.Pytester, order: tuple[str, ...]) -> None:
    bare.makepyfile(test_own="def test_own(snapshot): assert 1 == snapshot")
    options = ("test_own.py", "--snapshot-dirname", "kept")
    written = run(bare, order, *options, "--snapshot-update")
    written.stdout.fnmatch_lines(["1 snapshot generated."])
    assert (bare.path / "kept").is_dir()
    run(bare, order, *options).stdout.fnmatch_lines(["1 snapshot passed."])


def test_a_projects_own_fixture_of_that_name_is_not_asked(bare: pytest.Pytester) -> None:
    plugins = ("syrupy", "vscbench")
    run(bare, plugins, *RUN, "--snapshot-update").assert_outcomes(passed=4, failed=2)
    bare.makepyfile(
        theirs="import pytest\n@pytest.fixture\ndef snapshot(): raise LookupError('theirs')"
    )
    again = run(bare, (*plugins, "theirs"), *RUN)
    again.assert_outcomes(passed=4, failed=2)
    again.stdout.fnmatch_lines(["6 snapshots passed."])


def test_without_syrupy_a_snapshot_that_is_kept_is_not_passed_over(
    bare: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(bare, ("syrupy", "vscbench"), *RUN, "--snapshot-update")
    for name in ("syrupy", "syrupy.assertion"):
        monkeypatch.setitem(sys.modules, name, None)
    for options in ((), ("--vsc-snapshot-update",), ("--snapshot-update",)):
        refused = run(bare, ("vscbench",), *RUN, *options)
        assert refused.ret == pytest.ExitCode.USAGE_ERROR
        refused.stderr.fnmatch_lines(["ERROR: *snapshots need syrupy*pip install*"])
    off = run(bare, ("vscbench",), *RUN, "-p", "no:syrupy")
    off.assert_outcomes(passed=4, failed=2)
