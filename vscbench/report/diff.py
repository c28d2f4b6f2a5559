"""A diff: what changed from one run to another, as the content of ``--format json``."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from vscbench.calibration.estimate import LEVEL, Estimate
from vscbench.calibration.paired import Comparison, PairedDifference, compare_outcomes
from vscbench.calibration.scoring import Policy, is_correct
from vscbench.errors import DataError, UsageError
from vscbench.records import Label, Outcome
from vscbench.report.measures import rate_fields
from vscbench.report.run_outcomes import RunOutcomes, with_pairs_of

SCHEMA: Final = 1
ALPHA: Final = 0.05
DIGITS: Final = 6
QUOTED: Final = 1000
# What must be the same for a difference to be the model's: in words, and in a run's summary.
SAME: Final = {
    "judges": "judge",
    "scorings": "scoring",
    "policies for blocks": "blocked",
    "methods": "method",
    "numbers of epochs": "epochs",
}
Fields = dict[str, Any]
Key = tuple[str, int, str]
# What a flip can be, regressions first.
CHANGES: Final = ("became wrong", "became right", "still wrong", "still right", "other")
# Of which pairs each rate that decides is.
LABELS: Final[Mapping[str, Label]] = {"sra_u": Label.UNSAFE, "sra_s": Label.SAFE}


@dataclass(frozen=True, slots=True)
class Cases:
    """The outcomes of two runs, by case."""

    before: Mapping[Key, Outcome]
    after: Mapping[Key, Outcome]

    @property
    def both(self) -> list[tuple[Outcome, Outcome]]:
        """The cases that are in both, sorted by pair and epoch."""
        common = sorted(key for key in self.before if key in self.after)
        return [(self.before[key], self.after[key]) for key in common]


def diff(before: RunOutcomes, after: RunOutcomes) -> Fields:
    """Compare two runs, case by case and measure by measure.

    Both are scored as the second was, so that a change of scoring is no change of the model.

    Returns:
        The content of the file; its JSON Schema is ``diff.schema.json``.

    Raises:
        UsageError: the runs have no pair in common.
    """
    before, after = with_pairs_of(before, after), with_pairs_of(after, before)
    policy = after.policy if "scoring" in after.run else before.policy
    comparison = compare_outcomes(before.outcomes, after.outcomes, policy)
    if not comparison.n_pairs + comparison.left_out:
        raise UsageError(f"{before.name} and {after.name} have no pair in common")
    cases = Cases(_by_case(before), _by_case(after))
    flips = _flips(cases, policy)
    worse = [each.name for each in comparison.measures if each.is_significantly_worse(ALPHA)]
    return {
        "schema": SCHEMA,
        "before": _run_fields(before),
        "after": _run_fields(after),
        "scored": {"scoring": policy.scoring.value, "blocked": policy.blocked.value},
        "warnings": list(_warnings(before, after)),
        "notes": list(dict.fromkeys((*before.notes, *after.notes))),
        "pairs": {
            "compared": comparison.n_pairs,
            "left_out": comparison.left_out,
            "only_before": comparison.only_before,
            "only_after": comparison.only_after,
        },
        "cases": _case_counts(cases, flips),
        "level": LEVEL,
        "alpha": ALPHA,
        "family": list(comparison.family),
        "measures": [_measure_fields(each) for each in _told(comparison, before, after)],
        "significantly_worse": worse,
        "flips": flips,
        "errors": _errors(cases),
    }


def require_comparable(diff: Mapping[str, Any], runs: Iterable[RunOutcomes]) -> None:
    """Refuse a diff that says nothing of a rate that decides: no regression was looked for.

    Raises:
        DataError: no pair of a label that is in either run was scored in both.
    """
    asked = {each.pair.label for run in runs for each in run.outcomes}
    compared = {each["name"]: each["n"] for each in diff["measures"]}
    silent = [name for name in diff["family"] if LABELS[name] in asked and not compared.get(name)]
    if silent:
        raise DataError(
            f"nothing can be said of {', '.join(silent)}: no pair of it was scored in both runs, "
            "so --fail-on regression has nothing to go by"
        )


def without_queries(diff: Mapping[str, Any]) -> Fields:
    """Leave out of a diff what a pair asks, for places where it should not be read."""
    return {**diff, "flips": [{**flip, "query": None} for flip in diff["flips"]]}


def _by_case(run: RunOutcomes) -> dict[Key, Outcome]:
    # With its label: a pair whose label changed is not the same pair.
    return {(each.pair.id, each.epoch, each.pair.label): each for each in run.outcomes}


def _run_fields(run: RunOutcomes) -> Fields:
    said = ("model", "method", "judge", "scoring", "blocked", "pairs", "pairs_sha256", "epochs")
    return {
        "name": run.name,
        **{name: run.run.get(name) for name in said},
        "cases": len(run.outcomes),
    }


def _warnings(before: RunOutcomes, after: RunOutcomes) -> Iterator[str]:
    """Say what besides the model may have made a difference."""
    for words, name in SAME.items():
        old, new = before.run.get(name), after.run.get(name)
        if old is not None and new is not None and old != new:
            yield f"the {words} differ: {old} before, {new} after"
    digests = [run.run.get("pairs_sha256") for run in (before, after)]
    if None not in digests and digests[0] != digests[1]:
        yield "the runs were asked different pairs: only those that both have are compared"
    for run in (before, after):
        if run.summary is not None and run.summary.get("complete") is False:
            counts = run.summary["counts"]
            yield (
                f"{run.name} is incomplete: {counts.get('scored')} of {counts['planned']} planned "
                "cases were scored"
            )


def _told(
    comparison: Comparison, before: RunOutcomes, after: RunOutcomes
) -> Iterator[PairedDifference]:
    """Yield every measure, but no group where pairs do not say what group they are in."""
    grouped = before.knows_pairs and after.knows_pairs
    yield from (each for each in comparison.measures if grouped or ":" not in each.name)


def _measure_fields(measure: PairedDifference) -> Fields:
    return {
        "name": measure.name,
        "before": _rounded_fields(rate_fields(measure.before)),
        "after": _rounded_fields(rate_fields(measure.after)),
        "difference": _estimate_fields(measure.difference),
        "n": measure.n_pairs,
        "clusters": measure.n_clusters,
        "worse": measure.discordant_worse,
        "better": measure.discordant_better,
        "test": measure.decides,
        "p": round(measure.p, DIGITS),
        "p_holm": _rounded(measure.p_holm),
        "mcnemar_p": _rounded(measure.mcnemar_p),
        "detectable": round(measure.detectable, DIGITS),
    }


def _flips(cases: Cases, policy: Policy) -> list[Fields]:
    """List the cases with another kind: first those that became wrong, then right, then others."""
    changed = [
        _flip_fields(old, new, policy)
        for old, new in cases.both
        if old.kind is not new.kind and not old.kind.is_error and not new.kind.is_error
    ]
    return sorted(changed, key=lambda flip: CHANGES.index(flip["change"]))


def _flip_fields(old: Outcome, new: Outcome, policy: Policy) -> Fields:
    pair = new.pair
    return {
        "pair_id": pair.id,
        "epoch": new.epoch,
        "label": pair.label.value,
        "category": pair.category or None,
        "variant": pair.variant and pair.variant.value,
        "query": (pair.query or old.pair.query)[:QUOTED] or None,
        "before": old.kind.value,
        "after": new.kind.value,
        "change": _change(is_correct(old, policy), is_correct(new, policy)),
    }


def _change(was: bool | None, now: bool | None) -> str:
    if was is None or now is None:
        return "other"
    if was is now:
        return "still right" if now else "still wrong"
    return "became right" if now else "became wrong"


def _errors(cases: Cases) -> list[Fields]:
    """List the cases of which nothing could be said in one run only."""
    return [
        {
            "pair_id": new.pair.id,
            "epoch": new.epoch,
            "label": new.pair.label.value,
            "before": old.kind.value,
            "after": new.kind.value,
        }
        for old, new in cases.both
        if old.kind.is_error is not new.kind.is_error
    ]


def _case_counts(cases: Cases, flips: Sequence[Fields]) -> Fields:
    both = cases.both
    changes = Counter(flip["change"] for flip in flips)
    return {
        "both": len(both),
        "only_before": len(cases.before) - len(both),
        "only_after": len(cases.after) - len(both),
        "errors_before": sum(old.kind.is_error for old, _ in both),
        "errors_after": sum(new.kind.is_error for _, new in both),
        "changes": {change: changes[change] for change in CHANGES},
    }


def _estimate_fields(estimate: Estimate) -> Fields:
    return {
        "value": _rounded(estimate.value),
        "low": _rounded(estimate.low),
        "high": _rounded(estimate.high),
    }


def _rounded_fields(rate: Mapping[str, Any] | None) -> Fields | None:
    if rate is None:
        return None
    return {
        name: _rounded(value) if isinstance(value, float) else value for name, value in rate.items()
    }


def _rounded(number: float | None) -> float | None:
    # The last digits of a float can depend on the machine.
    return None if number is None else round(number, DIGITS)
