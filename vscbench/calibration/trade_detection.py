"""By how much d' and the criterion change from one run to another over the same pairs."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vscbench.calibration.cluster_totals import ClusterTotals
from vscbench.calibration.detection import d_prime_and_criterion
from vscbench.calibration.estimate import LEAST_CLUSTERS, LEVEL, Estimate
from vscbench.calibration.paired_units import PairedUnit
from vscbench.calibration.rate_interval import rate_bounds
from vscbench.calibration.student_t import t_quantile
from vscbench.records import Label

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    from vscbench.calibration.two_rates import Bounded

    Numbers = NDArray[numpy.float64]

# Clusters that changed in one run and not in the other, for each, taken as seen before any was.
PRIOR: Final = 1
# With how few clusters a correlation comes by chance: as if that many more had none.
WITHOUT: Final = 2
UPPER: Final = (1 + LEVEL) / 2


@dataclass(frozen=True, slots=True, eq=False)
class Sides:
    """The totals of one run's safe and unsafe pairs, over the same clusters in one order."""

    safe: ClusterTotals
    unsafe: ClusterTotals


@dataclass(frozen=True, slots=True)
class DetectionChange:
    """One number of detection theory in two runs, over the pairs that both scored.

    ``difference`` is after - before. Where a rate is 0 or 1, nothing bounds an end of an interval,
    which is ``None`` then, and ``at_ceiling`` is true: n sets the value.
    """

    before: Estimate
    after: Estimate
    difference: Estimate
    p: float
    at_ceiling: bool
    n_pairs: int
    n_clusters: int


def detection_changes(
    units: Sequence[PairedUnit],
) -> tuple[DetectionChange, DetectionChange] | None:
    """Compare d' and the criterion of two runs.

    Args:
        units: the pairs that both runs scored, epochs averaged within each.

    Returns:
        The change of d', and that of the criterion; ``None`` without two clusters of safe and
        two of unsafe pairs.
    """
    import numpy

    before, after = sides_of(units)
    if min(before.safe.clusters, before.unsafe.clusters) < LEAST_CLUSTERS:
        return None
    every = (before.safe, before.unsafe, after.safe, after.unsafe)
    at_ceiling = any(float(each.rate) in (0.0, 1.0) for each in every)
    clusters = len(before.safe.cases)

    def estimate(bounded: "Bounded") -> Estimate:
        value, *ends = map(float, bounded)
        low, high = (end if numpy.isfinite(end) else None for end in ends)
        return Estimate(value, low, high)

    def change(was: "Bounded", now: "Bounded", by: "Bounded") -> DetectionChange:
        p = float(p_of_change(by, clusters - 1))
        found = estimate(was), estimate(now), estimate(by)
        return DetectionChange(*found, p, at_ceiling, len(units), clusters)

    was, now = (d_prime_and_criterion(run.safe, run.unsafe) for run in (before, after))
    by = bounded_changes(before, after)
    return change(was[0], now[0], by[0]), change(was[1], now[1], by[1])


def sides_of(units: Sequence[PairedUnit]) -> tuple[Sides, Sides]:
    """Add up the pairs of two runs by label and cluster."""
    import numpy

    sums: defaultdict[str, list[float]] = defaultdict(lambda: [0.0] * 6)
    for unit in sorted(units, key=lambda unit: (unit.cluster, unit.pair.id)):
        place = 0 if unit.pair.label is Label.SAFE else 3
        for step, value in enumerate((1.0, float(unit.before), float(unit.after))):
            sums[unit.cluster][place + step] += value
    columns = numpy.array([*sums.values()]).reshape(-1, 6).T
    safe, safe_was, safe_is, unsafe, unsafe_was, unsafe_is = columns
    return (
        Sides(ClusterTotals(safe_was, safe), ClusterTotals(unsafe_was, unsafe)),
        Sides(ClusterTotals(safe_is, safe), ClusterTotals(unsafe_is, unsafe)),
    )


