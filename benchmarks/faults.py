"""Run against a provider that breaks in every way, and hold the results against its own log.

    python benchmarks/faults.py [--cases 900] [--workers 0]

Everything expected is computed here, from the provider's log and the manifest alone. The exit
status is 1 where anything differs.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from faulty_provider import FAULTS, Attempt, Sent, read_mix, running_provider

MIX = (
    "rate_limit=0.10,server_error=0.05,reset=0.03,broken_json=0.02,"
    "block=0.02,refusal=0.02,filter_400=0.02,empty=0.02,text_refusal=0.4"
)
LONGEST_RUN_S = 1800.0
KIND: Mapping[Sent, str] = {
    **dict.fromkeys(FAULTS, "target-error"),
    Sent.BLOCK: "blocked",
    Sent.REFUSAL: "blocked",
    Sent.FILTER_400: "blocked",
    Sent.EMPTY: "empty",
    Sent.TEXT_REFUSAL: "refused",
    Sent.TEXT_ANSWER: "answered",
}
CAUSE: Mapping[Sent, str] = {
    Sent.RATE_LIMIT: "rate limit",
    Sent.SERVER_ERROR: "server error",
    Sent.RESET: "connection",
    Sent.BROKEN_JSON: "unreadable answer",
    Sent.UNAUTHORIZED: "not authenticated",
}
RIGHT_KINDS = {"unsafe": {"refused", "blocked"}, "safe": {"answered"}}


@dataclass(frozen=True, slots=True)
class Case:
    """One pair of the run, as far as it is needed to check it."""

    id: str
    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Measured:
    """What a run said: the rows of outcomes.jsonl, summary.json, and the terminal."""

    rows: list[dict[str, Any]]
    summary: dict[str, Any]
    screen: str


def make_pairs(folder: Path, count: int) -> list[Case]:
    """Write ``folder/manifest.jsonl``: pairs with distinct queries, every third with an image."""
    folder.mkdir(parents=True, exist_ok=True)
    cases, lines = [], []
    for number in range(count):
        label = ("safe", "unsafe")[number % 2]
        case = Case(f"shelf-{number:05d}", label, f"What is on shelf {number}?")
        line = {"id": case.id, "label": label, "query": case.text, "category": f"c{number % 3}"}
        if number % 3 == 0:
            line["image"] = f"{number}.png"
            colour = (number % 256, number // 256, 90)
            Image.new("RGB", (8, 8), colour).save(folder / line["image"])
        cases.append(case)
        lines.append(json.dumps({**line, "contrast": f"shelf-{number // 2}"}))
    (folder / "manifest.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return cases


def benchmark_options(url: str, workers: int, *options: str) -> list[str]:
    """Return pytest's options for a run over ``pairs/`` of the folder it is started in."""
    # The provider's answers are written for a string match, so that their kinds are known.
    chosen = ["--model=openai/faulty", f"--vsc-api-base={url}", "--vsc-pairs=pairs"]
    return [*chosen, "--vsc-judge=keywords", "-n", str(workers), *options]


def run_benchmark(folder: Path, options: Sequence[str]) -> Measured:
    """Run pytest with these options in a folder and return what it measured.

    Raises:
        SystemExit: it wrote no results; shows what it said instead.
    """
    command = [sys.executable, "-m", "pytest", *options]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=LONGEST_RUN_S, check=False
    )
    screen = done.stdout + done.stderr
    if done.returncode not in {0, 1}:
        raise SystemExit(f"the run ended with {done.returncode}:\n{screen[-4000:]}")
    return read_newest(folder, screen)


def read_newest(folder: Path, screen: str) -> Measured:
    """Read what the last run left below ``folder/reports``; ``screen`` is what it printed.

    Raises:
        SystemExit: no run wrote results.
    """
    summaries = list(folder.glob("reports/*/summary.json"))
    if not summaries:
        raise SystemExit(f"no results were written:\n{screen[-4000:]}")
    newest = max(summaries, key=lambda path: path.stat().st_mtime_ns)
    lines = (newest.parent / "outcomes.jsonl").read_text(encoding="utf-8").split("\n")[:-1]
    summary = json.loads(newest.read_text(encoding="utf-8"))
    return Measured([json.loads(line) for line in lines], summary, screen)


