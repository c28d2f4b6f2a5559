"""Time collection of the reference layout against pytest's own over as many empty cases.

    python benchmarks/collection.py FOLDER_WITH_WORKBOOKS [ROUNDS]

The two commands run in turn, in one session; what is printed are medians and their ratio.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

EMPTY_CASES = """
import pytest

@pytest.mark.parametrize("pair", {ids!r})
def test_empty(pair):
    pass
"""


def main() -> None:
    """Run both commands in turn and print medians and ratio."""
    folder = Path(sys.argv[1]).resolve()
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3  # noqa: PLR2004
    collect = [sys.executable, "-m", "pytest", "--collect-only", "-q"]
    ours = [*collect, "--model=embedded", f"--vsc-pairs={folder}"]
    with tempfile.TemporaryDirectory() as empty:
        ids = collected_ids(ours, empty)
        (Path(empty) / "test_empty.py").write_text(EMPTY_CASES.format(ids=ids), encoding="utf-8")
        plain = [*collect, "-p", "no:vscbench", "test_empty.py"]
        times: dict[str, list[float]] = {"ours": [], "pytest alone": []}
        for _ in range(rounds):
            times["ours"].append(wall_s(ours, empty))
            times["pytest alone"].append(wall_s(plain, empty))
    medians = {name: statistics.median(seconds) for name, seconds in times.items()}
    for name, median in medians.items():
        print(f"{name:<14}{median:6.2f} s  (median of {rounds}, {len(ids)} cases)")
    print(f"ratio         {medians['ours'] / medians['pytest alone']:6.2f}")


def collected_ids(command: list[str], folder: str) -> list[str]:
    """Return the ids in brackets of every case that a command collects."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return [line[line.index("[") + 1 : -1] for line in done.stdout.splitlines() if "::" in line]


def wall_s(command: list[str], folder: str) -> float:
    """Return how many seconds a command takes as a whole process."""
    started = time.perf_counter()
    subprocess.run(command, cwd=folder, capture_output=True, check=True)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