def bounded_changes(before: Sides, after: Sides) -> "tuple[Bounded, Bounded]":
    """Compute the changes of d' and c with the ends of their intervals, each of shape (...).

    Both are sums of z(SRA_u) and z(SRA_s) of the two runs, with signs. Each z has the interval
    that its rate has, and the four are joined with their cluster-robust correlations (method of
    variance estimates recovery for a sum of dependent numbers: Zou, Huang and Zhang 2009,
    https://doi.org/10.1016/j.csda.2008.09.033).
    """
    totals = (after.unsafe, after.safe, before.unsafe, before.safe)
    each = [_bounded_z(one) for one in totals]
    together = _correlations(totals)
    d_prime = _signed_sum(each, (1, 1, -1, -1), together)
    value, low, high = _signed_sum(each, (-1, 1, 1, -1), together)
    return d_prime, (value / 2, low / 2, high / 2)


def p_of_change(change: "Bounded", degrees: int) -> "Numbers":
    """Compute the two-sided p of a change, from how far its interval reaches towards 0.

    The interval is taken for that of Student's t, so that p is below .05 where, and only where, 0
    is outside of it. Where nothing bounds it towards 0, p is 1.
    """
    import numpy

    # Imported here: it takes a third of a second, and only a comparison needs it.
    from scipy.special import stdtr

    value, low, high = change
    reach = numpy.where(value > 0, value - low, high - value)
    told = numpy.isfinite(reach) & (reach > 0)
    errors = numpy.abs(value) / numpy.where(told, reach, 1.0) * t_quantile(UPPER, degrees)
    p: Numbers = 2 * stdtr(degrees, -numpy.where(told, errors, 0.0))
    return p


def _bounded_z(totals: ClusterTotals) -> "Bounded":
    """Compute z of a rate with the ends of its interval, as for d' of one run."""
    import numpy

    low, high = rate_bounds(totals)
    corrected = (totals.right.sum(axis=-1) + 1 / 2) / (totals.n + 1)
    return _z(numpy.asarray(corrected)), _z(low), _z(high)


def _z(rates: "Numbers") -> "Numbers":
    # Imported here: it takes a third of a second, and only a comparison needs it.
    from scipy.special import ndtri

    z: Numbers = ndtri(rates)
    return z


def _correlations(totals: Sequence[ClusterTotals]) -> "Numbers":
    """Compute how rates go together over the same clusters, of shape (..., rates, rates).

    From the cluster-robust covariances, as if in each rate one cluster more had changed on its own
    (of the size that a case's cluster has): two runs that differ nowhere could yet have differed.
    That is the one discordant pair a side which Bonett and Price 2012
    (https://doi.org/10.3102/1076998611411915) add to a difference of paired shares.
    """
    import numpy

    residuals = numpy.stack([each.residuals for each in totals], axis=-2)
    products = residuals @ numpy.swapaxes(residuals, -1, -2)
    alone = numpy.array([PRIOR * (each.cases**2).sum() / each.n for each in totals])
    scale = numpy.sqrt(numpy.diagonal(products, axis1=-2, axis2=-1) + alone)
    has = numpy.array([each.cases > 0 for each in totals], dtype=float)
    shared = has @ has.T
    together: Numbers = products / (scale[..., None] * scale[..., None, :])
    together = together * (shared / (shared + WITHOUT))
    places = range(len(totals))
    together[..., places, places] = 1.0
    return together


def _signed_sum(each: "Sequence[Bounded]", signs: Sequence[int], together: "Numbers") -> "Bounded":
    """Add numbers up, each with its sign, with the interval that theirs give."""
    import numpy

    value: Numbers = sum(sign * one[0] for sign, one in zip(signs, each, strict=True))  # type: ignore[assignment]
    down = [one[0] - one[1] for one in each]
    up = [one[2] - one[0] for one in each]
    low, high = (
        numpy.stack(
            [here if sign > 0 else there for sign, here, there in zip(signs, *ends, strict=True)],
            axis=-1,
        )
        for ends in ((down, up), (up, down))
    )
    return value, value - _distance(low, signs, together), value + _distance(high, signs, together)


def _distance(ends: "Numbers", signs: Sequence[int], together: "Numbers") -> "Numbers":
    """Join the distances to the ends of several intervals; infinite where one of them is."""
    import numpy

    bounded = numpy.isfinite(ends).all(axis=-1)
    signed = numpy.where(numpy.isfinite(ends), ends, 0.0) * numpy.array(signs)
    # Rounding must not make a sum of squares negative.
    squares = numpy.maximum(numpy.einsum("...i,...ij,...j->...", signed, together, signed), 0.0)
    distance: Numbers = numpy.where(bounded, numpy.sqrt(squares), numpy.inf)
    return distance
