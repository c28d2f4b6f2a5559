"""One run, side by side, on a local provider: ours against its peers, on the same pairs.

    python benchmarks/engine.py [--cases 900] [--latency 0.1] [--concurrency 32] [--rounds 3]
        [--image-kb 100] [--only NAME,...] [--peer-python PYTHON] [--promptfoo PATH] [--second-run]

Every run is a process of its own in an empty folder, start-up included, against a provider of its
own; the contenders run in turn in each round, and medians are printed. A run counts only if the
provider was asked once for every pair, each with its own image. ``lean`` rows are peers that keep
no results; in all other rows they do. ``--second-run`` also times ours with every answer in the
store against pytest over as many empty cases. Peers are optional:

    python -m venv peers && peers/bin/pip install inspect-ai deepeval openai
    npm install --prefix promptfoo promptfoo@latest node@22
    python benchmarks/engine.py --peer-python peers/bin/python
        --promptfoo promptfoo/node_modules/.bin/promptfoo
"""

import argparse
import datetime
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.peers.contender import Contender, Launch, Missing
from benchmarks.peers.deepeval_suite import deepeval_async, deepeval_suite
from benchmarks.peers.inspect_ai_task import inspect_ai
from benchmarks.peers.ours import ours, pytest_alone
from benchmarks.peers.promptfoo_config import promptfoo
from benchmarks.peers.pytest_litellm import pytest_litellm
from benchmarks.peers.workload import API_KEY, Workload, make_pairs
from benchmarks.process_cost import Cost, measure
from benchmarks.provider import running_provider

MEGABYTE = 1_000_000
BASE64_GROWTH = 4 / 3
TAIL = 1500
HEADINGS = ("wall s", "x ideal", "CPU s", "CPU ms/case", "PSS MB", "RSS MB", "in flight", "asked")


@dataclass(frozen=True, slots=True)
class Run:
    """One run of one contender: its cost, the provider's counts, and why it does not count."""

    cost: Cost
    stats: Mapping[str, Any]
    problem: str | None


@dataclass(frozen=True, slots=True)
class Plan:
    """What is run: the pairs in a folder, the size of their images, and how they are asked."""

    pairs: Path
    cases: int
    image_bytes: int
    latency_s: float
    concurrency: int

    @property
    def ideal_s(self) -> float:
        """The wall if nothing but the provider's latency took time."""
        return self.cases * self.latency_s / self.concurrency


def main() -> None:
    """Run every contender in turn, round by round, and print the table."""
    options = read_options()
    contenders = choose(all_contenders(options.peer_python, options.promptfoo), options.only)
    print(describe_machine(), flush=True)
    with tempfile.TemporaryDirectory(prefix="engine-benchmark-") as scratch:
        pairs = Path(scratch) / "pairs"
        pairs.mkdir()
        image_bytes = make_pairs(pairs, options.cases, options.image_kb)
        plan = Plan(pairs, options.cases, image_bytes, options.latency, options.concurrency)
        runs = run_rounds(contenders, plan, options.rounds, Path(scratch))
        print(table(runs, plan, options.rounds, options.image_kb))
        for contender in contenders:
            print(f"{contender.name:<22}{contender.version}")
        if options.second_run:
            print(second_runs(plan, options.rounds, Path(scratch)))
    if any(run.problem for all_of_one in runs.values() for run in all_of_one):
        raise SystemExit(1)


def read_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", type=int, default=900)
    parser.add_argument("--latency", type=float, default=0.1, help="of the provider, in seconds")
    parser.add_argument("--concurrency", type=int, default=32)
    parser.add_argument("--image-kb", type=float, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="contenders, or parts of their names")
    parser.add_argument("--peer-python", type=os.path.abspath, default=sys.executable)
    parser.add_argument("--promptfoo", help="its program, where it is not on PATH")
    parser.add_argument("--second-run", action="store_true", help="also: all from the store")
    return parser.parse_args()


