import sys
from pathlib import Path

import pytest

from benchmarks.engine import Plan, Run, all_contenders, choose, main, problem_of, row
from benchmarks.process_cost import Cost

PLAN = Plan(Path(), cases=10, image_bytes=3_000, latency_s=0.1, concurrency=4)
STATS = {"requests": 10, "answered": 10, "distinct": 10, "bytes": 9_000, "peak_in_flight": 4}
COST = Cost(0, 1.0, 2.0, 50_000_000, 60_000_000, 0)


def test_ours_alone_asks_once_for_every_pair_and_fills_its_row(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = ["--only", "ours -n 0", "--rounds", "1", "--cases", "6"]
    world = ["--latency", "0.01", "--concurrency", "2", "--image-kb", "3"]
    monkeypatch.setattr(sys, "argv", ["engine.py", *chosen, *world])
    main()
    said = capsys.readouterr().out
    lines = [line for line in said.splitlines() if line.startswith("ours -n 0")]
    wall, ideal, cpu, cpu_a_case, *_, in_flight, asked = lines[0].removeprefix("ours -n 0").split()
    assert float(wall) == pytest.approx(float(ideal) * 0.03, abs=0.01)
    assert float(cpu) == pytest.approx(float(cpu_a_case) * 0.006, abs=0.01)
    assert 1 <= int(in_flight) <= 2
    assert int(asked) == 6
    assert lines[1].split()[-2] == "vscbench"


def test_a_contender_that_is_not_installed_is_one_line_that_says_how_to_get_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        choose(all_contenders("no-such-python", None), "inspect")
    said = capsys.readouterr().out
    assert "skipped: inspect-ai is not installed" in said
    assert "pip install inspect-ai" in said
    assert "no contender that is installed has 'inspect' in its name" in str(ended.value)


@pytest.mark.parametrize(
    ("stats", "problem"),
    [
        ({}, None),
        ({"requests": 9, "answered": 9}, "9 requests for 10 cases"),
        ({"requests": 11, "answered": 10}, "11 requests for 10 cases"),
        ({"distinct": 1}, "1 images"),
        ({"bytes": 3_500}, "in 3500 bytes, expected 4000"),
    ],
)
def test_a_run_counts_only_if_each_pair_was_asked_once_with_its_image(
    stats: dict[str, int], problem: str | None
) -> None:
    found = problem_of(COST, {**STATS, **stats}, PLAN)
    assert found is None if problem is None else problem in (found or "")


def test_a_row_holds_medians_of_the_runs_that_count() -> None:
    costs = [Cost(0, wall, 2 * wall, 50_000_000, None, 0) for wall in (1.0, 9.0, 2.0)]
    runs = [Run(cost, STATS, None) for cost in costs]
    broken = Run(Cost(1, 500.0, 500.0, None, None, 0), STATS, "exit status 1")
    cells = row("ours", [*runs, broken], PLAN).split()
    assert cells == ["ours", "2.00", "8.00", "4.00", "400.00", "50", "-", "4", "10"]
