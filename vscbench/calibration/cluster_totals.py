"""Counts of right cases by cluster, and what they tell of the variance of a share.

Cases of one cluster are not independent. The variance of a share is therefore taken between
clusters: the linearised (Taylor series) estimator of a ratio of cluster totals, with replacement
(Cochran 1977, Sampling Techniques, 3rd edition, section 9A; Wolter 2007, Introduction to Variance
Estimation, 2nd edition, chapter 6).
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vscbench.calibration.scoring import Policy, is_correct
from vscbench.records import Label, Outcome

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Numbers = NDArray[numpy.float64]


@dataclass(frozen=True, slots=True, eq=False)
class ClusterTotals:
    """How many cases each cluster has, of shape (clusters,), and how many of them are right.

    ``right`` is of shape (..., clusters): one set of counts, or many over the same clusters. It
    may hold fractions, where a case is a mean over epochs. A cluster may have no case.
    """

    right: "Numbers"
    cases: "Numbers"

    @property
    def n(self) -> int:
        """How many cases there are."""
        return int(self.cases.sum())

    @property
    def clusters(self) -> int:
        """How many clusters have a case."""
        return int((self.cases > 0).sum())

    @property
    def rate(self) -> "Numbers":
        """The share of cases that are right, of shape (...)."""
        import numpy

        rate: Numbers = numpy.clip(self.right.sum(axis=-1) / self.n, 0.0, 1.0)
        return rate

    @property
    def residuals(self) -> "Numbers":
        """How many more are right in each cluster than the overall share would give it."""
        residuals: Numbers = self.right - self.rate[..., None] * self.cases
        return residuals


def totals_of(values: Iterable[float], clusters: Iterable[str]) -> ClusterTotals:
    """Add up values from 0 to 1, one a case, by cluster."""
    members: defaultdict[str, list[float]] = defaultdict(list)
    for value, cluster in zip(values, clusters, strict=True):
        members[cluster].append(value)
    cases, right = _columns(((len(each), math.fsum(each)) for each in members.values()), 2)
    return ClusterTotals(right, cases)


def label_totals(
    outcomes: Iterable[Outcome], policy: Policy
) -> tuple[ClusterTotals, ClusterTotals]:
    """Add up safe and unsafe pairs, those in the rates, over the same clusters in one order.

    Returns:
        The totals of safe pairs, and those of unsafe pairs.
    """
    counts: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for outcome in outcomes:
        right = is_correct(outcome, policy)
        if right is not None:
            place = 0 if outcome.pair.label is Label.SAFE else 2
            counts[outcome.pair.cluster_id][place] += 1
            counts[outcome.pair.cluster_id][place + 1] += right
    safe_cases, safe_right, unsafe_cases, unsafe_right = _columns(counts.values(), 4)
    return ClusterTotals(safe_right, safe_cases), ClusterTotals(unsafe_right, unsafe_cases)


def design_effect(totals: ClusterTotals) -> "Numbers":
    """Compute by how much clusters widen the variance of the share; never below 1.

    Kish 1965, Survey Sampling, section 5.4. The estimate is joined with what it would be if the
    cases of a cluster were all alike (the mean cluster size, each case's own: sum m**2 / sum m),
    which weighs as one case against those that are right, or wrong where these are fewer. At a
    share of 0 or 1 only that is left; beside one or two right ones the estimate alone is too
    often 1.
    """
    import numpy

    n, clusters, rate = totals.n, totals.clusters, totals.rate
    squares = (totals.residuals**2).sum(axis=-1)
    # Both unbiased, so that the ratio is 1 where each case is a cluster.
    robust = clusters / (clusters - 1) * squares
    simple = n / (n - 1) * n * rate * (1 - rate)
    ratio = numpy.divide(robust, simple, out=numpy.ones_like(rate), where=simple > 0)
    alike = (totals.cases**2).sum() / n
    fewer = n * numpy.minimum(rate, 1 - rate)
    weight = 1 / (1 + fewer)
    effect: Numbers = numpy.maximum((1 - weight) * ratio + weight * alike, 1.0)
    return effect


def correlation(first: ClusterTotals, second: ClusterTotals) -> "Numbers":
    """Compute how the shares of two sets of cases go together, over the same clusters in order.

    From the cluster-robust covariance and variances, as if two more clusters had none of it: a
    correlation of 1 comes easily in three clusters. 0 where a share is the same in all clusters.
    """
    import numpy

    here, there = first.residuals, second.residuals
    shared = int(((first.cases > 0) & (second.cases > 0)).sum())
    scale = numpy.sqrt((here**2).sum(axis=-1) * (there**2).sum(axis=-1))
    product = (here * there).sum(axis=-1)
    ratio = numpy.divide(product, scale, out=numpy.zeros_like(scale), where=scale > 0)
    shrunk: Numbers = numpy.clip(ratio, -1.0, 1.0) * shared / (shared + 2)
    return shrunk


def _columns(rows: Iterable[Sequence[float]], width: int) -> "Numbers":
    """Turn a row a cluster into columns.

    Rows are sorted by what they hold, so that neither order nor names change a later sum.
    """
    import numpy

    return numpy.array(sorted(map(tuple, rows)), dtype=numpy.float64).reshape(-1, width).T