def all_contenders(python: str, promptfoo_path: str | None) -> list[Contender | Missing]:
    """Return every contender, in the order of the table's rows."""
    return [
        ours(0),
        ours(2),
        promptfoo(promptfoo_path),
        promptfoo(promptfoo_path, lean=True),
        inspect_ai(python),
        inspect_ai(python, lean=True),
        deepeval_async(python),
        deepeval_suite(2, python),
        pytest_litellm(8),
        pytest_litellm(0),
    ]


def choose(found: Iterable[Contender | Missing], only: str) -> list[Contender]:
    """Return those that are asked for and there; one line says how to get each that is not."""
    parts = [part.strip() for part in only.split(",") if part.strip()] or [""]
    asked = [one for one in found if any(part in one.name for part in parts)]
    for one in asked:
        if isinstance(one, Missing):
            print(f"skipped: {one.name} is not installed; {one.remedy}")
    contenders = [one for one in asked if isinstance(one, Contender)]
    if not contenders:
        raise SystemExit(f"no contender that is installed has {only!r} in its name")
    return contenders


def run_rounds(
    contenders: Sequence[Contender], plan: Plan, rounds: int, scratch: Path
) -> dict[str, list[Run]]:
    """Run the contenders in turn, so that a busy moment of the machine hits all of them."""
    runs: dict[str, list[Run]] = {contender.name: [] for contender in contenders}
    for number in range(1, rounds + 1):
        for contender in contenders:
            with tempfile.TemporaryDirectory(dir=scratch) as folder:
                run = run_once(contender.prepare, plan, Path(folder))
            runs[contender.name].append(run)
            note = run.problem or f"{run.cost.wall_s:.2f} s"
            print(f"round {number}: {contender.name}: {note}", file=sys.stderr, flush=True)
    return runs


def run_once(prepare: Callable[[Workload, Path], Launch], plan: Plan, folder: Path) -> Run:
    """Run a contender once in a folder, against a provider of its own."""
    output = folder / "output.txt"
    with running_provider(plan.latency_s) as provider:
        work = Workload(plan.pairs, plan.cases, provider.base_url, plan.concurrency)
        launch = prepare(work, folder)
        cost = measure(launch.command, folder, output, environment_of(launch))
        stats = provider.stats()
    problem = problem_of(cost, stats, plan)
    if problem:
        problem += "\n" + output.read_text(encoding="utf-8", errors="replace")[-TAIL:]
    return Run(cost, stats, problem)


def environment_of(launch: Launch) -> dict[str, str]:
    """Return the environment of a run: this one's, without what steers a pytest around us."""
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("PYTEST_")}
    local = {"OPENAI_API_KEY": API_KEY, "NO_PROXY": "127.0.0.1,localhost"}
    return {**inherited, **local, **launch.environment}


def problem_of(cost: Cost, stats: Mapping[str, Any], plan: Plan) -> str | None:
    """Say why a run does not count; None if every pair was asked once, with its own image."""
    sent = plan.image_bytes * BASE64_GROWTH
    if cost.exit_status:
        return f"exit status {cost.exit_status}"
    if stats["requests"] != plan.cases or stats["answered"] != plan.cases:
        return f"{stats['requests']} requests for {plan.cases} cases, {stats['answered']} answered"
    if stats["distinct"] != plan.cases or stats["bytes"] < sent:
        return f"{stats['distinct']} images in {stats['bytes']} bytes, expected {sent:.0f}"
    if cost.left_behind:
        return f"{cost.left_behind} processes outlived the command"
    return None


