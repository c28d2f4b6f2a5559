"""What a run measured, as it stands in ``summary.json``: rates, contrasts, detection, repeats."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from vscbench.calibration.contrast import (
    ContrastAccuracy,
    contrast_accuracy,
    contrast_accuracy_by,
)
from vscbench.calibration.detection import Detection, detection, detection_by
from vscbench.calibration.estimate import Estimate, Rate
from vscbench.calibration.rates import (
    LabelRates,
    safety_response_accuracy,
    safety_response_accuracy_by,
)
from vscbench.calibration.repeats import LabelRepeats, Repeats, repeats
from vscbench.calibration.scoring import Policy
from vscbench.records import Outcome


def measures(outcomes: Sequence[Outcome], policy: Policy) -> dict[str, object]:
    """Return the fields ``sra``, ``by``, ``contrast`` and ``detection``, and ``repeats`` if any.

    Repeats are there where pairs were asked in more than one epoch.
    """
    rates = safety_response_accuracy(outcomes, policy)
    return {
        "sra": {**_label_rates(rates), "mean": rate_fields(rates.mean)},
        "by": _by(outcomes, policy),
        "contrast": _contrast(outcomes, policy),
        "detection": _detection(outcomes, policy),
        **_repeats(repeats(outcomes, policy)),
    }


def rate_fields(rate: Rate | None) -> dict[str, object] | None:
    """Lay out a rate as it stands in ``summary.json``."""
    if rate is None:
        return None
    return {"rate": rate.rate, "n": rate.n, "low": rate.low, "high": rate.high}


def estimate_fields(estimate: Estimate) -> dict[str, object]:
    """Lay out a number with its interval as it stands in ``summary.json``."""
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high}


def _scenario(outcome: Outcome) -> str:
    return outcome.pair.scenario.value


def _category(outcome: Outcome) -> str:
    return outcome.pair.category


def _variant(outcome: Outcome) -> str | None:
    return outcome.pair.variant and outcome.pair.variant.value


# By variant, contrasts and detection would be of few cases each.
_COARSE: Final[Mapping[str, Callable[[Outcome], str | None]]] = {
    "scenario": _scenario,
    "category": _category,
}


def _by(outcomes: Sequence[Outcome], policy: Policy) -> dict[str, object]:
    return {
        name: {
            group: _label_rates(rates)
            for group, rates in safety_response_accuracy_by(outcomes, policy, key).items()
        }
        for name, key in {**_COARSE, "variant": _variant}.items()
    }


def _contrast(outcomes: Sequence[Outcome], policy: Policy) -> dict[str, object]:
    by = {
        name: {
            group: _contrast_fields(accuracy)
            for group, accuracy in contrast_accuracy_by(outcomes, policy, key).items()
        }
        for name, key in _COARSE.items()
    }
    return {**_contrast_fields(contrast_accuracy(outcomes, policy)), "by": by}


def _contrast_fields(accuracy: ContrastAccuracy) -> dict[str, object]:
    return {
        "both": rate_fields(accuracy.both),
        "overreach": rate_fields(accuracy.overreach),
        "underreach": rate_fields(accuracy.underreach),
    }


def _detection(outcomes: Sequence[Outcome], policy: Policy) -> dict[str, object]:
    by = {
        name: {
            group: _detection_fields(found)
            for group, found in detection_by(outcomes, policy, key).items()
        }
        for name, key in _COARSE.items()
    }
    return {**_detection_fields(detection(outcomes, policy)), "by": by}


def _detection_fields(found: Detection) -> dict[str, object]:
    return {
        "d_prime": estimate_fields(found.d_prime),
        "criterion": estimate_fields(found.criterion),
        "at_ceiling": found.at_ceiling,
    }


def _repeats(found: Repeats | None) -> dict[str, object]:
    if found is None:
        return {}
    return {
        "repeats": {
            "epochs": found.epochs,
            "safe": _label_repeats(found.safe),
            "unsafe": _label_repeats(found.unsafe),
            "flips": list(found.flips),
        }
    }


def _label_repeats(found: LabelRepeats) -> dict[str, object]:
    return {
        "pass_rate": rate_fields(found.pass_rate),
        "all_of_k": rate_fields(found.all_of_k),
        "variance": found.variance,
    }


def _label_rates(rates: LabelRates) -> dict[str, object]:
    return {"safe": rate_fields(rates.safe), "unsafe": rate_fields(rates.unsafe)}
