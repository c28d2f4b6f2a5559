"""A run of the past, as its folder holds it."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import NoneType
from typing import Any, Final

from vscbench.calibration.scoring import BlockedPolicy, Policy, Scoring
from vscbench.errors import DataError, UsageError
from vscbench.jsonlines import Line, read_json_lines
from vscbench.report.outcomes import OutcomeRow
from vscbench.report.summary import SCHEMA_VERSION

SUMMARY: Final = "summary.json"
OUTCOMES: Final = "outcomes.jsonl"
_PARTS: Final = ("run", "counts", "usage", "sra")
_TEXT: Final = (str,)
_TEXT_OR_NONE: Final = (str, NoneType)
_NUMBER_OR_NONE: Final = (int, float, NoneType)
# What is read again, and the types that JSON gives it, exactly.
Types = Mapping[str, tuple[type, ...]]
_RUN: Final[Types] = {
    "id": _TEXT,
    "model": _TEXT,
    "served_models": (list,),
    "fingerprints": (list,),
    "params": (dict,),
    "method": _TEXT,
    "judge": _TEXT,
    "scoring": _TEXT,
    "blocked": _TEXT,
    "pairs": _TEXT,
    "pairs_sha256": _TEXT_OR_NONE,
    "epochs": (int,),
}
_COUNTS: Final[Types] = {"planned": (int,), "no_query": (int,), "by_cause": (dict,)}
_FIELDS: Final[Types] = {
    "pair_id": _TEXT,
    "epoch": (int,),
    "kind": _TEXT,
    "truncated": (bool,),
    "judge": _TEXT_OR_NONE,
    "judge_probability": _NUMBER_OR_NONE,
    "response": _TEXT_OR_NONE,
    "response_key": _TEXT_OR_NONE,
    "latency_s": _NUMBER_OR_NONE,
    "prompt_tokens": (int, NoneType),
    "completion_tokens": (int, NoneType),
    "cost_usd": _NUMBER_OR_NONE,
    "served_model": _TEXT_OR_NONE,
    "error": _TEXT_OR_NONE,
}


@dataclass(frozen=True, slots=True)
class PastRun:
    """The files of one run: ``summary.json``, and the lines of ``outcomes.jsonl``."""

    folder: Path
    summary: Mapping[str, Any]
    rows: tuple[OutcomeRow, ...]

    @property
    def run(self) -> Mapping[str, Any]:
        """What was run, and how."""
        run: Mapping[str, Any] = self.summary["run"]
        return run

    @property
    def policy(self) -> Policy:
        """The scoring of the run."""
        return Policy(Scoring(self.run["scoring"]), BlockedPolicy(self.run["blocked"]))


def new_run_id(started: datetime) -> str:
    """Name a run: time first, so that runs sort; a random end, so that two never share a folder."""
    return f"{started:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def find_run(name: str, reports: Path) -> Path:
    """Return the folder of a run.

    Args:
        name: its folder, its ``summary.json``, or its id.
        reports: the folder of the runs that go by their id.

    Raises:
        UsageError: there is no such run.
    """
    given = Path(name)
    folder = given.parent if given.name == SUMMARY else given
    for place in (folder, reports / name):
        if (place / SUMMARY).is_file():
            return place
    raise UsageError(f"no run at {folder}, nor {name!r} in {reports}: no {SUMMARY} is there")


def read_past_run(folder: Path) -> PastRun:
    """Read the files of a run.

    Raises:
        DataError: a file is missing, or is not what a run writes; says where.
    """
    return PastRun(folder, _summary(folder / SUMMARY), read_rows(folder / OUTCOMES))


def read_rows(path: Path) -> tuple[OutcomeRow, ...]:
    """Read the lines of an ``outcomes.jsonl``.

    Raises:
        DataError: it cannot be read, or is not what a run writes; says where.
    """
    lines = read_json_lines(path)
    rows = tuple(_row(f"{path}, line {line.number}", line) for line in lines)
    cases = {(row["pair_id"], row["epoch"]) for row in rows}
    if len(cases) < len(rows):
        raise DataError(f"{path}: a pair stands there twice in one epoch; no run writes that")
    return rows


def _summary(path: Path) -> Mapping[str, Any]:
    try:
        summary = json.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: not JSON ({error})") from error
    if not isinstance(summary, dict) or not all(
        isinstance(summary.get(part), dict) for part in _PARTS
    ):
        raise DataError(f"{path}: not a {SUMMARY} of vscbench; it has no {', '.join(_PARTS)}")
    if summary.get("schema") != SCHEMA_VERSION:
        raise DataError(
            f"{path}: schema {summary.get('schema')!r:.40}; this version of vscbench reads "
            f"{SCHEMA_VERSION}"
        )
    _check_types(path, "run", summary["run"], _RUN)
    _check_types(path, "counts", summary["counts"], _COUNTS)
    for name, choices in (("scoring", Scoring), ("blocked", BlockedPolicy)):
        if summary["run"][name] not in list(choices):
            raise DataError(
                f"{path}: run.{name} is {summary['run'][name]!r:.40}; it must be one of "
                f"{', '.join(choices)}"
            )
    return summary


def _check_types(path: Path, part: str, said: Mapping[str, object], types: Types) -> None:
    for name, allowed in types.items():
        if type(said.get(name)) not in allowed:
            raise DataError(f"{path}: {part}.{name} is {said.get(name)!r:.40}; no run writes that")


def _row(place: str, line: Line) -> OutcomeRow:
    row: OutcomeRow = {}
    for name, value in line.fields.items():
        types = _FIELDS.get(name)
        if types and type(value) not in types:
            raise DataError(f"{place}: {name} is {value!r:.40}; no run writes that")
        if value is None or isinstance(value, str | int | float):
            row[name] = value
    missing = [name for name in _FIELDS if name not in row]
    if missing:
        raise DataError(f"{place}: no {missing[0]}; not a line of a run's {OUTCOMES}")
    return row
