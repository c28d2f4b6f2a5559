"""How often the intervals of rates, their mean, d' and c hold the truth, by simulation.

    OMP_NUM_THREADS=1 python -m benchmarks.interval_coverage > docs/interval_coverage.md

What is printed is Markdown. Cases are drawn in clusters and go through the functions that a run
uses. Needs scipy.
"""

import sys
import time
from collections.abc import Sequence
from itertools import product
from typing import TYPE_CHECKING

import numpy

from benchmarks.clustered_draws import beta_binomial, copied
from benchmarks.coverage_cells import (
    FEWEST,
    HIGHEST_ICC,
    ICCS,
    RATES,
    RATES_OF_TWO,
    REPLICATES,
    SEED,
    TOGETHER,
    Cell,
    Design,
    cells_of,
    cells_of_two,
    designs,
)
from vscbench.calibration.cluster_totals import ClusterTotals
from vscbench.calibration.rate_interval import rate_bounds
from vscbench.calibration.student_t import t_quantile

if TYPE_CHECKING:
    from benchmarks.coverage_cells import Ends, Numbers

RESAMPLES = 1_000
ASKED = 0.93
Z = 1.959964


def main() -> None:
    """Simulate, and print the tables."""
    started = time.monotonic()
    print("# Coverage of the intervals, by simulation\n")
    print(f"`OMP_NUM_THREADS=1 python -m benchmarks.interval_coverage`, seed {SEED}.")
    print(f"Nominal 95 %, {REPLICATES} replicates a cell: a share of .93 is known to .004.")
    print_rates()
    print_bootstrap()
    print_epochs()
    print_two_rates()
    print(f"{time.monotonic() - started:.0f} s", file=sys.stderr)


def robust_variance(totals: ClusterTotals) -> "Numbers":
    """Return the cluster-robust variance of the share."""
    squares: Numbers = (totals.residuals**2).sum(axis=-1)
    return totals.clusters / (totals.clusters - 1) * squares / totals.n**2


def wilson_alone(totals: ClusterTotals) -> "Ends":
    """Return Wilson's interval at n / deff: as estimated, at 0 and 1 that of clusters all alike."""
    rate = totals.rate
    simple = rate * (1 - rate) / totals.n
    alike = numpy.full_like(rate, (totals.cases**2).sum() / totals.n)
    effect = numpy.divide(robust_variance(totals), simple, out=alike, where=simple > 0)
    trials = totals.n / numpy.maximum(effect, 1) * (Z / t_quantile(0.975, totals.clusters - 1)) ** 2
    centre = (rate + Z**2 / (2 * trials)) / (1 + Z**2 / trials)
    half = Z * numpy.sqrt(rate * (1 - rate) / trials + (Z / trials) ** 2 / 4) / (1 + Z**2 / trials)
    return centre - half, centre + half


def robust_t(totals: ClusterTotals) -> "Ends":
    """Return the share plus and minus t standard errors."""
    half = t_quantile(0.975, totals.clusters - 1) * numpy.sqrt(robust_variance(totals))
    return totals.rate - half, totals.rate + half


def bootstrap(totals: ClusterTotals) -> "Ends":
    """Return percentiles over clusters drawn anew; one set of draws for all replicates."""
    clusters = len(totals.cases)
    rng = numpy.random.default_rng(SEED)
    times = rng.multinomial(clusters, [1 / clusters] * clusters, RESAMPLES).T.astype(float)
    shares = totals.right @ times / (totals.cases @ times)
    low, high = numpy.percentile(shares, [2.5, 97.5], axis=-1)
    return low, high


HEAD = (
    f"| | clusters | ICC | cells | mean coverage | least | below {ASKED} | median width |\n"
    "| --- | --- | --- | --- | --- | --- | --- | --- |"
)


def print_rates() -> None:
    """Print the coverage of one rate, and of other intervals on the same draws."""
    methods = {"as shipped": rate_bounds, "Wilson, deff as estimated": wilson_alone}
    cells = cells_of(designs(), beta_binomial, {**methods, "cluster-robust t": robust_t})
    copies = cells_of(designs(), copied, methods)
    print("\n## One rate: SRA_s, SRA_u, shares of contrasts\n")
    print(
        "Clusters are beta-binomial; in *copies*, a cluster's cases are copies of one draw with a"
        " probability of the ICC, and else independent.\n"
    )
    print(HEAD)
    for name, some in cells.items():
        print_summary(name, some)
    for name, some in copies.items():
        print_summary(f"copies: {name}", some)
    print_outside("One rate", cells["as shipped"])
    print_outside("One rate, copies", copies["as shipped"])
    for icc in ICCS:
        print_grid(icc, [cell for cell in cells["as shipped"] if cell.design.icc == icc])


