"""Kill a run again and again at random moments, resume it, and hold it against a quiet run.

    python benchmarks/kills.py [--kills 20] [--cases 300] [--workers 0]

Everything that descends from the run dies at the same moment, by SIGKILL; with ``--aim group``
its process group only, with ``--aim leader`` its first process, and what is left has to notice.
With ``--moments asking`` no kill is spent on the start.
Linux only: processes are found in /proc. The exit status is 1 where anything was paid for twice,
lost, or left behind.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from faulty_provider import FAULTS, Attempt, RunningProvider, read_mix, running_provider, share_of

from benchmarks.faults import (
    LONGEST_RUN_S,
    Measured,
    benchmark_options,
    make_pairs,
    read_newest,
)
from benchmarks.killing import Aim, Start, Until, after, screen_of, start_and_kill, until_true

MIX = "block=0.02,refusal=0.02,filter_400=0.02,empty=0.02,text_refusal=0.4"
STARTS_PER_KILL = 3
RUN_DIFFERS = ("id", "started", "finished")
USAGE_DIFFERS = ("requests", "cached", "spent_usd")


@dataclass(frozen=True, slots=True)
class Pace:
    """How a quiet run spends its time: what it takes around asking, and asking itself."""

    around_s: float
    asking_s: float

    def expected_s(self, share_left: float) -> float:
        """Return how long a run takes that has this share of its cases left to ask."""
        return self.around_s + self.asking_s * share_left


def run_to_the_end(folder: Path, options: Sequence[str], mark: str) -> tuple[Start, Measured]:
    """Start a run that nobody kills, and read what it measured."""
    start = start_and_kill(folder, options, mark, after(LONGEST_RUN_S))
    return start, read_newest(folder, screen_of(folder, mark))


def differences(
    quiet: Measured, final: Measured, starts: Sequence[Start], log: Sequence[Attempt], most: int
) -> list[str]:
    """Say everything that the kills cost beyond what was in flight; empty is good.

    Args:
        quiet: what the undisturbed run measured.
        final: what the last of the killed and resumed runs measured.
        starts: every one of these, in order.
        log: the provider's log of all of them.
        most: how many requests a run may have in flight.
    """
    planned, kills = len(quiet.rows), sum(start.killed for start in starts)
    asked = [attempt for attempt in log if attempt.sent not in FAULTS]
    answered = [attempt for attempt in asked if attempt.answered]
    allowed = planned + most * kills
    found = [
        *_outcomes_differ(quiet.rows, final.rows),
        *_summaries_differ(quiet.summary, final.summary),
        *_asked_again(starts, asked, most),
        *_left_behind(starts),
    ]
    for said, count in (("was asked", len(asked)), ("answered", len(answered))):
        if count > allowed:
            found.append(f"the provider {said} {count} times, at most {allowed} were due")
    if len({attempt.content for attempt in answered}) != planned:
        found.append(f"not every one of the {planned} requests was answered")
    if any(attempt.in_flight > most for attempt in log):
        found.append(f"more than {most} requests were in flight at once")
    return found


def _outcomes_differ(
    quiet: Sequence[Mapping[str, Any]], final: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    if len(quiet) != len(final):
        yield f"outcomes.jsonl: {len(quiet)} lines undisturbed, {len(final)} after the kills"
    for first, last in zip(quiet, final, strict=False):
        fields = [
            name
            for name in sorted({*first, *last} - {"latency_s"})
            if (name in first, first.get(name)) != (name in last, last.get(name))
        ]
        for name in fields:
            told = f"{first.get(name)!r} undisturbed, {last.get(name)!r} after the kills"
            yield f"outcomes.jsonl, {first['pair_id']}, {name}: {told}"


def _summaries_differ(quiet: Mapping[str, Any], final: Mapping[str, Any]) -> Iterator[str]:
    first, last = _comparable(quiet), _comparable(final)
    for name in sorted({*first, *last}):
        if first.get(name) != last.get(name):
            told = f"{first.get(name)!r} undisturbed, {last.get(name)!r} after the kills"
            yield f"summary.json, {name}: {told}"


def _comparable(summary: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what may differ: the run's id and times, and what it sent, found and spent."""
    run = {name: value for name, value in summary["run"].items() if name not in RUN_DIFFERS}
    usage = {name: value for name, value in summary["usage"].items() if name not in USAGE_DIFFERS}
    return {**summary, "run": run, "usage": usage}


def _asked_again(starts: Sequence[Start], asked: Sequence[Attempt], most: int) -> Iterator[str]:
    """Check start by start: what is asked again later was in flight when the kill came."""
    ends = [*(start.began for start in starts[1:]), float("inf")]
    for number, (start, end) in enumerate(zip(starts, ends, strict=True), 1):
        own = [each.content for each in asked if start.began <= each.arrived < end]
        again = {each.content for each in asked if each.arrived >= end} & set(own)
        allowed = most if start.killed else 0
        if len(again) > allowed:
            yield f"start {number}: {len(again)} requests were asked again, {allowed} were due"
        if len(set(own)) < len(own):
            yield f"start {number}: asked {len(own) - len(set(own))} requests twice in one run"


