"""Right and wrong cases drawn in clusters, with a known rate and intra-cluster correlation."""

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[numpy.float64]

POOL = 20_000


def beta_binomial(size: int, rate: float, icc: float) -> "Numbers":
    """Return the probability of 0, 1, ... right ones where each cluster has its own share."""
    if icc == 0:
        return copied(size, rate, 0.0)
    first, second = _beta_shapes(rate, icc)
    return numpy.array(
        [
            math.comb(size, right)
            * math.exp(_log_beta(right + first, size - right + second) - _log_beta(first, second))
            for right in range(size + 1)
        ]
    )


def copied(size: int, rate: float, icc: float) -> "Numbers":
    """Return them where a cluster's cases copy one draw (probability ICC), or are independent."""
    alone = numpy.array(
        [
            math.comb(size, right) * rate**right * (1 - rate) ** (size - right)
            for right in range(size + 1)
        ]
    )
    copies = numpy.zeros(size + 1)
    copies[0], copies[-1] = 1 - rate, rate
    return (1 - icc) * alone + icc * copies


def draw(
    rng: numpy.random.Generator, sizes: "Numbers", probabilities: "dict[int, Numbers]", times: int
) -> "Numbers":
    """Draw how many are right in each cluster, (times, clusters).

    Args:
        rng: where chance comes from.
        sizes: of the clusters.
        probabilities: of 0, 1, ... right ones, by the size of a cluster.
        times: how many replicates.
    """
    chance = rng.random((times, len(sizes)))
    right = numpy.empty_like(chance)
    for size, each in probabilities.items():
        columns = sizes == size
        right[:, columns] = numpy.searchsorted(numpy.cumsum(each)[:-1], chance[:, columns], "right")
    return right


@lru_cache
def cluster_shares(rate: float, icc: float) -> "Numbers":
    """Return quantiles, in order, of the beta distribution of the clusters' own shares."""
    from scipy.special import betaincinv

    if icc == 0:
        return numpy.full(POOL, rate)
    places = (numpy.arange(POOL) + 0.5) / POOL
    return numpy.asarray(betaincinv(*_beta_shapes(rate, icc), places))


def draw_two(
    rng: numpy.random.Generator,
    shares: "tuple[Numbers, Numbers]",
    size: int,
    together: float,
    shape: tuple[int, int],
) -> "tuple[Numbers, Numbers]":
    """Draw right ones among safe and among unsafe cases of the same clusters.

    Args:
        rng: where chance comes from.
        shares: ``cluster_shares`` of safe and of unsafe cases.
        size: how many cases of each a cluster has.
        together: the correlation of the Gaussian copula of a cluster's two shares.
        shape: replicates and clusters.
    """
    from scipy.special import ndtr

    first, fresh = rng.standard_normal((2, *shape))
    second = together * first + math.sqrt(1 - together**2) * fresh
    safe, unsafe = (
        rng.binomial(size, pool[(ndtr(normal) * POOL).astype(int)]).astype(numpy.float64)
        for normal, pool in zip((first, second), shares, strict=True)
    )
    return safe, unsafe


def _beta_shapes(rate: float, icc: float) -> tuple[float, float]:
    return rate * (1 / icc - 1), (1 - rate) * (1 / icc - 1)


def _log_beta(first: float, second: float) -> float:
    return math.lgamma(first) + math.lgamma(second) - math.lgamma(first + second)
