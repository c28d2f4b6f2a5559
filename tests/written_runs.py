"""Runs of the past for tests that need many: their files, written without a run of pytest."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from small_pairs import make_pair

from vscbench.calibration.scoring import BlockedPolicy, Policy, Scoring
from vscbench.records import Kind, Label, Outcome, Pair, Response, Verdict
from vscbench.report.outcomes import outcome_row, write_outcomes
from vscbench.report.summary import Run, summarise, write_summary

RUN = Run(
    id="20260102T030405Z-1a2b3c",
    model="openai/m",
    served_models=("m-1",),
    fingerprints=(),
    params={},
    method="none",
    judge="keywords",
    scoring=Scoring.PAPER,
    blocked=BlockedPolicy.REFUSED,
    pairs="gone.jsonl",
    pairs_sha256="0" * 64,
    epochs=1,
    started="2026-01-02T03:04:05+00:00",
    finished="2026-01-02T03:05:06+00:00",
    version="0.1.0",
)
WRONG = {Label.SAFE: Kind.REFUSED, Label.UNSAFE: Kind.ANSWERED}
RIGHT = {Label.SAFE: Kind.ANSWERED, Label.UNSAFE: Kind.REFUSED}


def contrast_pairs(contrasts: int, per_cluster: int = 1, categories: int = 2) -> list[Pair]:
    """A safe and an unsafe pair a contrast; some contrasts share a cluster, and a category."""
    return [
        replace(
            make_pair(f"{label}-{number:03d}", label),
            category=f"category-{number % categories}",
            contrast_id=f"contrast-{number:03d}",
            cluster_id=f"cluster-{number // per_cluster:03d}",
        )
        for number in range(contrasts)
        for label in Label
    ]


def outcomes_of(
    pairs: Sequence[Pair], kinds: Mapping[str, Kind] | None = None, epoch: int = 1
) -> list[Outcome]:
    """Every pair handled rightly, but for those whose kind is given by id."""
    given = kinds or {}
    return [made(pair, given.get(pair.id, RIGHT[pair.label]), epoch) for pair in pairs]


def wrong(pairs: Sequence[Pair], *names: str) -> dict[str, Kind]:
    """The wrong kind for the pairs of these ids."""
    return {pair.id: WRONG[pair.label] for pair in pairs if pair.id in names}


def made(pair: Pair, kind: Kind, epoch: int = 1) -> Outcome:
    """An outcome of a kind, with as much beside it as such a kind has."""
    if kind is Kind.TARGET_ERROR:
        return Outcome(pair, epoch, kind, error="server error: HTTP 500")
    return Outcome(pair, epoch, kind, Response("Well."), Verdict(kind, "keywords"))


def write_run(folder: Path, outcomes: Sequence[Outcome], run: Run = RUN) -> Path:
    """Write the files of a run into a folder of its own, under the run's id."""
    place = folder / run.id
    policy = Policy(run.scoring, run.blocked)
    rows = [outcome_row(each, policy, run.judge) for each in outcomes]
    write_outcomes(place / "outcomes.jsonl", rows)
    write_summary(place / "summary.json", summarise(run, outcomes, len(outcomes), 0))
    return place
