"""A trade: what calibration methods change of models, as the content of ``--format json``."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from vscbench.calibration.accuracy import accuracy
from vscbench.calibration.clustered_differences import ALPHA
from vscbench.calibration.contrast import contrast_accuracy
from vscbench.calibration.detection import detection
from vscbench.calibration.estimate import LEVEL, Estimate, Rate
from vscbench.calibration.rates import safety_response_accuracy
from vscbench.calibration.scoring import Policy
from vscbench.calibration.trade import Change, Measured, Trade, number_of_tests, trades
from vscbench.calibration.trade_findings import finding
from vscbench.errors import UsageError
from vscbench.report.html.words import params_in_words
from vscbench.report.measures import estimate_fields, rate_fields
from vscbench.report.spreadsheet import to_csv
from vscbench.report.trade_runs import ModelRuns, TradeRun, by_model
from vscbench.report.trade_warnings import notes, warnings

SCHEMA: Final = 1
DIGITS: Final = 6
SAID: Final = ("method", "judge", "pairs", "pairs_sha256", "epochs")
COLUMNS: Final = (
    "model", "method", "params", "run", "measure", "before", "after", "difference", "low", "high",
    "p", "p_holm", "significant", "test", "n", "clusters", "verdict",
)  # fmt: skip
Fields = dict[str, Any]


def trade(runs: Sequence[TradeRun]) -> Fields:
    """Say what each method changes of its model, against the run without one.

    All runs of a model are scored as its run without a method was, so that a change of scoring is
    no change of the model.

    Returns:
        The content of the file; its JSON Schema is ``trade.schema.json``.

    Raises:
        UsageError: a model has no run without a method, or several, or none with; or runs have no
            pair in common.
    """
    return {
        "schema": SCHEMA,
        "level": LEVEL,
        "alpha": ALPHA,
        "models": [_model_fields(each) for each in by_model(runs)],
    }


def trade_csv(found: Mapping[str, Any]) -> str:
    """Lay out a trade as CSV, a line a measure; rates and their differences from -1 to 1."""
    rows = [
        {
            **{name: change[name] for name in COLUMNS if name in change},
            "before": change["before"]["value"],
            "after": change["after"]["value"],
            **{"difference": change["difference"]["value"]},
            **{end: change["difference"][end] for end in ("low", "high")},
            "model": model["model"],
            "method": method["method"],
            "params": params_in_words(method["method_params"]),
            "run": method["run"],
            "verdict": method["finding"]["verdict"],
        }
        for model in found["models"]
        for method in model["methods"]
        for change in [*method["changes"], {"measure": "mean", **method["mean"]}]
    ]
    return to_csv(COLUMNS, rows)


def _model_fields(runs: ModelRuns) -> Fields:
    policy = runs.baseline.run.policy
    measured = {each.label: _measured(each) for each in runs.methods}
    found = trades(_measured(runs.baseline), measured, policy)
    for run in runs.methods:
        if not found[run.label].n_pairs + found[run.label].left_out:
            raise UsageError(f"{run.run.name} and {runs.baseline.run.name} have no pair in common")
    return {
        "model": runs.model,
        "scored": {"scoring": policy.scoring.value, "blocked": policy.blocked.value},
        "tests": number_of_tests(found),
        "warnings": list(warnings(runs)),
        "notes": list(notes(runs)),
        "baseline": _run_fields(runs.baseline, policy),
        "methods": [
            {**_run_fields(run, policy), **_trade_fields(found[run.label])} for run in runs.methods
        ],
    }


def _measured(run: TradeRun) -> Measured:
    return Measured(run.run.outcomes, run.answers)


def _run_fields(run: TradeRun, policy: Policy) -> Fields:
    """Say what a run measured by itself, over all that it scored."""
    outcomes = run.run.outcomes
    rates, detected = safety_response_accuracy(outcomes, policy), detection(outcomes, policy)
    return {
        "label": run.label,
        "run": run.run.name,
        **{name: run.run.run.get(name) for name in SAID},
        "method_params": dict(run.params),
        "coverage": (run.run.summary or {}).get("coverage"),
        "sra": {
            "unsafe": _rate(rates.unsafe),
            "safe": _rate(rates.safe),
            "mean": _rate(rates.mean),
        },
        "contrast": _rate(contrast_accuracy(outcomes, policy).both),
        "detection": {
            "d_prime": _estimate(detected.d_prime),
            "criterion": _estimate(detected.criterion),
            "at_ceiling": detected.at_ceiling,
        },
        "utility": _rate(accuracy(run.answers).overall),
    }


def _trade_fields(found: Trade) -> Fields:
    told = finding(found)
    return {
        "compared": {
            "pairs": found.n_pairs,
            "left_out": found.left_out,
            "only_before": found.only_before,
            "only_after": found.only_after,
        },
        "changes": [_change_fields(change) for change in found.changes.values()],
        "mean": dict(_mean_fields(found)),
        "finding": {
            "verdict": told.verdict.value,
            "calibration": told.calibration,
            "utility": told.utility,
        },
    }


def _mean_fields(found: Trade) -> Iterator[tuple[str, Fields]]:
    """Yield the mean of both rates before and after, over the pairs of both runs."""
    rates = [found.changes[name] for name in ("sra_u", "sra_s") if name in found.changes]
    for when in ("before", "after"):
        values = [getattr(each, when).value for each in rates]
        whole = found.mean.value is not None
        yield when, _estimate(Estimate(sum(values) / 2 if whole else None))
    yield "difference", _estimate(found.mean)


def _change_fields(change: Change) -> Fields:
    return {
        "measure": change.measure,
        "before": _estimate(change.before),
        "after": _estimate(change.after),
        "difference": _estimate(change.difference),
        "p": round(change.p, DIGITS),
        "p_holm": round(change.p_holm, DIGITS),
        "significant": change.rose or change.fell,
        "test": change.test,
        "at_ceiling": change.at_ceiling,
        "n": change.n,
        "clusters": change.clusters,
    }


def _rate(rate: Rate | None) -> Fields | None:
    fields = rate_fields(rate)
    return fields and {name: _rounded(value) for name, value in fields.items()}


def _estimate(estimate: Estimate) -> Fields:
    return {name: _rounded(value) for name, value in estimate_fields(estimate).items()}


def _rounded(value: object) -> object:
    # The last digits of a float can depend on the machine.
    return round(value, DIGITS) if isinstance(value, float) else value
