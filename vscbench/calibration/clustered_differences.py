"""Differences between two runs, added up by cluster, and how far their mean can be trusted."""

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from statistics import NormalDist
from typing import Final

from vscbench.calibration.estimate import LEAST_CLUSTERS, LEVEL, Estimate
from vscbench.calibration.student_t import t_quantile

ALPHA: Final = 0.05
POWER: Final = 0.8
# Clusters that changed whole, taken as seen before any was.
PRIOR: Final = 1
# Halvings of an interval at most 2 wide: below 1e-15.
HALVINGS: Final = 51


@dataclass(frozen=True, slots=True)
class ClusteredDifferences:
    """What is known of the differences (after - before, from -1 to 1 each) of ``n`` units.

    ``gained`` and ``lost`` are the sums of the positive and of the negative differences, both as
    positive numbers, ``squares`` that of their squares. ``sums`` and ``sizes`` are those of each
    cluster, in one order.
    """

    n: int
    gained: Fraction
    lost: Fraction
    squares: Fraction
    sums: tuple[Fraction, ...]
    sizes: tuple[int, ...]

    @property
    def mean(self) -> float:
        """The mean difference; 0 where there is no unit."""
        return float((self.gained - self.lost) / self.n) if self.n else 0.0

    @property
    def discordance(self) -> float:
        """The share of units that changed; a change in one epoch of K counts 1/K."""
        return float((self.gained + self.lost) / self.n) if self.n else 0.0

    @property
    def mean_cluster_size(self) -> float:
        """The mean size of the cluster that a unit is in."""
        return sum(size * size for size in self.sizes) / self.n if self.n else 1.0


def add_up(differences: Iterable[tuple[str, Fraction]]) -> ClusteredDifferences:
    """Add up differences, each with the name of its cluster."""
    by_cluster: defaultdict[str, list[Fraction]] = defaultdict(list)
    for cluster, difference in differences:
        by_cluster[cluster].append(difference)
    every = [difference for group in by_cluster.values() for difference in group]
    ordered = [by_cluster[name] for name in sorted(by_cluster)]
    return ClusteredDifferences(
        n=len(every),
        gained=sum((each for each in every if each > 0), Fraction()),
        lost=-sum((each for each in every if each < 0), Fraction()),
        squares=sum((each**2 for each in every), Fraction()),
        sums=tuple(sum(group, Fraction()) for group in ordered),
        sizes=tuple(len(group) for group in ordered),
    )


def design_effect(found: ClusteredDifferences) -> float:
    """Say by how much clusters widen the variance of the mean difference, and epochs narrow it.

    Where every pair changed wholly or not at all, it is never below 1; where pairs changed in
    some epochs only, differences vary less, and it is never below how much less.

    The variance between clusters over that of as many units on their own (Kish 1965, Survey
    Sampling, section 8.2), drawn towards the mean size of a cluster, which is what it would be
    if clusters always changed whole, as if one cluster more had shown so: with few clusters
    that changed the ratio alone is too small by chance. benchmarks/paired_tests.py tells how
    well the interval covers with it.
    """
    clusters, mean = len(found.sizes), found.mean
    changed = sum(each != 0 for each in found.sums)
    simple = (found.discordance - mean**2) / found.n
    if clusters < LEAST_CLUSTERS or simple <= 0:
        return found.mean_cluster_size
    residuals = [
        float(each) - mean * size for each, size in zip(found.sums, found.sizes, strict=True)
    ]
    variance = clusters / (clusters - 1) * math.fsum(each**2 for each in residuals) / found.n**2
    drawn = (changed * variance / simple + PRIOR * found.mean_cluster_size) / (changed + PRIOR)
    return max((float(found.squares) / found.n - mean**2) / found.n / simple, drawn)


def difference_interval(found: ClusteredDifferences, level: float = LEVEL) -> Estimate:
    """Give the mean difference an interval that holds with few changes, or none, as well.

    Tango's score interval for paired shares (1998,
    https://doi.org/10.1002/(SICI)1097-0258(19980430)17:8%3C891::AID-SIM780%3E3.0.CO;2-B) at the
    effective number of units, n / design effect, shrunk by (z / t)**2 with t of clusters - 1
    degrees of freedom, as for a rate. There is no interval with fewer than two clusters.

    Args:
        found: the differences of at least one unit.
        level: the share of such intervals that is to hold the true difference.
    """
    if len(found.sizes) < LEAST_CLUSTERS:
        return Estimate(found.mean)
    z = NormalDist().inv_cdf((1 + level) / 2)
    t = t_quantile((1 + level) / 2, len(found.sizes) - 1)
    trials = found.n / design_effect(found) * (z / t) ** 2
    gained, lost = float(found.gained) / found.n, float(found.lost) / found.n
    return Estimate(
        found.mean,
        -_highest(lost, gained, trials, z),
        _highest(gained, lost, trials, z),
    )


def _highest(gained: float, lost: float, trials: float, z: float) -> float:
    """Find the largest mean difference that a score test does not reject."""
    low, high = gained - lost, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if (middle - gained + lost) ** 2 * trials <= z**2 * _score_variance(gained, lost, middle):
            low = middle
        else:
            high = middle
    return high


def _score_variance(gained: float, lost: float, difference: float) -> float:
    """Estimate the variance of one difference if their mean were ``difference``.

    ``fell`` is the share that got worse, at its greatest likelihood under that mean.
    """
    b = (2 - gained + lost) * difference - gained - lost
    fell = (math.sqrt(max(0.0, b**2 + 8 * lost * difference * (1 - difference))) - b) / 4
    return max(0.0, 2 * fell + difference * (1 - difference))


def detectable_difference(found: ClusteredDifferences, alpha: float = ALPHA) -> float:
    """Say how large a difference such runs would find with a power of 80 %.

    The difference d for which d = (t of 1 - alpha / 2 + t of .8) * its standard error, where the
    error follows from the share of units that change (Connor 1987,
    https://doi.org/10.2307/2531961), the design effect and the number of clusters. A difference
    of d changes a share of d at the least, so that it is not 0 where nothing changed. With fewer
    than two clusters nothing can be found: 1.

    Args:
        found: the differences of at least one unit.
        alpha: of the two-sided test.
    """
    if len(found.sizes) < LEAST_CLUSTERS:
        return 1.0
    freedom = len(found.sizes) - 1
    reach = t_quantile(1 - alpha / 2, freedom) + t_quantile(POWER, freedom)
    scale = reach**2 * design_effect(found) / found.n
    share = scale / (1 + scale)
    return max(math.sqrt(share * found.discordance), share)
