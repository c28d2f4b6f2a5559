"""Ours, as anybody would run it, and what no run of it can beat: pytest over empty cases."""

import sys
from pathlib import Path

from benchmarks.peers.contender import Contender, Launch, versions_of
from benchmarks.peers.workload import MODEL, Workload

EMPTY_CASES = """
import pytest

@pytest.mark.parametrize("pair", {ids!r})
def test_empty(pair):
    pass
"""


def ours(workers: int) -> Contender:
    """Return ours at ``-n WORKERS``; its folder becomes pytest's root, where the store is."""

    def prepare(work: Workload, folder: Path) -> Launch:
        options = [
            f"--model=openai/{MODEL}",
            f"--vsc-api-base={work.base_url}",
            f"--vsc-pairs={work.folder}",
            f"--vsc-concurrency={work.concurrency}",
            f"--vsc-report={folder / 'reports'}",
        ]
        return Launch([*pytest_in(folder, workers), *options])

    return Contender(f"ours -n {workers}", _version("vscbench"), prepare)


def pytest_alone(workers: int) -> Contender:
    """Return pytest at ``-n WORKERS`` over as many cases with the same ids and nothing in them."""

    def prepare(work: Workload, folder: Path) -> Launch:
        ids = [pair["id"] for pair in work.pairs()]
        (folder / "test_empty.py").write_text(EMPTY_CASES.format(ids=ids), encoding="utf-8")
        return Launch([*pytest_in(folder, workers), "-p", "no:vscbench", "test_empty.py"])

    return Contender(f"pytest alone -n {workers}", _version("pytest"), prepare)


def pytest_in(folder: Path, workers: int) -> list[str]:
    """Return a command that runs pytest of this interpreter with a folder as its root."""
    return [sys.executable, "-m", "pytest", f"--rootdir={folder}", "-n", str(workers)]


def _version(distribution: str) -> str:
    return versions_of(sys.executable, (distribution,)) or f"{distribution} is not installed"