def _left_behind(starts: Sequence[Start]) -> Iterator[str]:
    for number, start in enumerate(starts, 1):
        if start.integrity != "ok":
            yield f"start {number}: the store is damaged: {start.integrity}"
        if not start.killed and start.status not in {0, 1}:
            yield f"start {number}: ended by itself with status {start.status}"
        for line in start.survivors:
            yield f"start {number}: outlived by {line}"


def pace_of(log: Sequence[Attempt], start: Start) -> Pace:
    """Split a quiet run's wall time into asking and what lies around it."""
    asking_s = max(each.ended for each in log) - min(each.arrived for each in log)
    return Pace(start.ended - start.began - asking_s, asking_s)


class Moments(StrEnum):
    """Where kills fall: anywhere in a run's expected time, or only while it asks."""

    ANYWHERE = "anywhere"
    ASKING = "asking"


@dataclass(frozen=True, slots=True)
class Plan:
    """How a run is to be disturbed; the moments are drawn from ``seed``."""

    kills: int
    seed: int
    aim: Aim
    moments: Moments


def disturb(
    folder: Path, options: Sequence[str], provider: RunningProvider, pace: Pace, plan: Plan
) -> Iterator[Start]:
    """Start and kill a run until it was killed as often as planned."""
    skipped = len(provider.attempts())
    planned = len({attempt.content for attempt in provider.attempts()})
    killed = 0
    for number in range(plan.kills * STARTS_PER_KILL):
        if killed == plan.kills:
            return
        own = provider.attempts()[skipped:]
        share_left = 1 - len({each.content for each in own if each.answered}) / planned
        moment = share_of("moment", plan.seed, number)
        if plan.moments is Moments.ANYWHERE:
            until = after(moment * pace.expected_s(share_left))
        else:
            # On average an equal part for every kill, so that there is something left for the last.
            part_s = pace.asking_s * share_left / (plan.kills - killed + 1)
            until = after_next_request(provider, moment * 2 * part_s)
        mark = f"{plan.seed}-{os.getpid()}-{number}"
        start = start_and_kill(folder, options, mark, until, plan.aim)
        killed += start.killed
        if not start.killed:
            # With all in the store even the start is quicker: the next kill has to come earlier.
            pace = replace(pace, around_s=min(pace.around_s, start.ended - start.began))
        yield start


def after_next_request(provider: RunningProvider, seconds: float) -> Until:
    """Wait until the provider answers a new request, then for so long, or until the run ends."""
    now = time.monotonic()
    first = until_true(lambda: any(attempt.arrived >= now for attempt in provider.attempts()))

    def wait(process: "subprocess.Popen[bytes]") -> None:
        first(process)
        after(seconds)(process)

    return wait


def row_of(number: int, start: Start, log: Sequence[Attempt]) -> str:
    """Lay out one start as a line of the table."""
    own = [attempt for attempt in log if attempt.arrived >= start.began]
    answered = sum(attempt.answered for attempt in log)
    how = "killed" if start.killed else f"ended ({start.status})"
    return (
        f"{number:>5}  {start.ended - start.began:>8.2f}  {how:<10}  {len(own):>5}  "
        f"{answered:>15}  {start.stored:>8}"
    )


HEADER = f"{'start':>5}  {'moment s':>8}  {'':<10}  {'asked':>5}  {'answered so far':>15}  in store"


def arguments(given: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--cases", type=int, default=300)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.1)
    parser.add_argument("--concurrency", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--aim", type=Aim, choices=list(Aim), default=Aim.EVERYTHING)
    parser.add_argument("--moments", type=Moments, choices=list(Moments), default="anywhere")
    parser.add_argument("--mix", type=read_mix, default=read_mix(MIX))
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> int:
    """Run undisturbed, then killed and resumed; the exit status is 1 where they differ."""
    chosen = arguments(given)
    plan = Plan(chosen.kills, chosen.seed, chosen.aim, chosen.moments)
    with tempfile.TemporaryDirectory() as name:
        quiet_folder, folder = Path(name) / "quiet", Path(name) / "killed"
        for each in (quiet_folder, folder):
            make_pairs(each / "pairs", chosen.cases)
        log = Path(name) / "provider.jsonl"
        with running_provider(log, chosen.mix, latency_s=chosen.latency) as provider:
            options = benchmark_options(
                provider.url, chosen.workers, f"--vsc-concurrency={chosen.concurrency}"
            )
            first, quiet = run_to_the_end(quiet_folder, options, f"quiet-{os.getpid()}")
            quiet_log = provider.attempts()
            pace = pace_of(quiet_log, first)
            print(f"undisturbed: {pace.asking_s:.2f} s asking, {pace.around_s:.2f} s around it")
            print(HEADER, flush=True)
            starts: list[Start] = []
            for start in disturb(folder, options, provider, pace, plan):
                starts.append(start)
                disturbed = provider.attempts()[len(quiet_log) :]
                print(row_of(len(starts), start, disturbed), flush=True)
            last, final = run_to_the_end(folder, options, f"final-{os.getpid()}")
            disturbed = provider.attempts()[len(quiet_log) :]
            print(row_of(len(starts) + 1, last, disturbed))
    found = differences(quiet, final, [*starts, last], disturbed, chosen.concurrency)
    if sum(start.killed for start in starts) < chosen.kills:
        found.append(f"killed {sum(start.killed for start in starts)} times, not {chosen.kills}")
    print(*(f"DIFFERS {difference}" for difference in found), sep="\n")
    print(f"{len(found)} differences")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