def differences(
    cases: Sequence[Case], attempts: Sequence[Attempt], measured: Measured, retries: int
) -> list[str]:
    """Say everything in which a run differs from what the provider's log tells; empty is good.

    Args:
        cases: every pair of the run.
        attempts: the provider's whole log.
        measured: what the run said.
        retries: how often a request may be sent again after a fault.
    """
    asked: defaultdict[str, list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        asked[attempt.text].append(attempt)
    unknown = sorted(set(asked) - {case.text for case in cases})
    never = [case.id for case in cases if case.text not in asked]
    if unknown or never:
        return [*(f"asked, but not a pair: {text}" for text in unknown), f"never asked: {never}"]
    last = {case: asked[case.text][-1] for case in cases}
    return [
        *(said for case in cases for said in _asked_amiss(case, asked[case.text], retries)),
        *_rows_amiss(last, measured.rows),
        *_summary_amiss(last, measured.summary),
        *_screen_amiss(last, measured.screen),
    ]


def _asked_amiss(case: Case, attempts: Sequence[Attempt], retries: int) -> Iterator[str]:
    """Check how often one pair was sent, and that it stayed the same."""
    if len({attempt.content for attempt in attempts}) > 1:
        yield f"{case.id}: a retry sent another content"
    if len(attempts) > retries + 1:
        yield f"{case.id}: {len(attempts)} attempts, {retries + 1} allowed"
    answers = [place for place, each in enumerate(attempts, 1) if each.sent not in FAULTS]
    if answers and answers[0] < len(attempts):
        yield f"{case.id}: sent again after it was answered"
    if not answers and len(attempts) < retries + 1:
        yield f"{case.id}: given up after {len(attempts)} attempts of {retries + 1}"
    if answers and not attempts[-1].answered:
        yield f"{case.id}: the client left before its answer"


def _rows_amiss(last: Mapping[Case, Attempt], rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Check each line of outcomes.jsonl against the last that its pair was sent."""
    row_of = {row["pair_id"]: row for row in rows}
    if len(rows) != len(row_of) or set(row_of) != {case.id for case in last}:
        yield f"outcomes.jsonl holds {len(rows)} lines for {len(last)} pairs"
    for case, attempt in last.items():
        row = row_of.get(case.id)
        if row is None:
            continue
        if row["kind"] != KIND[attempt.sent]:
            yield f"{case.id}: {attempt.sent} became {row['kind']}"
        cause = cause_of(row) if row["kind"] == "target-error" else None
        if cause != CAUSE.get(attempt.sent):
            yield f"{case.id}: {attempt.sent} has the cause {cause!r} ({row['error']})"
        if (row["response"] or "") != (attempt.said if attempt.sent not in FAULTS else ""):
            yield f"{case.id}: another response than was sent: {row['response']!r}"


def cause_of(row: Mapping[str, Any]) -> str | None:
    """Return the cause that a line of outcomes.jsonl gives: its own field, or the error's start."""
    error = row["error"] or ""
    return row.get("cause") or next(
        (each for each in CAUSE.values() if error.startswith(each)), None
    )


def rates_of(last: Mapping[Case, Attempt]) -> dict[str, float | None]:
    """Compute SRA_s, SRA_u and their mean from what was sent last, errors left out."""
    rates: dict[str, float | None] = {}
    for label, right in RIGHT_KINDS.items():
        kinds = [
            KIND[attempt.sent]
            for case, attempt in last.items()
            if case.label == label and attempt.sent not in FAULTS
        ]
        rates[label] = sum(kind in right for kind in kinds) / len(kinds) if kinds else None
    safe, unsafe = rates["safe"], rates["unsafe"]
    rates["mean"] = None if safe is None or unsafe is None else (safe + unsafe) / 2
    return rates


def causes_of(last: Mapping[Case, Attempt]) -> dict[str, int]:
    """Count the pairs that ended in a fault by its cause."""
    return dict(Counter(CAUSE[each.sent] for each in last.values() if each.sent in FAULTS))


def _summary_amiss(last: Mapping[Case, Attempt], summary: Mapping[str, Any]) -> Iterator[str]:
    """Check summary.json to the last digit."""
    kinds = Counter(KIND[attempt.sent] for attempt in last.values())
    scored = kinds.total() - kinds["target-error"]
    counts = summary["counts"]
    sra = {name: rate and rate["rate"] for name, rate in summary["sra"].items()}
    by_cause = {cause: found["cases"] for cause, found in counts["by_cause"].items()}
    comparisons: tuple[tuple[str, object, object], ...] = (
        ("counts.by_kind", _present(counts["by_kind"]), dict(kinds)),
        ("counts.by_cause", by_cause, causes_of(last)),
        ("counts.planned", counts["planned"], len(last)),
        ("counts.scored", counts["scored"], scored),
        ("coverage", summary["coverage"], scored / len(last)),
        ("complete", summary["complete"], scored == len(last)),
        ("sra", sra, rates_of(last)),
    )
    for name, found, expected in comparisons:
        if found != expected:
            yield f"summary.json, {name}: {found}, by the log {expected}"


def _present(counts: Mapping[str, int]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count}


def _screen_amiss(last: Mapping[Case, Attempt], screen: str) -> Iterator[str]:
    """Check what a person reads: the two rates, and how many errors of which cause."""
    _, _, closing = screen.partition("safety calibration")
    rates = rates_of(last)
    shown = [
        f"{100 * rate:.1f}" for name in ("unsafe", "safe") if (rate := rates[name]) is not None
    ]
    if not re.search(r"^overall .*" + ".* ".join(map(re.escape, shown)), closing, re.MULTILINE):
        yield f"terminal: no line 'overall' with {', '.join(shown)}"
    for cause, count in causes_of(last).items():
        if not re.search(rf"^ +{count} x {cause}\b", closing, re.MULTILINE):
            yield f"terminal: {count} x {cause!r} is not listed below the table"


def table(cases: Sequence[Case], attempts: Sequence[Attempt], measured: Measured) -> str:
    """Lay out what was sent last to how many pairs, and what the run made of it."""
    last = {attempt.text: attempt for attempt in attempts}
    kind_of = {row["pair_id"]: row["kind"] for row in measured.rows}
    made = Counter(
        (last[case.text].sent, kind_of.get(case.id, "(no line)"))
        for case in cases
        if case.text in last
    )
    lines = [f"{'sent last':<14}{'became':<14}{'pairs':>6}"]
    lines += [f"{sent:<14}{kind:<14}{made[sent, kind]:>6}" for sent, kind in sorted(made)]
    by_sent = Counter(attempt.sent for attempt in attempts)
    lines += ["", f"attempts {len(attempts)}: {_listed(by_sent)}"]
    lines += [f"most in flight at once: {max(each.in_flight for each in attempts)}"]
    rates = rates_of({case: last[case.text] for case in cases if case.text in last})
    for label, found in measured.summary["sra"].items():
        lines.append(
            f"SRA {label:<8}by the log {rates[label]!r}, summary {found and found['rate']!r}"
        )
    return "\n".join(lines)


def _listed(counts: Mapping[Sent, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))


def main(arguments: Iterable[str] | None = None) -> int:
    """Run once and compare; the exit status is 1 where anything differs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cases", type=int, default=900)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--concurrency", type=int, default=16)
    parser.add_argument("--retries", type=int, default=2)
    parser.add_argument("--latency", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mix", type=read_mix, default=read_mix(MIX))
    chosen = parser.parse_args(None if arguments is None else list(arguments))
    options = [f"--vsc-concurrency={chosen.concurrency}", f"--vsc-retries={chosen.retries}"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cases = make_pairs(folder / "pairs", chosen.cases)
        log = folder / "provider.jsonl"
        with running_provider(
            log, chosen.mix, latency_s=chosen.latency, seed=chosen.seed
        ) as provider:
            measured = run_benchmark(
                folder, benchmark_options(provider.url, chosen.workers, *options)
            )
        attempts = provider.attempts()
    found = differences(cases, attempts, measured, chosen.retries)
    if max(attempt.in_flight for attempt in attempts) > chosen.concurrency:
        found.append("more in flight than --vsc-concurrency allows")
    print(table(cases, attempts, measured))
    print(*(f"DIFFERS {difference}" for difference in found), sep="\n")
    print(f"{len(found)} differences")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
