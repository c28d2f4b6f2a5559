"""Simulated designs of clustered cases, and how often an interval held the truth in each."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy

from benchmarks.clustered_draws import cluster_shares, draw, draw_two
from vscbench.calibration.cluster_totals import ClusterTotals, correlation
from vscbench.calibration.detection import d_prime_and_criterion
from vscbench.calibration.rate_interval import rate_bounds
from vscbench.calibration.two_rates import bounds_of_sum

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from vscbench.calibration.two_rates import Bounded

    Numbers = NDArray[numpy.float64]
    Ends = tuple[Numbers, Numbers]

Method = Callable[[ClusterTotals], "Ends"]
Population = Callable[[int, float, float], "Numbers"]

SEED = 20505
REPLICATES = 4_000
FEWEST = 25
HIGHEST_ICC = 0.3

CLUSTERS = (10, 15, 25, 50, 100, 300)
ICCS = (0.0, 0.1, 0.3, 0.5)
RATES = (0.02, 0.03, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95, 0.97, 0.98)
SIZES: dict[str, tuple[int, ...]] = {str(size): (size,) for size in range(1, 7)} | {
    "1 to 6": (1, 2, 3, 4, 5, 6)
}
TOGETHER = (-0.8, 0.0, 0.8)
RATES_OF_TWO = (
    (0.5, 0.5),
    (0.9, 0.9),
    (0.98, 0.98),
    (0.98, 0.5),
    (0.98, 0.02),
    (0.7, 0.95),
    (0.8, 0.2),
    (0.02, 0.6),
    (0.65, 0.8),
    (0.35, 0.9),
)


@dataclass(frozen=True)
class Design:
    """What is drawn: the rate of one label, or of both with how their clusters go together."""

    clusters: int
    size: str
    icc: float
    rates: tuple[float, ...]
    together: float = 0.0

    @property
    def sizes(self) -> "Numbers":
        """The size of each cluster."""
        repeated = SIZES.get(self.size) or (int(self.size),)
        return numpy.resize(numpy.array(repeated, dtype=numpy.float64), self.clusters)

    @property
    def rng(self) -> numpy.random.Generator:
        """Chance that depends on nothing but the design."""
        sides = (self.icc, self.together, *self.rates)
        return numpy.random.default_rng(
            [SEED, self.clusters, *self.size.encode(), *(round(100 * (1 + x)) for x in sides)]
        )


@dataclass(frozen=True)
class Cell:
    """The share of a design's replicates whose interval held the truth, and its median width."""

    design: Design
    coverage: float
    width: float

    @property
    def few(self) -> bool:
        """Whether there are fewer clusters than are asked of."""
        return self.design.clusters < FEWEST

    @property
    def alike(self) -> bool:
        """Whether cases of a cluster are more alike than is asked of."""
        return self.design.icc > HIGHEST_ICC


def designs(clusters: Sequence[int] = CLUSTERS, rates: Sequence[float] = RATES) -> Iterator[Design]:
    """Name every design of one rate; a cluster of one case has no ICC."""
    for icc, count, size, rate in product(ICCS, clusters, SIZES, rates):
        if icc == 0 or size != "1":
            yield Design(count, size, icc, (rate,))


def cells_of(
    some: Iterator[Design], population: Population, methods: Mapping[str, Method]
) -> dict[str, list[Cell]]:
    """Draw each design once, and give every method the same draws."""
    found: dict[str, list[Cell]] = {name: [] for name in methods}
    for design in some:
        [rate] = design.rates
        sizes = design.sizes
        kinds = {int(size): population(int(size), rate, design.icc) for size in set(sizes.tolist())}
        totals = ClusterTotals(draw(design.rng, sizes, kinds, REPLICATES), sizes)
        for name, method in methods.items():
            found[name].append(cell_of(design, rate, method(totals)))
    return found


def cell_of(design: Design, truth: float, ends: "Ends") -> Cell:
    """Count how often the truth lies between the ends."""
    low, high = ends
    held = (low <= truth) & (truth <= high)
    return Cell(design, float(held.mean()), float(numpy.median(high - low)))


def cells_of_two() -> tuple[dict[str, list[Cell]], float]:
    """Simulate every design of two rates; also, how often an end of d' is open."""
    found: dict[str, list[Cell]] = {"mean": [], "d'": [], "c": []}
    opened = []
    for icc, count, size, rates in product(
        (0.0, 0.3, 0.5), CLUSTERS, ("1", "3", "6"), RATES_OF_TWO
    ):
        for together in TOGETHER if icc else (0.0,):
            design = Design(count, size, icc, rates, together)
            intervals = intervals_of_two(design)
            for name, (truth, ends) in intervals.items():
                found[name].append(cell_of(design, truth, ends))
            opened.append(numpy.isinf(intervals["d'"][1]).any(axis=0).mean())
    return found, float(numpy.mean(opened))


def intervals_of_two(design: Design) -> "dict[str, tuple[float, Ends]]":
    """Draw one design of two rates; returns each truth, and the ends found."""
    from scipy.special import ndtri

    pools = cluster_shares(design.rates[0], design.icc), cluster_shares(design.rates[1], design.icc)
    drawn = draw_two(
        design.rng, pools, int(design.size), design.together, (REPLICATES, design.clusters)
    )
    safe, unsafe = (ClusterTotals(right, design.sizes) for right in drawn)
    true_safe, true_unsafe = (float(pool.mean()) for pool in pools)
    first, second = _half(safe), _half(unsafe)
    (_, *mean), ((_, *d_prime), (_, *criterion)) = (
        bounds_of_sum(first, second, correlation(safe, unsafe)),
        d_prime_and_criterion(safe, unsafe),
    )
    here, there = float(ndtri(true_unsafe)), float(ndtri(true_safe))
    return {
        "mean": ((true_safe + true_unsafe) / 2, (mean[0], mean[1])),
        "d'": (here + there, (d_prime[0], d_prime[1])),
        "c": ((there - here) / 2, (criterion[0], criterion[1])),
    }


def _half(totals: ClusterTotals) -> "Bounded":
    low, high = rate_bounds(totals)
    return totals.rate / 2, low / 2, high / 2
