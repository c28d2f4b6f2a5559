"""``outcomes.jsonl``: a line a case."""

from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vscbench.calibration.scoring import Policy, is_correct
from vscbench.errors import DataError
from vscbench.jsonlines import read_json_lines
from vscbench.records import Kind, Outcome, Response
from vscbench.report.files import to_json, write_whole

if TYPE_CHECKING:
    import pandas

Cell = str | int | float | bool | None
OutcomeRow = dict[str, Cell]

EVIDENCE_SEPARATOR: Final = " | "
# Not in Arrow, pandas' choice where it is installed: a model may say half of a surrogate pair,
# which Arrow does not take.
_TEXT: Final = "string[python]"
_COLUMNS: Final[Mapping[str, str]] = {
    "pair_id": _TEXT,
    "epoch": "Int64",
    "label": _TEXT,
    "scenario": _TEXT,
    "category": _TEXT,
    "type": _TEXT,
    "variant": _TEXT,
    "contrast_id": _TEXT,
    "cluster_id": _TEXT,
    "kind": _TEXT,
    "truncated": "boolean",
    "correct": "boolean",
    "judge": _TEXT,
    "judge_probability": "Float64",
    "evidence": _TEXT,
    "response": _TEXT,
    "reasoning": _TEXT,
    "response_key": _TEXT,
    "latency_s": "Float64",
    "prompt_tokens": "Int64",
    "completion_tokens": "Int64",
    "cost_usd": "Float64",
    "served_model": _TEXT,
    "error": _TEXT,
}


def outcome_row(outcome: Outcome, policy: Policy, judge_name: str) -> OutcomeRow:
    """Return one line of ``outcomes.jsonl``, its fields in the order of the file.

    ``judge`` is ``None`` where no judge was asked; ``evidence`` joins what it went by. ``error``
    holds, for a blocked case, the provider's own words for the block. ``response_key`` is the
    response's address in the store, ``None`` where nothing is stored.
    """
    response = outcome.response
    return {
        **_pair_fields(outcome),
        "kind": outcome.kind.value,
        "truncated": outcome.truncated,
        "correct": is_correct(outcome, policy),
        **_judge_fields(outcome, judge_name),
        "response": None if response is None else response.text,
        "reasoning": None if response is None else response.reasoning,
        "response_key": outcome.response_key,
        "latency_s": outcome.latency_s,
        **_usage_fields(response),
        "error": _error(outcome),
    }


def write_outcomes(path: Path, rows: Iterable[OutcomeRow]) -> None:
    """Write rows as JSON Lines, sorted by pair and epoch, so that the order of asking is gone.

    Raises:
        UsageError: the file cannot be written.
    """
    ordered = sorted(rows, key=lambda row: (row["pair_id"], row["epoch"]))
    write_whole(path, "".join(f"{to_json(row)}\n" for row in ordered))


def read_outcomes(path: str | PathLike[str]) -> "pandas.DataFrame":
    """Read an ``outcomes.jsonl`` as a table: a row a case, every column of the file.

    Columns have pandas' nullable types, so that a missing value is ``<NA>`` and a response that
    says ``None`` or ``N/A`` stays that text.

    Raises:
        DataError: the file cannot be read, or a line does not fit the columns.
    """
    # Imported here: only a person who analyses a run pays for pandas.
    import pandas

    lines = [line.fields for line in read_json_lines(Path(path))]
    table = pandas.DataFrame(lines, columns=list(_COLUMNS), dtype=object)
    try:
        return table.astype(dict(_COLUMNS))
    except (TypeError, ValueError) as error:
        raise DataError(
            f"{path}: not an outcomes.jsonl of vscbench, a column holds another type ({error})"
        ) from error


def _pair_fields(outcome: Outcome) -> OutcomeRow:
    pair = outcome.pair
    return {
        "pair_id": pair.id,
        "epoch": outcome.epoch,
        "label": pair.label.value,
        "scenario": pair.scenario.value,
        "category": pair.category,
        "type": pair.type,
        "variant": None if pair.variant is None else pair.variant.value,
        "contrast_id": pair.contrast_id,
        "cluster_id": pair.cluster_id,
    }


def _judge_fields(outcome: Outcome, judge_name: str) -> OutcomeRow:
    if outcome.verdict is not None:
        verdict = outcome.verdict
        return {
            "judge": verdict.judge,
            "judge_probability": verdict.probability,
            "evidence": EVIDENCE_SEPARATOR.join(verdict.evidence) or None,
        }
    asked = outcome.kind is Kind.JUDGE_ERROR
    return {"judge": judge_name if asked else None, "judge_probability": None, "evidence": None}


def _usage_fields(response: Response | None) -> OutcomeRow:
    return {
        "prompt_tokens": response.prompt_tokens if response else None,
        "completion_tokens": response.completion_tokens if response else None,
        "cost_usd": response.cost_usd if response else None,
        "served_model": response.served_model if response else None,
    }


def _error(outcome: Outcome) -> str | None:
    if outcome.error is None and outcome.response is not None:
        return outcome.response.reason
    return outcome.error
