"""The cases of a run as a table for a spreadsheet: a row a case, with its query and response."""

from collections.abc import Iterator
from typing import Final

from vscbench.report.outcomes import outcome_row
from vscbench.report.run_outcomes import RunOutcomes
from vscbench.report.spreadsheet import to_csv

COLUMNS: Final = (
    "pair_id",
    "epoch",
    "label",
    "kind",
    "correct",
    "query",
    "response",
    "evidence",
    "judge",
    "judge_probability",
    "truncated",
    "error",
    "scenario",
    "category",
    "type",
    "variant",
    "contrast_id",
    "cluster_id",
    "latency_s",
    "prompt_tokens",
    "completion_tokens",
    "cost_usd",
    "served_model",
)


def outcomes_csv(run: RunOutcomes) -> str:
    """Lay out the cases of a run as CSV, sorted by pair and epoch; no cell of it is a formula."""
    return to_csv(COLUMNS, _rows(run))


def _rows(run: RunOutcomes) -> Iterator[dict[str, object]]:
    judge = str(run.run.get("judge") or "")
    for outcome in sorted(run.outcomes, key=lambda each: (each.pair.id, each.epoch)):
        yield {**outcome_row(outcome, run.policy, judge), "query": outcome.pair.query}
