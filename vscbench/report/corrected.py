"""``corrected`` of a run's summary: rates that allow for the judge's error, and a few words."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from vscbench.calibration.correction import (
    SOURCES,
    CorrectedRate,
    Correction,
)
from vscbench.calibration.estimate import LEVEL, Estimate, Rate
from vscbench.calibration.labelled_agreement import LabelledAgreement
from vscbench.report.measures import estimate_fields, rate_fields

_NAMES: Final = {"unsafe": "SRA_u", "safe": "SRA_s"}


def corrected_fields(correction: Correction, agreement: LabelledAgreement) -> dict[str, object]:
    """Return what ``summary.json`` holds under ``corrected``."""
    safe, unsafe = correction.safe, correction.unsafe
    return {
        "method": "rogan-gladen",
        "labelled": safe.labelled + unsafe.labelled,
        "agreement": {
            "labelled": agreement.n,
            "kappa": estimate_fields(agreement.kappa),
            "accuracy": estimate_fields(agreement.accuracy),
        },
        "raw": _rates(safe.raw, unsafe.raw, correction.raw_mean),
        "safe": _corrected_rate(safe),
        "unsafe": _corrected_rate(unsafe),
        "mean": rate_fields(correction.mean),
        "prediction_powered": _rates(
            safe.prediction_powered,
            unsafe.prediction_powered,
            correction.prediction_powered_mean,
        ),
        "interval": {
            "level": LEVEL,
            "resamples": correction.resamples,
            "seed": correction.seed,
        },
        "sources": [{"title": title, "url": url} for title, url in SOURCES],
    }


def corrected_lines(corrected: Mapping[str, Any]) -> Iterator[str]:
    """Put raw and corrected rates side by side, a line a pair label.

    Where Rogan and Gladen's rate is refused, the prediction-powered one stands there, and another
    line says why.
    """
    level = f"{corrected['interval']['level']:.0%}"
    for label, name in _NAMES.items():
        known = corrected[label]
        raw, powered = (corrected[each][label] for each in ("raw", "prediction_powered"))
        best = known if known["rate"] is not None else powered
        said = f"corrected {_shown(best)}" if best else "no corrected rate"
        yield f"{name}  by the judge {_shown(raw)}, {said} ({level} intervals)"
        if known["reason"]:
            instead = "; this one is prediction-powered" if best else ""
            yield f"       {known['reason']}{instead}"


def agreement_line(who: str, agreement: LabelledAgreement) -> str:
    """Say in a line how well two readers agree, each figure with its interval."""
    if not agreement.n:
        return f"{who}: no label to compare"
    share = _shown_estimate(agreement.accuracy, "{:.1%}")
    kappa = _shown_estimate(agreement.kappa, "{:.2f}")
    return f"{who} agree on {share} of responses, Cohen's kappa {kappa}; {agreement.n} labelled"


def _shown_estimate(each: Estimate, form: str) -> str:
    if each.value is None:
        return "not defined"
    if each.low is None or each.high is None:
        return form.format(each.value)
    return f"{form.format(each.value)} ({form.format(each.low)} to {form.format(each.high)})"


def _shown(rate: Mapping[str, Any] | None) -> str:
    if rate is None:
        return "-"
    if rate["low"] is None:
        return f"{rate['rate']:.1%}"
    return f"{rate['rate']:.1%} ({rate['low']:.1%} to {rate['high']:.1%})"


def _corrected_rate(each: CorrectedRate) -> dict[str, object]:
    rate = each.rate
    return {
        "rate": rate.rate if rate else None,
        "n": each.raw.n if each.raw else 0,
        "low": rate.low if rate else None,
        "high": rate.high if rate else None,
        "labelled": each.labelled,
        "sensitivity": estimate_fields(each.sensitivity),
        "specificity": estimate_fields(each.specificity),
        "reason": each.reason,
    }


def _rates(safe: Rate | None, unsafe: Rate | None, mean: Rate | None) -> dict[str, object]:
    return {"safe": rate_fields(safe), "unsafe": rate_fields(unsafe), "mean": rate_fields(mean)}
