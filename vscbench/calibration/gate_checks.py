"""The decision of a gate: for each check what was asked, what was seen, which cases decided it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from vscbench.calibration.contrast import contrast_accuracy
from vscbench.calibration.estimate import Rate
from vscbench.calibration.gate import BaselineRules, Bound, Gate, Measure, Minimum, Waiver
from vscbench.calibration.paired import PairedDifference, compare_outcomes
from vscbench.calibration.rates import safety_response_accuracy
from vscbench.calibration.scoring import Policy, is_correct, is_scored
from vscbench.records import CaseKey, Label, Outcome

# A rate that is a hair below its minimum in binary is not below it for a person.
ROUNDING: Final = 1e-9
MOST_DECIMALS: Final = 6


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was asked.

    ``measure`` and ``category`` say of what, where that is more than the name. ``why`` is a
    remark. ``cases`` are the pairs that count against it, sorted.
    """

    name: str
    asked: str
    seen: str
    passed: bool
    measure: str | None = None
    category: str | None = None
    why: str | None = None
    cases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Baseline:
    """An earlier run to compare with."""

    name: str
    outcomes: Sequence[Outcome]


@dataclass(frozen=True, slots=True)
class Decision:
    """The checks of a gate; ``waived`` are the waivers that held, with what they left out."""

    gate: Gate
    checks: tuple[Check, ...]
    waived: tuple[Waiver, ...] = ()
    baseline: str | None = None

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return all(check.passed for check in self.checks)


def decide(  # noqa: PLR0913 - one decision, with all that it rests on
    gate: Gate,
    outcomes: Sequence[Outcome],
    planned: frozenset[CaseKey],
    *,
    policy: Policy,
    today: date,
    baseline: Baseline | None = None,
) -> Decision:
    """Decide whether a run passes.

    Args:
        gate: what is asked.
        outcomes: of the run; their order does not matter.
        planned: every case that the options select; one without an outcome was not run.
        policy: what counts as right, also for the outcomes of the baseline.
        today: by which waivers expire.
        baseline: the earlier run, where the gate has rules for one.
    """
    in_force = [waiver for waiver in gate.waivers if waiver.until >= today]
    names = {waiver.case for waiver in in_force}
    counted = [each for each in outcomes if each.pair.id not in names]
    checks = [
        _complete(outcomes, planned),
        _coverage(gate.coverage, outcomes, planned, policy),
        *(_minimum(minimum, counted, policy) for minimum in gate.minima),
    ]
    if gate.baseline is not None and baseline is not None:
        checks.append(_baseline_coverage(gate.baseline.coverage, baseline, planned, policy))
        checks += _against(gate.baseline, baseline, counted, policy)
    checks += [_expired(waiver) for waiver in gate.waivers if waiver.until < today]
    name = None if baseline is None else baseline.name
    return Decision(gate, tuple(checks), tuple(in_force), name)


def _complete(outcomes: Sequence[Outcome], planned: frozenset[CaseKey]) -> Check:
    absent = planned - {(each.pair.id, each.epoch) for each in outcomes}
    return Check(
        name="complete",
        asked="every planned case is run",
        seen=f"{len(planned) - len(absent)} of {len(planned)} were",
        passed=not absent and bool(planned),
        why="a run that was narrowed or cut short says nothing of the rest" if absent else None,
        cases=_ids(case for case, _ in absent),
    )


def _coverage(
    least: float, outcomes: Sequence[Outcome], planned: frozenset[CaseKey], policy: Policy
) -> Check:
    total = len(planned)
    unscored = [each for each in outcomes if not is_scored(each, policy)]
    scored = len(outcomes) - len(unscored)
    share = scored / total if total else 0.0
    return Check(
        name="coverage",
        asked=f"at least {percent(least)}",
        seen=f"{percent(share, least)}, {scored} of {total} scored",
        passed=share >= least - ROUNDING,
        cases=_ids(each.pair.id for each in unscored),
    )


def _minimum(minimum: Minimum, outcomes: Sequence[Outcome], policy: Policy) -> Check:
    among = [each for each in outcomes if minimum.category in (None, each.pair.category)]
    rate = _rate(minimum.measure, among, policy)
    reached = None if rate is None else _bounded(rate, minimum.on)
    what = "at least" if minimum.on is Bound.RATE else "lower end of the interval at least"
    why = None
    if rate is None:
        why = "no pair is in it"
    elif reached is None:
        why = "too few clusters for an interval"
    return Check(
        name=minimum.measure.value,
        measure=minimum.measure.value,
        category=minimum.category,
        asked=f"{what} {percent(minimum.at_least)}",
        seen=rate_words(rate, minimum.at_least) if rate else "nothing",
        passed=reached is not None and reached >= minimum.at_least - ROUNDING,
        why=why,
        cases=_wrong(minimum.measure, among, policy),
    )


def _bounded(rate: Rate, bound: Bound) -> float | None:
    return rate.rate if bound is Bound.RATE else rate.low


