"""How the tests of two runs, and the interval of their difference, hold: a simulation.

    OMP_NUM_THREADS=1 python benchmarks/paired_tests.py > paired_tests.txt

Two runs are drawn over pairs in clusters. A pair changes for the worse or for the better with
given probabilities; within a cluster, the changes of any two pairs are correlated by rho. Each
table is Markdown, as in docs/paired_tests.md. The seed is fixed, and one core takes a few minutes.
"""

import argparse
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy

from vscbench.calibration.clustered_differences import (
    ClusteredDifferences,
    detectable_difference,
    difference_interval,
)
from vscbench.calibration.holm import holm_adjusted
from vscbench.calibration.mcnemar import mcnemar_p
from vscbench.calibration.sign_flip import sign_flip_p

SEED = 20260102
ALPHA = 0.05
SIZES = (1, 2, 3, 4, 5)
LEAST_COVERAGE = 0.93
MANY, MODEST, CHANGES = 25, 0.3, 10
WAVERING = (0.3, 0.3)


@dataclass(frozen=True, slots=True)
class Design:
    """Pairs in clusters of one size, and how they change."""

    clusters: int
    size: int
    worse: float
    better: float
    rho: float

    @property
    def difference(self) -> float:
        """The true difference."""
        return self.better - self.worse


def drawn(design: Design, generator: numpy.random.Generator) -> ClusteredDifferences:
    """Draw the differences of two runs.

    A pair takes its cluster's own change with probability sqrt(rho), else one of its own, so that
    the changes of two pairs of a cluster have a correlation of rho.
    """

    def changes(*shape: int) -> numpy.ndarray:
        uniform = generator.random(shape)
        return (uniform < design.better).astype(int) - (uniform > 1 - design.worse)

    shape = (design.clusters, design.size)
    common = generator.random(shape) < math.sqrt(design.rho)
    differences = numpy.where(common, changes(design.clusters, 1), changes(*shape))
    return ClusteredDifferences(
        n=differences.size,
        gained=Fraction(int((differences > 0).sum())),
        lost=Fraction(int((differences < 0).sum())),
        squares=Fraction(int((differences != 0).sum())),
        sums=tuple(Fraction(int(each)) for each in differences.sum(axis=1)),
        sizes=(design.size,) * design.clusters,
    )


def type_1_errors(clusters: int, rho: float, runs: int, generator: numpy.random.Generator) -> str:
    """Tabulate how often each test finds a change where there is none, by size of clusters."""
    rows = []
    for size in SIZES:
        design = Design(clusters, size, 0.1, 0.1, rho)
        found = [drawn(design, generator) for _ in range(runs)]
        sign_flip = share(sign_flip_p(each.sums) < ALPHA for each in found)
        mcnemar = share(mcnemar_p(int(each.lost), int(each.gained)) < ALPHA for each in found)
        rows.append((str(clusters), str(size), f"{rho:g}", f"{sign_flip:.3f}", f"{mcnemar:.3f}"))
    return "\n".join(row(*cells) for cells in rows)


def family_wise_error(runs: int, generator: numpy.random.Generator) -> Iterator[tuple[str, ...]]:
    """Say how often any of several true null hypotheses is rejected, with Holm and without."""
    design = Design(75, 3, 0.1, 0.1, 0.3)
    for tests in (1, 2, 6, 12):
        holm = plain = 0
        for _ in range(runs):
            found = {str(test): sign_flip_p(drawn(design, generator).sums) for test in range(tests)}
            plain += min(found.values()) < ALPHA
            holm += min(holm_adjusted(found).values()) < ALPHA
        yield str(tests), f"{plain / runs:.3f}", f"{holm / runs:.3f}"


@dataclass(frozen=True, slots=True)
class Coverage:
    """How often the interval held the true difference, and on which side it missed."""

    design: Design
    covered: float
    missed_below: float
    width: float


