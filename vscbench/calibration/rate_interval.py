"""The interval of a share whose cases come in clusters: Wilson's, at the effective sample size."""

from collections.abc import Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING, Final

from vscbench.calibration.cluster_totals import ClusterTotals, design_effect, totals_of
from vscbench.calibration.estimate import LEAST_CLUSTERS, LEVEL, Rate
from vscbench.calibration.student_t import t_quantile

if TYPE_CHECKING:
    from vscbench.calibration.cluster_totals import Numbers

_UPPER: Final = (1 + LEVEL) / 2
_Z: Final = NormalDist().inv_cdf(_UPPER)


def clustered_rate(values: Sequence[float], clusters: Sequence[str]) -> Rate:
    """Return the mean of values from 0 to 1 with its interval; neither order nor names matter.

    There is no interval where there are fewer than two clusters.

    Args:
        values: one a case: whether it was right, or the share of its epochs in which it was.
        clusters: the cluster of each case.

    Raises:
        ValueError: there are no values.
    """
    rate = rate_of(totals_of(values, clusters))
    if rate is None:
        raise ValueError("a rate needs at least one value")
    return rate


def rate_of(totals: ClusterTotals) -> Rate | None:
    """Return the share that is right with its interval, or ``None`` where there is no case."""
    if not totals.n:
        return None
    rate = float(totals.rate)
    if totals.clusters < LEAST_CLUSTERS:
        return Rate(rate, totals.n)
    low, high = rate_bounds(totals)
    return Rate(rate, totals.n, min(rate, float(low)), max(rate, float(high)))


def rate_bounds(totals: ClusterTotals) -> "tuple[Numbers, Numbers]":
    """Compute the two ends of the interval, of shape (...); there must be two clusters or more.

    Wilson's score interval (1927, https://doi.org/10.1080/01621459.1927.10502953) at the effective
    sample size. Its end towards the nearer of 0 and 1 is too close for few cases, so there it is
    that of Agresti and Coull (1998, https://doi.org/10.1080/00031305.1998.10480550): the same
    centre, with the normal spread about that.
    """
    import numpy

    rate, trials = totals.rate, effective_size(totals)
    total = trials + _Z**2
    centre = (rate * trials + _Z**2 / 2) / total
    wilson = _Z / total * numpy.sqrt(rate * (1 - rate) * trials + _Z**2 / 4)
    agresti_coull = _Z * numpy.sqrt(centre * (1 - centre) / total)
    below = numpy.where(rate <= 1 / 2, agresti_coull, wilson)
    above = numpy.where(rate >= 1 / 2, agresti_coull, wilson)
    return numpy.clip(centre - below, 0.0, 1.0), numpy.clip(centre + above, 0.0, 1.0)


def effective_size(totals: ClusterTotals) -> "Numbers":
    """Compute how many independent cases would tell as much: n / deff * (z / t)**2.

    Korn and Graubard 1998, Survey Methodology 24(2): n over the design effect, and less for the
    few degrees of freedom, clusters - 1, that the variance itself is estimated with.
    """
    shrunk = (_Z / t_quantile(_UPPER, totals.clusters - 1)) ** 2
    effective: Numbers = totals.n / design_effect(totals) * shrunk
    return effective
