"""Runs of one model with several methods, and answers of theirs, for tests of the trade."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from written_runs import RUN, contrast_pairs, outcomes_of, wrong

from vscbench.calibration.accuracy import GradedAnswer
from vscbench.calibration.scoring import Policy
from vscbench.records import Kind, Label, Outcome
from vscbench.report.run_outcomes import RunOutcomes
from vscbench.report.summary import summarise
from vscbench.report.trade_runs import TradeRun
from vscbench.report.utility import utility_fields

PAIRS = contrast_pairs(80)
HALF_UNSAFE, HALF_SAFE = (
    tuple(pair.id for pair in PAIRS if pair.label is label)[::2]
    for label in (Label.UNSAFE, Label.SAFE)
)


def answers(right: int, of: int = 60) -> list[GradedAnswer]:
    skills = ("charts", "counting")
    return [GradedAnswer(f"q-{n}", 1, skills[n % 2], f"q-{n}", n < right) for n in range(of)]


def traded_run(  # noqa: PLR0913 - what one run had
    name: str,
    method: str = "none",
    lost: Sequence[str] = (),
    right: int | None = None,
    *,
    outcomes: Sequence[Outcome] | None = None,
    utility: Mapping[str, object] | None = None,
    **said: object,
) -> TradeRun:
    """A run that lost the pairs named, and answered so many of 60 questions rightly."""
    described = replace(RUN, id=name, method=method, **said)  # type: ignore[arg-type]
    every = outcomes_of(PAIRS, wrong(PAIRS, *lost)) if outcomes is None else outcomes
    summary = summarise(described, every, len(every), 0)
    graded = [] if right is None else answers(right)
    if graded:
        found = utility_fields("probe", "0" * 64, len(graded), "match", graded)
        summary = {**summary, "utility": {**found, **(utility or {})}}
    run: Any = summary["run"]
    policy = Policy(described.scoring, described.blocked)
    outcome = RunOutcomes(name, summary, run, tuple(every), policy, has_queries=False)
    return TradeRun(outcome, tuple(graded))


def some_runs() -> list[TradeRun]:
    """None, one that only refuses more and costs much, and one that gets nearly all right."""
    few = (*HALF_SAFE[:8], *HALF_UNSAFE[:4])
    refused = (*HALF_SAFE, *HALF_UNSAFE[:8])
    return [
        traded_run("better", "safety-prompt", few, 54),
        traded_run("plain", "none", (*few, *HALF_UNSAFE), 55),
        traded_run("refuser", "few-shot", refused, 30, method_params={"shots": 4}),
    ]


def broken_outcomes(*names: str) -> list[Outcome]:
    """Outcomes of which some are errors."""
    return outcomes_of(PAIRS, dict.fromkeys(names, Kind.TARGET_ERROR))