def coverages(runs: int, generator: numpy.random.Generator) -> Iterator[Coverage]:
    """Draw runs of many designs: few and many clusters, rare and common changes."""
    rates = ((0, 0.01), (0.01, 0.01), (0.03, 0.01), (0.05, 0.05), (0.1, 0.05), (0.2, 0.2), (0.3, 0))
    for clusters in (10, 25, 50, 100, 300):
        for size in (1, 3, 5):
            for rho in (0, 0.1, 0.3, 0.5) if size > 1 else (0,):
                for worse, better in rates:
                    yield covered(Design(clusters, size, worse, better, rho), runs, generator)


def covered(design: Design, runs: int, generator: numpy.random.Generator) -> Coverage:
    """Draw runs of one design and see what the interval of the difference holds."""
    held = below = 0
    width = 0.0
    for _ in range(runs):
        interval = difference_interval(drawn(design, generator))
        if interval.low is None or interval.high is None:
            raise ValueError("a design needs two clusters")
        held += interval.low <= design.difference <= interval.high
        below += design.difference < interval.low
        width += interval.high - interval.low
    return Coverage(design, held / runs, below / runs, width / runs)


def drawn_in_epochs(
    design: Design, epochs: int, generator: numpy.random.Generator
) -> ClusteredDifferences:
    """Draw runs of several epochs, in which some pairs are right in some epochs only.

    A share ``better`` of the pairs wavers, right with a probability from Beta(0.3, 0.3); in the
    second run that probability is lower by ``worse``, down to 0. rho goes with the wavering.
    """
    pairs = (design.clusters, design.size)
    common = generator.random(pairs) < math.sqrt(design.rho)
    place = numpy.where(common, generator.random((design.clusters, 1)), generator.random(pairs))
    was = numpy.where(place < design.better, generator.beta(*WAVERING, pairs), 1.0)
    now = numpy.where(place < design.better, numpy.maximum(0.0, was - design.worse), 1.0)
    changes = generator.binomial(epochs, now) - generator.binomial(epochs, was)
    return ClusteredDifferences(
        n=changes.size,
        gained=Fraction(int(changes[changes > 0].sum()), epochs),
        lost=Fraction(-int(changes[changes < 0].sum()), epochs),
        squares=Fraction(int((changes**2).sum()), epochs**2),
        sums=tuple(Fraction(int(each), epochs) for each in changes.sum(axis=1)),
        sizes=(design.size,) * design.clusters,
    )


def coverage_in_epochs(runs: int, generator: numpy.random.Generator) -> Iterator[tuple[str, ...]]:
    """Say how well the interval covers where pairs change in some of their epochs."""
    for clusters in (25, 75, 300):
        for epochs in (1, 3, 5):
            for wavering, fall in ((0.02, 0), (0.1, 0), (0.1, 0.3), (0.3, 0.2)):
                design = Design(clusters, 3, fall, wavering, 0.3)
                was = generator.beta(*WAVERING, 1_000_000)
                true = -wavering * float(numpy.minimum(was, fall).mean())
                found = [
                    difference_interval(drawn_in_epochs(design, epochs, generator))
                    for _ in range(runs)
                ]
                held = share((each.low or 0) <= true <= (each.high or 0) for each in found)
                wide = sum((each.high or 0) - (each.low or 0) for each in found) / runs
                said = (
                    clusters,
                    epochs,
                    f"{wavering:g}",
                    f"{fall:g}",
                    f"{held:.3f}",
                    f"{wide:.3f}",
                )
                yield tuple(map(str, said))


def power(runs: int, generator: numpy.random.Generator) -> Iterator[tuple[str, ...]]:
    """Say how often the test finds a difference as large as the one it is said to find.

    That is the detectable difference of runs between which nothing but noise changes.
    """
    for clusters, size, rho in (
        (75, 1, 0),
        (75, 3, 0.3),
        (225, 1, 0),
        (300, 3, 0.1),
        (300, 5, 0.3),
    ):
        for noise in (0, 0.02, 0.1):
            quiet = Design(clusters, size, noise / 2, noise / 2, rho)
            said = sum(detectable_difference(drawn(quiet, generator)) for _ in range(200)) / 200
            spare = max(0.0, noise - said)
            moved = Design(clusters, size, said + spare / 2, spare / 2, rho)
            seen = share(sign_flip_p(drawn(moved, generator).sums) < ALPHA for _ in range(runs))
            yield str(clusters), str(size), f"{rho:g}", f"{noise:g}", f"{said:.3f}", f"{seen:.3f}"