def print_bootstrap() -> None:
    """Print how the percentile bootstrap does where it is at its best."""
    print(f"\n## Many clusters, rates .1 to .9; the bootstrap has {RESAMPLES} resamples\n")
    print(HEAD)
    middle = [rate for rate in RATES if 0.1 <= rate <= 0.9]  # noqa: PLR2004
    methods = {"as shipped": rate_bounds, "percentile bootstrap": bootstrap}
    for name, cells in cells_of(designs((50, 100), middle), beta_binomial, methods).items():
        print_summary(name, cells)


def print_epochs() -> None:
    """Print the coverage where clusters are large and much alike, as five epochs make them."""
    print("\n## Five epochs of three images: clusters of 15, much alike\n")
    print("| clusters | ICC | mean coverage | least | at rate |\n| --- | --- | --- | --- | --- |")
    for clusters, icc in product((25, 75, 300), (0.5, 0.8)):
        some = (Design(clusters, "15", icc, (rate,)) for rate in RATES)
        cells = cells_of(some, beta_binomial, {"": rate_bounds})[""]
        worst = min(cells, key=lambda cell: cell.coverage)
        print(
            f"| {clusters} | {icc} | {mean(cells):.3f} | {worst.coverage:.3f} |"
            f" {worst.design.rates[0]} |"
        )


def print_two_rates() -> None:
    """Print the coverage of the mean of SRA_s and SRA_u, of d' and of c."""
    found, opened = cells_of_two()
    print("\n## Two rates: their mean, d' and c\n")
    print(
        "Clusters hold as many safe as unsafe pairs: 1, 3 or 6 of each. A cluster's two shares go"
        f" together by a Gaussian copula of correlation {', '.join(map(str, TOGETHER))}. SRA_s and"
        f" SRA_u are {', '.join(map(str, RATES_OF_TWO))}. An end of d' that a rate of 0 or 1 leaves"
        f" open, in {opened:.1%} of replicates, counts as infinite.\n"
    )
    print(HEAD)
    for name, cells in found.items():
        print_summary(name, cells)
    for name, cells in found.items():
        print_outside(name, cells)


def mean(cells: Sequence[Cell]) -> float:
    """Return the mean coverage."""
    return float(numpy.mean([cell.coverage for cell in cells]))


def print_summary(name: str, cells: Sequence[Cell]) -> None:
    """Print a row for the designs that are asked of, and one each for those beyond."""
    for few, alike in product((False, True), (False, True)):
        some = [cell for cell in cells if (cell.few, cell.alike) == (few, alike)]
        if some:
            clusters = f"below {FEWEST}" if few else f"{FEWEST} and more"
            icc = f"above {HIGHEST_ICC}" if alike else f"up to {HIGHEST_ICC}"
            print(
                f"| {name} | {clusters} | {icc} | {len(some)} | {mean(some):.3f} |"
                f" {min(cell.coverage for cell in some):.3f} |"
                f" {sum(cell.coverage < ASKED for cell in some)} |"
                f" {numpy.median([cell.width for cell in some]):.3f} |"
            )


def print_outside(name: str, cells: Sequence[Cell]) -> None:
    """List every cell below what is asked, whether it is asked of it or not."""
    low = sorted((cell for cell in cells if cell.coverage < ASKED), key=lambda cell: cell.coverage)
    print(f"\n{name}: {len(low)} of {len(cells)} cells are below {ASKED}.")
    if low:
        print("\n| clusters | size | ICC | rates | together | coverage |")
        print("| --- | --- | --- | --- | --- | --- |")
    for cell in low:
        design = cell.design
        print(
            f"| {design.clusters} | {design.size} | {design.icc} |"
            f" {', '.join(map(str, design.rates))} | {design.together} | {cell.coverage:.3f} |"
        )


def print_grid(icc: float, cells: Sequence[Cell]) -> None:
    """Print every cell of one ICC, a column a rate."""
    print(f"\n### As shipped, ICC {icc}\n")
    print("| clusters | size |", " | ".join(map(str, RATES)), "|")
    print("| --- | --- |", " | ".join("---" for _ in RATES), "|")
    rows: dict[tuple[int, str], list[str]] = {}
    for cell in cells:
        row = rows.setdefault((cell.design.clusters, cell.design.size), [])
        row.append(f"{cell.coverage:.3f}")
    for (clusters, size), row in rows.items():
        print(f"| {clusters} | {size} |", " | ".join(row), "|")


if __name__ == "__main__":
    main()
