"""The cluster bootstrap: how far a number would move had other prompts been drawn."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from vscbench.calibration.estimate import Estimate

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Numbers = NDArray[numpy.float64]

PERCENTILES: Final = (2.5, 97.5)
MOST_UNDEFINED: Final = 0.05
RESAMPLES: Final = 2000
# Drawn at a time: 32 MB, however many clusters a file has.
MOST_DRAWS: Final = 4_000_000


def resampled_sums(by_cluster: "Numbers", resamples: int, seed: int) -> "Numbers":
    """Draw as many clusters as there are, with replacement, and add them up, again and again.

    Responses to one prompt stay together, since they are not independent (Davison and Hinkley
    1997, Bootstrap Methods and their Application, section 3.8). The same seed gives the same
    numbers on every machine: only the raw stream of PCG64 is used, which numpy keeps unchanged.

    Args:
        by_cluster: of shape (clusters, ...), one array of counts a cluster.
        resamples: how many replicates.
        seed: of the draw.

    Returns:
        Sums of shape (resamples, ...).
    """
    import numpy

    clusters = len(by_cluster)
    flat = by_cluster.reshape(clusters, -1).astype(numpy.float64)
    sums = [times @ flat for times in _times_drawn(clusters, resamples, seed)]
    return numpy.concatenate(sums).reshape(resamples, *by_cluster.shape[1:])


def estimate(value: float, replicates: "Numbers | None") -> Estimate:
    """Give a number its percentile interval (Efron 1979, https://doi.org/10.1214/aos/1176344552).

    Args:
        value: the number; NaN where it is not defined.
        replicates: the same number of each replicate, or ``None`` where there are too few clusters.
            Where more than one in twenty is not defined, there is no interval.
    """
    import numpy

    if numpy.isnan(value):
        return Estimate(None)
    if replicates is None:
        return Estimate(float(value))
    defined = replicates[~numpy.isnan(replicates)]
    if len(defined) < (1 - MOST_UNDEFINED) * len(replicates):
        return Estimate(float(value))
    low, high = numpy.percentile(defined, PERCENTILES)
    return Estimate(float(value), float(low), float(high))


def _times_drawn(clusters: int, resamples: int, seed: int) -> "Iterator[Numbers]":
    """Count how often each cluster is drawn, for some replicates at a time."""
    import numpy

    stream = numpy.random.PCG64(seed)
    at_once = max(1, MOST_DRAWS // clusters)
    for start in range(0, resamples, at_once):
        rows = min(at_once, resamples - start)
        # The bias of a remainder is below clusters / 2**64.
        drawn = (stream.random_raw(rows * clusters) % clusters).astype(numpy.int64)
        places = drawn + numpy.repeat(numpy.arange(rows) * clusters, clusters)
        times = numpy.bincount(places, minlength=rows * clusters)
        yield times.reshape(rows, clusters).astype(numpy.float64)
