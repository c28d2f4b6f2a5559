"""How often the interval of a change of d' holds the truth, and how often its p is a false alarm.

    OMP_NUM_THREADS=1 python -m benchmarks.detection_changes

What is printed is Markdown. Pairs are drawn in clusters, with two runs over them, and go through
the functions that ``vscbench trade`` uses; beside them the delta method, for comparison.
"""

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy
from scipy import stats

from vscbench.calibration.cluster_totals import ClusterTotals
from vscbench.calibration.trade_detection import Sides, bounded_changes, p_of_change

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from vscbench.calibration.two_rates import Bounded

    Numbers = NDArray[numpy.float64]

SEED = 20260102
REPLICATES = 4_000
CLUSTERS = (12, 25, 75, 300)
SIZES = (1, 3)
# Of a pair's liking, what both runs share; and of a cluster's, whether its labels go together.
KEPT = (0.0, 0.8, 0.98)
TOGETHER = (0.0, -0.8, 0.8)
ICC = 0.4
# SRA_u and SRA_s without a method and with it; those whose d' stays first.
UNMOVED = (
    (0.7, 0.7, 0.7, 0.7),
    (0.9, 0.6, 0.6, 0.9),
    (0.95, 0.8, 0.8, 0.95),
    (0.97, 0.97, 0.97, 0.97),
)
MOVED = (
    (0.7, 0.8, 0.9, 0.8),
    (0.5, 0.9, 0.8, 0.64),
    (0.8, 0.8, 0.95, 0.9),
    (0.3, 0.95, 0.9, 0.4),
)
LEVELS = (0.05, 0.005)


@dataclass(frozen=True)
class Cell:
    """What came of one design: shares of replicates."""

    clusters: int
    covered: float
    criterion_covered: float
    delta_covered: float
    alarms: tuple[float, ...] | None
    delta_alarms: tuple[float, ...] | None
    found: float | None
    delta_found: float | None


def main() -> None:
    """Simulate, and print the tables."""
    started = time.monotonic()
    cells = [*every_cell()]
    print(f"`python -m benchmarks.detection_changes`: {len(cells)} cells of {REPLICATES}.\n")
    print("| clusters | cells | d' covers, mean | least | c, mean | least | delta, mean | least |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for clusters in CLUSTERS:
        some = [cell for cell in cells if cell.clusters == clusters]
        columns = (
            [getattr(cell, name) for cell in some]
            for name in ("covered", "criterion_covered", "delta_covered")
        )
        told = " | ".join(f"{numpy.mean(each):.3f} | {min(each):.3f}" for each in columns)
        print(f"| {clusters} | {len(some)} | {told} |")
    print_alarms(cells)
    print(f"{time.monotonic() - started:.0f} s", file=sys.stderr)


def print_alarms(cells: Sequence[Cell]) -> None:
    """Print how often a test finds a change of d' where there is none, and where there is one."""
    heads = [
        f"{who}{what}"
        for who in ("", "delta: ")
        for what in ("p < .05, mean", "most", "p < .005, mean", "most", "finds")
    ]
    print(f"\n| clusters | {' | '.join(heads)} |")
    print("|", " | ".join("---" for _ in ("clusters", *heads)), "|")
    for clusters in CLUSTERS:
        some = [cell for cell in cells if cell.clusters == clusters]
        row = []
        for alarms, found in (("alarms", "found"), ("delta_alarms", "delta_found")):
            for place in range(len(LEVELS)):
                shares = [getattr(cell, alarms)[place] for cell in some if getattr(cell, alarms)]
                row += [f"{numpy.mean(shares):.4f}", f"{max(shares):.4f}"]
            told = [getattr(cell, found) for cell in some if getattr(cell, found) is not None]
            row.append(f"{numpy.mean(told):.3f}")
        print(f"| {clusters} |", " | ".join(row), "|")


def every_cell() -> Iterator[Cell]:
    """Yield what came of every design."""
    rng = numpy.random.default_rng(SEED)
    for clusters, size, kept, together in product(CLUSTERS, SIZES, KEPT, TOGETHER):
        if size == 1 and together:
            continue
        icc = ICC if size > 1 else 0.0
        for rates in (*UNMOVED, *MOVED):
            totals = drawn(rng, rates, clusters, size, icc, kept, together)
            yield cell_of(totals, rates, clusters)


def drawn(  # noqa: PLR0913, PLR0917 - a design
    rng: numpy.random.Generator,
    rates: Sequence[float],
    clusters: int,
    size: int,
    icc: float,
    kept: float,
    together: float,
) -> list[ClusterTotals]:
    """Draw SRA_u and SRA_s without a method, and with it, from likings that are normal."""
    shape = (REPLICATES, clusters)
    first = rng.standard_normal((*shape, 1))
    other = rng.standard_normal((*shape, 1))
    common = {0: first, 1: together * first + numpy.sqrt(1 - together**2) * other}
    found: dict[int, ClusterTotals] = {}
    for label in (0, 1):
        own = rng.standard_normal((*shape, size))
        for run in (0, 2):
            chance = rng.standard_normal((*shape, size))
            pair = numpy.sqrt(kept) * own + numpy.sqrt(1 - kept) * chance
            liking = numpy.sqrt(icc) * common[label] + numpy.sqrt(1 - icc) * pair
            right = (liking < stats.norm.ppf(rates[label + run])).sum(axis=-1)
            found[label + run] = ClusterTotals(
                right.astype(float), numpy.full(clusters, float(size))
            )
    return [found[place] for place in range(4)]


def cell_of(totals: Sequence[ClusterTotals], rates: Sequence[float], clusters: int) -> Cell:
    """Compare what the two runs show with the truth."""
    unsafe_was, safe_was, unsafe_is, safe_is = totals
    found = bounded_changes(Sides(safe_was, unsafe_was), Sides(safe_is, unsafe_is))
    z = stats.norm.ppf(rates)
    truths = z[2] + z[3] - z[0] - z[1], (z[3] - z[2] - z[1] + z[0]) / 2
    by_delta = delta(totals, clusters)
    p, delta_p = (p_of_change(each, clusters - 1) for each in (found[0], by_delta))
    shares = [tuple(float((each < level).mean()) for level in LEVELS) for each in (p, delta_p)]
    moved = rates in MOVED
    return Cell(
        clusters,
        covers(found[0], truths[0]),
        covers(found[1], truths[1]),
        covers(by_delta, truths[0]),
        None if moved else shares[0],
        None if moved else shares[1],
        shares[0][0] if moved else None,
        shares[1][0] if moved else None,
    )


def covers(found: "Bounded", truth: float) -> float:
    """Return the share of intervals that hold the truth."""
    _, low, high = found
    return float(((low <= truth) & (truth <= high)).mean())


def delta(totals: Sequence[ClusterTotals], clusters: int) -> "Bounded":
    """Compute the change of d' with the interval of the delta method, by cluster."""
    value, pulls = numpy.zeros(REPLICATES), numpy.zeros((REPLICATES, clusters))
    for sign, total in zip((-1, -1, 1, 1), totals, strict=True):
        rate = (total.right.sum(axis=-1) + 0.5) / (total.n + 1)
        z = stats.norm.ppf(rate)
        value += sign * z
        slope = 1 / stats.norm.pdf(z)
        pulls += sign * slope[:, None] * (total.right - rate[:, None] * total.cases) / total.n
    error = numpy.sqrt(clusters / (clusters - 1) * (pulls**2).sum(axis=-1))
    reach = stats.t.ppf(0.975, clusters - 1) * error
    return value, value - reach, value + reach


if __name__ == "__main__":
    main()