def share(found: Iterator[bool]) -> float:
    """Return the share that is true."""
    every = [*found]
    return sum(every) / len(every)


def head(*cells: str) -> str:
    """Return the first two lines of a table."""
    return f"{row(*cells)}\n{row(*('---' for _ in cells))}"


def row(*cells: str) -> str:
    """Return one line of a table."""
    return f"| {' | '.join(cells)} |"


def print_coverage(found: Sequence[Coverage]) -> None:
    """Print the coverage for each number of clusters and rho, and every cell that is too low."""
    print(head("clusters", "rho", "cells", "lowest", "mean", "largest miss below", "mean width"))
    groups = sorted({(each.design.clusters, each.design.rho) for each in found})
    for clusters, rho in groups:
        group = [
            each for each in found if (each.design.clusters, each.design.rho) == (clusters, rho)
        ]
        print(
            row(
                str(clusters),
                f"{rho:g}",
                str(len(group)),
                f"{min(each.covered for each in group):.3f}",
                f"{sum(each.covered for each in group) / len(group):.3f}",
                f"{max(each.missed_below for each in group):.3f}",
                f"{sum(each.width for each in group) / len(group):.3f}",
            )
        )
    print()
    many = [each for each in found if each.design.clusters >= MANY and each.design.rho <= MODEST]
    for words, group in (
        (f"{MANY} clusters or more, rho up to {MODEST}", many),
        (f"of these, {CHANGES} changed pairs or more expected", [*filter(changes_enough, many)]),
    ):
        mean = sum(each.covered for each in group) / len(group)
        lowest = min(each.covered for each in group)
        print(f"- {words}: {len(group)} cells, lowest {lowest:.3f}, mean {mean:.3f}")
    low = [each for each in found if each.covered < LEAST_COVERAGE]
    print(f"- cells that cover less than {LEAST_COVERAGE}: {len(low)} of {len(found)}")
    for each in low:
        print(f"  - {each.design}: {each.covered:.3f}")


def changes_enough(each: Coverage) -> bool:
    """Whether there are changes enough for a share of them to take many values."""
    design = each.design
    return design.clusters * design.size * (design.worse + design.better) >= CHANGES


def main() -> None:
    """Run every simulation and print its table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=2000, help="draws in each cell")
    runs = parser.parse_args().runs
    generator = numpy.random.Generator(numpy.random.PCG64(SEED))
    print(f"seed {SEED}, {runs} draws in each cell\n\nType I error at alpha {ALPHA}\n")
    print(head("clusters", "size", "rho", "sign-flip", "McNemar"))
    for clusters in (25, 75, 300):
        for rho in (0.3, 1.0):
            print(type_1_errors(clusters, rho, runs, generator))
    print("\nFamily-wise error\n")
    print(head("tests", "unadjusted", "Holm"))
    for cells in family_wise_error(runs, generator):
        print(row(*cells))
    print("\nCoverage of the 95 % interval\n")
    print_coverage([*coverages(runs, generator)])
    print("\nPower at the detectable difference\n")
    print(head("clusters", "size", "rho", "changes by noise", "detectable", "power"))
    for cells in power(runs, generator):
        print(row(*cells))
    print("\nCoverage where pairs waver from epoch to epoch (clusters of 3, rho 0.3)\n")
    print(head("clusters", "epochs", "wavering", "fall", "coverage", "mean width"))
    for cells in coverage_in_epochs(runs, generator):
        print(row(*cells))


if __name__ == "__main__":
    main()