def table(runs: Mapping[str, Sequence[Run]], plan: Plan, rounds: int, image_kb: float) -> str:
    """Return the medians of all runs that count, a row a contender."""
    title = (
        f"{plan.cases} cases, images of {image_kb:g} kB, {plan.latency_s:g} s an answer, "
        f"{plan.concurrency} in flight; ideal {plan.ideal_s:.2f} s; medians of {rounds}"
    )
    heading = f"{'':<22}" + "".join(f"{name:>13}" for name in HEADINGS)
    lines = [
        row(name, [run for run in done if not run.problem], plan) for name, done in runs.items()
    ]
    provider = max(run.stats["cpu_s"] for done in runs.values() for run in done) / plan.cases
    note = f"provider: at most {provider * 1000:.2f} ms CPU a request, in no row"
    return "\n".join(["", title, "", heading, *lines, "", note, ""])


def row(name: str, runs: Sequence[Run], plan: Plan) -> str:
    """Return one row, of the runs that count; a cell without a value is a dash."""
    runs = [run for run in runs if not run.problem]
    wall = median(run.cost.wall_s for run in runs)
    cpu = median(run.cost.cpu_s for run in runs)
    pss = median(run.cost.peak_pss_bytes for run in runs)
    rss = median(run.cost.peak_rss_bytes for run in runs)
    cells = (
        cell(wall, 2),
        cell(wall and wall / plan.ideal_s, 2),
        cell(cpu, 2),
        cell(cpu and cpu / plan.cases * 1000, 2),
        cell(pss and pss / MEGABYTE, 0),
        cell(rss and rss / MEGABYTE, 0),
        cell(median(run.stats["peak_in_flight"] for run in runs), 0),
        cell(median(run.stats["requests"] for run in runs), 0),
    )
    return f"{name:<22}" + "".join(f"{text:>13}" for text in cells)


def median(numbers: Iterable[float | None]) -> float | None:
    """Return the median of what is known, or None."""
    known = [number for number in numbers if number is not None]
    return statistics.median(known) if known else None


def cell(number: float | None, digits: int) -> str:
    """Return a number as the table shows it."""
    return "-" if number is None else f"{number:.{digits}f}"


def second_runs(plan: Plan, rounds: int, scratch: Path) -> str:
    """Time ours with every answer in the store against pytest over as many empty cases."""
    lines = ["", "second run, every answer in the store:"]
    for workers in (0, 2):
        with tempfile.TemporaryDirectory(dir=scratch) as folder:
            lines.append(second_run(plan, rounds, Path(folder), workers))
    return "\n".join(lines)


def second_run(plan: Plan, rounds: int, folder: Path, workers: int) -> str:
    """Fill a store, then run ours and pytest alone in turn; return the line with their ratio."""
    walls: dict[str, list[float]] = {}
    with running_provider(plan.latency_s) as provider:
        work = Workload(plan.pairs, plan.cases, provider.base_url, plan.concurrency)
        for number in range(rounds + 1):  # the first round fills the store and warms pytest
            for one in (ours(workers), pytest_alone(workers)):
                own = folder / one.name.replace(" ", "_")
                own.mkdir(exist_ok=True)
                seconds = wall_s(one.prepare(work, own), own)
                walls.setdefault(one.name, []).extend([seconds] if number else [])
        again = provider.stats()["requests"] - plan.cases
    medians = [statistics.median(of_one) for of_one in walls.values()]
    named = ", ".join(f"{name} {wall:.2f} s" for name, wall in zip(walls, medians, strict=True))
    return f"{named}, ratio {medians[0] / medians[1]:.2f}, asked again: {again}"


def wall_s(launch: Launch, folder: Path) -> float:
    """Return the seconds that a command takes, which must succeed."""
    output = folder / "output.txt"
    cost = measure(launch.command, folder, output, environment_of(launch))
    if cost.exit_status:
        tail = output.read_text(encoding="utf-8", errors="replace")[-TAIL:]
        raise SystemExit(f"exit status {cost.exit_status} of {launch.command}\n{tail}")
    return cost.wall_s


def describe_machine() -> str:
    """Return one line on what this ran on, and how busy it was."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    today = datetime.datetime.now(tz=datetime.UTC).date()
    python = platform.python_version()
    return f"{cores} cores{load}, {platform.system()}, Python {python}, {today}"


if __name__ == "__main__":
    main()
