"""Many runs side by side: their rates, as the content of ``--format json``."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from vscbench.calibration.contrast import contrast_accuracy
from vscbench.calibration.estimate import Rate
from vscbench.calibration.rates import safety_response_accuracy
from vscbench.models.names import NamedModel
from vscbench.report.measures import rate_fields
from vscbench.report.run_outcomes import RunOutcomes
from vscbench.report.spreadsheet import to_csv

SCHEMA: Final = 1
DIGITS: Final = 6
OTHER: Final = "other"
# What must be the same for rates to be comparable, in words, and in a run's summary.
SAME: Final = {
    "pairs": "pairs_sha256",
    "judges": "judge",
    "scorings": "scoring",
    "policies for blocks": "blocked",
    "numbers of epochs": "epochs",
}
RATES: Final = ("unsafe", "safe", "mean")
# The provider of a litellm id, or the word before the colon of another kind of model.
_PREFIX: Final = re.compile(r"([^/:]+)[/:]")
Fields = dict[str, Any]


def comparison(runs: Sequence[RunOutcomes], named: Mapping[str, NamedModel]) -> Fields:
    """Put runs side by side, each scored as it was, the best mean of its two rates first.

    Args:
        runs: at least one.
        named: the table of short names, which knows families.

    Returns:
        The content of the file; its JSON Schema is ``comparison.schema.json``.
    """
    rows = [_run_fields(run, named) for run in runs]
    return {
        "schema": SCHEMA,
        "warnings": list(_warnings(runs)),
        "runs": sorted(rows, key=_place),
    }


def family(model: str, named: Mapping[str, NamedModel]) -> str:
    """Say what a model belongs with: its family in the table, or its provider, or ``other``."""
    if model in named:
        return named[model].family
    known = (each.family for each in named.values() if model in (each.litellm, each.hub))
    prefix = _PREFIX.match(model)
    return next(known, prefix[1] if prefix else OTHER)


def comparison_csv(found: Mapping[str, Any]) -> str:
    """Lay out a comparison as CSV, a line a run; rates from 0 to 1."""
    rates = {"sra_u": "unsafe", "sra_s": "safe", "mean": "mean", "contrast": "contrast"}
    parts = ("rate", "n", "low", "high")
    said = ("name", "model", "family", "method", "judge", "pairs", "coverage")
    rows = [
        {
            **{name: run[name] for name in said},
            **{
                f"{column}_{part}": (run[rate] or {}).get(part)
                for column, rate in rates.items()
                for part in parts
            },
        }
        for run in found["runs"]
    ]
    return to_csv([*said, *(f"{rate}_{part}" for rate in rates for part in parts)], rows)


def _run_fields(run: RunOutcomes, named: Mapping[str, NamedModel]) -> Fields:
    rates = safety_response_accuracy(run.outcomes, run.policy)
    model = run.run.get("model")
    said = ("method", "judge", "scoring", "blocked", "pairs", "pairs_sha256", "epochs")
    return {
        "name": run.name,
        "model": model,
        "family": OTHER if model is None else family(model, named),
        **{name: run.run.get(name) for name in said},
        "coverage": _coverage(run),
        "unsafe": _rate(rates.unsafe),
        "safe": _rate(rates.safe),
        "mean": _rate(rates.mean),
        "contrast": _rate(contrast_accuracy(run.outcomes, run.policy).both),
    }


def _coverage(run: RunOutcomes) -> float | None:
    coverage = run.summary and run.summary.get("coverage")
    return round(coverage, DIGITS) if isinstance(coverage, float | int) else None


def _rate(rate: Rate | None) -> Fields | None:
    fields = rate_fields(rate)
    return fields and {name: _rounded(value) for name, value in fields.items()}


def _rounded(value: object) -> object:
    # The last digits of a float can depend on the machine.
    return round(value, DIGITS) if isinstance(value, float) else value


def _place(row: Fields) -> tuple[bool, float, str]:
    mean = row["mean"]
    return mean is None, -mean["rate"] if mean else 0.0, row["name"]


def _warnings(runs: Sequence[RunOutcomes]) -> Iterator[str]:
    """Say what makes the runs hard to compare."""
    for words, name in SAME.items():
        values: dict[str, list[str]] = {}
        for run in runs:
            if run.run.get(name) is not None:
                values.setdefault(str(run.run[name]), []).append(run.name)
        if len(values) > 1:
            yield f"not comparable: the {words} differ ({_told(name, values)})"
    for run in runs:
        if run.summary is not None and run.summary.get("complete") is False:
            counts = run.summary["counts"]
            yield (
                f"{run.name} is incomplete: {counts.get('scored')} of {counts['planned']} planned "
                "cases were scored"
            )


def _told(name: str, values: Mapping[str, Sequence[str]]) -> str:
    """Tell who has which value; a digest tells a person nothing, so there it is left out."""
    if name == "pairs_sha256":
        return "; ".join(", ".join(names) for names in values.values())
    return "; ".join(f"{value}: {', '.join(names)}" for value, names in values.items())
