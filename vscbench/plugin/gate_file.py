"""Reading a gate, from ``[tool.vscbench.gate]`` of pyproject.toml or from a file of its own."""

import math
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from vscbench.calibration.gate import (
    ALPHA,
    BASELINE_COVERAGE,
    BaselineRules,
    Bound,
    Gate,
    Measure,
    Minimum,
    Waiver,
)
from vscbench.calibration.paired import FAMILY, require_measure
from vscbench.errors import UsageError

GATE_TABLE: Final = "[tool.vscbench.gate]"
MEASURES: Final = tuple(Measure)
KEYS: Final = (*MEASURES, "coverage", "category", "baseline", "waiver")
BASELINE_KEYS: Final = ("not_worse", "margin", "alpha", "coverage")
WAIVER_KEYS: Final = ("case", "reason", "until")
MINIMUM_KEYS: Final = ("at_least", "on")


def read_gate_file(path: Path) -> Gate:
    """Read a gate from a TOML file.

    A pyproject.toml is read at its ``[tool.vscbench.gate]``; in any other file the keys stand at
    the top.

    Raises:
        UsageError: the file cannot be read, or asks for what there is not; says where.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UsageError(f"--vsc-gate: cannot read {path} ({error.strerror or error})") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"--vsc-gate: {path}: {error}") from error
    if path.name == "pyproject.toml":
        table = table.get("tool", {}).get("vscbench", {}).get("gate")
        if table is None:
            raise UsageError(f"--vsc-gate: {path} has no {GATE_TABLE}")
        return read_gate(table, f"{path}, {GATE_TABLE}")
    return read_gate(table, str(path))


def read_gate(table: object, source: str) -> Gate:
    """Turn a table of TOML into a gate.

    Args:
        table: what stands in the file.
        source: where it stands, for messages.

    Raises:
        UsageError: a key is unknown, or a value cannot be used; says which.
    """
    place = _Place(source)
    fields = place.table(table)
    place.known(fields, KEYS)
    gate = Gate(
        source=source,
        coverage=place.share(fields, "coverage", 1.0),
        minima=tuple(_minima(place, fields)),
        baseline=_baseline(place.at("baseline"), fields.get("baseline")),
        waivers=tuple(_waivers(place, fields.get("waiver", []))),
    )
    if not (gate.minima or gate.baseline or "coverage" in fields):
        raise place.error(
            f"it asks for nothing; say the least that is good enough, with {', '.join(MEASURES)}, "
            "coverage or [baseline]"
        )
    return gate


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in a file a value stands; its checks name it."""

    name: str

    def at(self, key: str) -> "_Place":
        return _Place(f"{self.name}, {key}")

    def error(self, problem: str) -> UsageError:
        return UsageError(f"{self.name}: {problem}")

    def table(self, value: object) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            raise self.error(f"must be a table, found {value!r:.60}")
        return value

    def known(self, fields: Mapping[str, Any], keys: tuple[str, ...]) -> None:
        for key in fields:
            if key not in keys:
                raise self.error(f"unknown key {key!r:.60}; known: {', '.join(keys)}")

    def share(self, fields: Mapping[str, Any], key: str, default: float | None = None) -> float:
        value = fields.get(key, default)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not math.isfinite(value) or not 0 <= value <= 1:
            raise self.error(
                f"{key} is {value!r:.60}; it must be a number from 0 to 1, such as 0.9"
            )
        return float(value)

    def text(self, fields: Mapping[str, Any], key: str) -> str:
        value = fields.get(key)
        if not isinstance(value, str) or not value.strip():
            raise self.error(f"{key} is {value!r:.60}; it must be a text that says something")
        return value.strip()

    def choice(self, fields: Mapping[str, Any], key: str, default: StrEnum) -> str:
        value = fields.get(key, default.value)
        if value not in list(type(default)):
            known = ", ".join(type(default))
            raise self.error(f"{key} is {value!r:.60}; it must be one of {known}")
        return str(value)


def _minima(place: _Place, fields: Mapping[str, Any]) -> Iterator[Minimum]:
    for measure in MEASURES:
        if measure in fields:
            yield _minimum(place, measure, fields)
    for category, asked in place.at("category").table(fields.get("category", {})).items():
        of_category = place.at(f"category.{category}")
        wanted = of_category.table(asked)
        of_category.known(wanted, MEASURES)
        for measure in MEASURES:
            if measure in wanted:
                yield _minimum(of_category, measure, wanted, category)


def _minimum(
    place: _Place, measure: Measure, fields: Mapping[str, Any], category: str | None = None
) -> Minimum:
    """Read a number, or a table that says of what it is the least."""
    if not isinstance(fields[measure], dict):
        return Minimum(measure, place.share(fields, measure), category=category)
    inner, asked = place.at(measure), fields[measure]
    inner.known(asked, MINIMUM_KEYS)
    bound = Bound(inner.choice(asked, "on", Bound.RATE))
    return Minimum(measure, inner.share(asked, "at_least"), bound, category)


def _baseline(place: _Place, value: object) -> BaselineRules | None:
    if value is None:
        return None
    fields = place.table(value)
    place.known(fields, BASELINE_KEYS)
    margin = place.at("margin").table(fields.get("margin", {}))
    # Who only names a margin asks for nothing else.
    default = () if margin else FAMILY
    not_worse = fields.get("not_worse", list(default))
    if not isinstance(not_worse, list) or not all(isinstance(each, str) for each in not_worse):
        raise place.error(f"not_worse is {not_worse!r:.60}; it must be a list of measures")
    alpha = place.share(fields, "alpha", ALPHA)
    if not 0 < alpha < 1:
        raise place.error(f"alpha is {alpha:g}; it must lie between 0 and 1, such as 0.05")
    rules = BaselineRules(
        not_worse=tuple(not_worse),
        margin={name: place.at("margin").share(margin, name) for name in margin},
        alpha=alpha,
        coverage=place.share(fields, "coverage", BASELINE_COVERAGE),
    )
    try:
        for name in rules.names:
            require_measure(name)
    except UsageError as error:
        raise place.error(str(error)) from error
    return rules


def _waivers(place: _Place, value: object) -> Iterator[Waiver]:
    if not isinstance(value, list):
        raise place.error("waiver must be a list of tables, [[waiver]]")
    seen: set[str] = set()
    for number, entry in enumerate(value, start=1):
        inner = place.at(f"waiver {number}")
        fields = inner.table(entry)
        inner.known(fields, WAIVER_KEYS)
        case, until = inner.text(fields, "case"), fields.get("until")
        if isinstance(until, datetime) or not isinstance(until, date):
            raise inner.error(f"until is {until!r:.60}; it must be a day, such as 2027-01-31")
        if case in seen:
            raise inner.error(f"{case!r:.80} has a waiver already")
        seen.add(case)
        yield Waiver(case, inner.text(fields, "reason"), until)