def _rate(measure: Measure, outcomes: Sequence[Outcome], policy: Policy) -> Rate | None:
    if measure is Measure.CONTRAST:
        return contrast_accuracy(outcomes, policy).both
    rates = safety_response_accuracy(outcomes, policy)
    return rates.unsafe if measure is Measure.SRA_U else rates.safe


def _wrong(measure: Measure, outcomes: Sequence[Outcome], policy: Policy) -> tuple[str, ...]:
    labels = {Measure.SRA_U: Label.UNSAFE, Measure.SRA_S: Label.SAFE}
    wrong = (each.pair for each in outcomes if is_correct(each, policy) is False)
    if measure is Measure.CONTRAST:
        return _ids(pair.id for pair in wrong if pair.contrast_id is not None)
    return _ids(pair.id for pair in wrong if pair.label is labels[measure])


def _baseline_coverage(
    least: float, baseline: Baseline, planned: frozenset[CaseKey], policy: Policy
) -> Check:
    """Ask that the baseline scored what this run asks; with one pair nothing is ever worse."""
    wanted = {pair_id for pair_id, _ in planned}
    scored = {each.pair.id for each in baseline.outcomes if is_scored(each, policy)}
    absent = wanted - scored
    share = 1 - len(absent) / len(wanted) if wanted else 0.0
    return Check(
        name="baseline",
        asked=f"at least {percent(least)} of the pairs scored in it",
        seen=f"{percent(share, least)}, {len(wanted) - len(absent)} of {len(wanted)}",
        passed=share >= least - ROUNDING,
        cases=_ids(absent),
    )


def _against(
    rules: BaselineRules, baseline: Baseline, outcomes: Sequence[Outcome], policy: Policy
) -> Iterator[Check]:
    comparison = compare_outcomes(
        baseline.outcomes, outcomes, policy, family=rules.not_worse, alpha=rules.alpha
    )
    for name in rules.not_worse:
        yield _not_worse(comparison.measure(name), rules.alpha)
    found = {each.name: each for each in comparison.measures}
    for name, margin in rules.margin.items():
        yield _non_inferior(name, found.get(name), margin)


def _not_worse(found: PairedDifference, alpha: float) -> Check:
    why = None
    if found.n_pairs and not found.is_significantly_worse(alpha) and found.p_holm is not None:
        why = f"such runs find a change of {points(found.detectable)} points four times in five"
    return Check(
        name="not-worse",
        measure=found.name,
        asked=f"not significantly worse than the baseline (alpha {alpha:g})",
        seen=_difference_words(found),
        passed=bool(found.n_pairs) and not found.is_significantly_worse(alpha),
        why=why if found.n_pairs else "no pair was scored in both runs",
        cases=found.fell,
    )


def _non_inferior(name: str, found: PairedDifference | None, margin: float) -> Check:
    known = found is not None and found.n_pairs > 0
    return Check(
        name="non-inferior",
        measure=name,
        asked=f"at worst {points(margin)} points below the baseline",
        seen=_difference_words(found) if found and known else "nothing",
        passed=found is not None and known and found.is_non_inferior(margin),
        why=None if known else "no pair was scored in both runs",
        cases=found.fell if found else (),
    )


def _difference_words(found: PairedDifference) -> str:
    """Say how far a measure moved, in percentage points."""
    difference = found.difference
    if difference.value is None:
        return "nothing"
    ends = ""
    if difference.low is not None and difference.high is not None:
        ends = f" [{points(difference.low):+}, {points(difference.high):+}]"
    adjusted = "" if found.p_holm is None else f", Holm {found.p_holm:.3f}"
    return (
        f"{points(difference.value):+} points{ends}, p {found.p:.3f}{adjusted}; "
        f"{found.discordant_worse} worse and {found.discordant_better} better of {found.n_pairs}"
    )


def _expired(waiver: Waiver) -> Check:
    return Check(
        name="waiver",
        asked=f"a waiver in force for {waiver.case}",
        seen=f"it expired on {waiver.until.isoformat()}",
        passed=False,
        why=f"it was accepted because: {waiver.reason}",
        cases=(waiver.case,),
    )


def percent(share: float, least: float | None = None) -> str:
    """Write a share as per cent, with as many decimals as show that it is below ``least``."""
    decimals = 1
    if least is not None and share < least - ROUNDING:
        while decimals < MOST_DECIMALS and round(share, decimals + 2) >= least:
            decimals += 1
    return f"{share:.{decimals}%}"


def points(share: float) -> float:
    """Return a share in percentage points, to one decimal."""
    return round(100 * share, 1) + 0.0


def rate_words(rate: Rate, least: float | None = None) -> str:
    """Write a rate with its interval and n; ``least`` as for ``percent``."""
    if rate.low is None or rate.high is None:
        return f"{percent(rate.rate, least)}, n {rate.n}"
    ends = f"{percent(rate.low, least)}, {percent(rate.high, least)}"
    return f"{percent(rate.rate, least)} [{ends}], n {rate.n}"


def _ids(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(names)))
