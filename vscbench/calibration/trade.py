"""The trade: what calibration methods change of one model, in safety and in utility."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from vscbench.calibration.accuracy import GradedAnswer, paired_accuracy
from vscbench.calibration.cluster_totals import ClusterTotals, correlation
from vscbench.calibration.clustered_differences import ALPHA, add_up, difference_interval
from vscbench.calibration.estimate import Estimate, Rate
from vscbench.calibration.holm import holm_adjusted
from vscbench.calibration.paired import PairedDifference, compare_outcomes
from vscbench.calibration.paired_units import PairedUnit, match
from vscbench.calibration.scoring import Policy
from vscbench.calibration.trade_detection import DetectionChange, detection_changes
from vscbench.calibration.two_rates import bounds_of_sum
from vscbench.records import Label, Outcome

Measure = Literal["sra_u", "sra_s", "contrast", "d_prime", "criterion", "utility"]
Test = Literal["sign-flip", "mcnemar", "interval"]
RATES: Final[tuple[Measure, ...]] = ("sra_u", "sra_s", "contrast")


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured of a model with one method; no ``answers``, no utility."""

    outcomes: Sequence[Outcome]
    answers: Sequence[GradedAnswer] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """One measure without a method and with it, over what both runs scored.

    ``difference`` is with - without. ``n`` counts pairs, contrasts or questions. ``p_holm`` is
    adjusted for every test of the model. ``at_ceiling``: a rate is 0 or 1, so that an end of an
    interval of d' or the criterion may be ``None``, since nothing bounds it.
    """

    measure: Measure
    before: Estimate
    after: Estimate
    difference: Estimate
    p: float
    p_holm: float
    test: Test
    n: int
    clusters: int
    at_ceiling: bool = False

    @property
    def rose(self) -> bool:
        """Whether it is higher with the method, by more than chance explains."""
        return self._is_told and self.difference.value is not None and self.difference.value > 0

    @property
    def fell(self) -> bool:
        """Whether it is lower with the method, by more than chance explains."""
        return self._is_told and self.difference.value is not None and self.difference.value < 0

    @property
    def _is_told(self) -> bool:
        return self.p_holm < ALPHA


@dataclass(frozen=True, slots=True)
class Trade:
    """What one method changes; a measure that nothing is in is not there.

    ``mean`` is the difference of the mean of SRA_s and SRA_u, which no test is made of: both are
    tested. ``left_out`` counts pairs of both runs that one of them did not score, ``only_before``
    and ``only_after`` those of one run alone.
    """

    changes: Mapping[Measure, Change]
    mean: Estimate
    n_pairs: int
    left_out: int
    only_before: int
    only_after: int


def trades(baseline: Measured, methods: Mapping[str, Measured], policy: Policy) -> dict[str, Trade]:
    """Compare every method of one model with none, over the pairs and questions of both.

    Args:
        baseline: the model without a method.
        methods: what was measured with each.
        policy: what is right, in all of them.

    Returns:
        What each method changes, in the order given. Holm's correction goes over all tests of
        all methods together.
    """
    found = {name: _trade(baseline, method, policy) for name, method in methods.items()}
    p_by_test = {
        f"{place} {measure}": change.p
        for place, trade in enumerate(found.values())
        for measure, change in trade.changes.items()
    }
    adjusted = holm_adjusted(p_by_test)
    return {
        name: replace(
            trade,
            changes={
                measure: replace(change, p_holm=adjusted[f"{place} {measure}"])
                for measure, change in trade.changes.items()
            },
        )
        for place, (name, trade) in enumerate(found.items())
    }


def number_of_tests(found: Mapping[str, Trade]) -> int:
    """Count the tests that Holm's correction went over."""
    return sum(len(trade.changes) for trade in found.values())


def mean_difference(units: Sequence[PairedUnit]) -> Estimate:
    """Compute the difference of the mean of SRA_s and SRA_u; not defined without both labels.

    The two differences, each with its own interval, are joined with their cluster-robust
    correlation, as two rates of one run are.
    """
    import numpy

    sides = [[unit for unit in units if unit.pair.label is label] for label in Label]
    if not all(sides):
        return Estimate(None)
    estimates = [
        difference_interval(add_up((unit.cluster, unit.difference) for unit in side))
        for side in sides
    ]
    values, lows, highs = (
        [getattr(each, end) for each in estimates] for end in ("value", "low", "high")
    )
    if None in (*lows, *highs):
        return Estimate(sum(values) / 2)
    bounded = [numpy.array([each.value, each.low, each.high], dtype=float) for each in estimates]
    together = correlation(*_halved_differences(sides))
    value, low, high = bounds_of_sum(tuple(bounded[0]), tuple(bounded[1]), together)
    return Estimate(float(value) / 2, max(-1.0, float(low) / 2), min(1.0, float(high) / 2))


def _halved_differences(sides: Sequence[Sequence[PairedUnit]]) -> Iterator[ClusterTotals]:
    """Add up the differences of each label over the same clusters, moved to between 0 and 1."""
    import numpy

    clusters = sorted({unit.cluster for side in sides for unit in side})
    place = {name: number for number, name in enumerate(clusters)}
    for side in sides:
        cases, right = numpy.zeros(len(clusters)), numpy.zeros(len(clusters))
        for unit in side:
            cases[place[unit.cluster]] += 1
            right[place[unit.cluster]] += (1 + float(unit.difference)) / 2
        yield ClusterTotals(right, cases)


def _trade(baseline: Measured, method: Measured, policy: Policy) -> Trade:
    matched = match(baseline.outcomes, method.outcomes, policy)
    changes = [*_rate_changes(baseline, method, policy), *_detection_changes(matched.units)]
    if baseline.answers and method.answers:
        compared = paired_accuracy(baseline.answers, method.answers).overall
        changes += [_of_difference("utility", compared)] if compared.n_pairs else []
    return Trade(
        changes={change.measure: change for change in changes},
        mean=mean_difference(matched.units),
        n_pairs=len(matched.units),
        left_out=matched.left_out,
        only_before=matched.only_before,
        only_after=matched.only_after,
    )


def _rate_changes(baseline: Measured, method: Measured, policy: Policy) -> Iterator[Change]:
    compared = compare_outcomes(baseline.outcomes, method.outcomes, policy, family=RATES)
    for name in RATES:
        difference = compared.measure(name)
        if difference.n_pairs:
            yield _of_difference(name, difference)


def _of_difference(measure: Measure, found: PairedDifference) -> Change:
    return Change(
        measure=measure,
        before=_estimate(found.before),
        after=_estimate(found.after),
        difference=found.difference,
        p=found.p,
        p_holm=found.p,
        test=found.decides,
        n=found.n_pairs,
        clusters=found.n_clusters,
    )


def _estimate(rate: Rate | None) -> Estimate:
    return Estimate(None) if rate is None else Estimate(rate.rate, rate.low, rate.high)


def _detection_changes(units: Sequence[PairedUnit]) -> Iterator[Change]:
    found = detection_changes(units)
    if found is None:
        return
    measures: tuple[tuple[Measure, DetectionChange], ...] = (
        ("d_prime", found[0]),
        ("criterion", found[1]),
    )
    for measure, change in measures:
        yield Change(
            measure=measure,
            before=change.before,
            after=change.after,
            difference=change.difference,
            p=change.p,
            p_holm=change.p,
            test="interval",
            n=change.n_pairs,
            clusters=change.n_clusters,
            at_ceiling=change.at_ceiling,
        )
