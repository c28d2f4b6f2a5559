"""How far a corrected rate may be off: whole clusters drawn again, and a sum by cluster."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

from vscbench.calibration.cluster_bootstrap import resampled_sums
from vscbench.calibration.estimate import LEVEL
from vscbench.calibration.labelled_case import LabelledCase, label_weights
from vscbench.records import Label

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Draws = NDArray[numpy.float64]

Interval = tuple[float, float]
# A verdict on pairs of a label: the label, the judge's yes or no, and the verdict's name.
Group = tuple[Label, bool, str]
# What is counted: of a label ("cases", "unread right"), or of a group ("size", and how many of
# these are "labelled", and "true" by people).
Count = tuple[Label, str] | tuple[Group, str]


@dataclass(frozen=True, slots=True)
class Replicates:
    """What each draw of the bootstrap gave for one pair label: arrays of one length.

    NaN where a draw says nothing: no such case is in it, or none is labelled where one must be.
    """

    raw: "Draws"
    rate: "Draws"
    sensitivity: "Draws"
    specificity: "Draws"


def resampled(
    cases: Sequence[LabelledCase], resamples: int, seed: int
) -> Mapping[Label, Replicates]:
    """Draw as many clusters as there are, with replacement, and take everything anew.

    Both labels come from the same draws, so that their mean can be taken draw by draw.
    """
    # Imported here: only who corrects rates pays for numpy.
    import numpy

    clusters = _counted(cases)
    names = sorted({name for counts in clusters.values() for name in counts}, key=str)
    table = numpy.array(
        [[float(clusters[each][name]) for name in names] for each in sorted(clusters)]
    )
    drawn = resampled_sums(table, resamples, seed) if clusters else table
    # The stream of RandomState is frozen: any numpy on any machine makes the same draws.
    random = numpy.random.RandomState(seed % 2**32)
    sums: dict[Count, Draws] = {name: drawn[:, column] for column, name in enumerate(names)}
    unseen = {group: random.beta(*spread, resamples) for group, spread in _unseen(cases)}
    return {label: _replicates(label, sums, unseen, resamples) for label in Label}


def percentiles(*draws: "Draws") -> Interval | None:
    """Return the central 95 % of draws, or of the means of several statistics' draws."""
    import numpy

    means = numpy.mean(numpy.stack(draws), axis=0)
    known = means[numpy.isfinite(means)]
    if not known.size:
        return None
    low, high = numpy.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def normal_interval(*groups: Sequence[LabelledCase]) -> Interval | None:
    """Return the interval of the mean of the groups' prediction-powered rates, all equal.

    Each case pulls at its rate: by the share of right ones in its stratum and, if it is labelled,
    by its weight times what it differs from that share. The pulls of a cluster are added up
    before they are squared. ``None`` with fewer than two clusters.
    """
    pulls: defaultdict[str, list[float]] = defaultdict(list)
    unseen: list[float] = []
    centres: list[float] = []
    for cases in groups:
        values = _pulled_values(cases)
        centre = math.fsum(values) / len(cases)
        centres.append(centre)
        for case, value in zip(cases, values, strict=True):
            pulls[case.cluster].append((value - centre) / len(cases))
        unseen += _unseen_variances(cases)
    if len(pulls) <= 1:
        return None
    squares = math.fsum(math.fsum(each) ** 2 for each in pulls.values())
    variance = len(pulls) / (len(pulls) - 1) * squares + math.fsum(unseen)
    centre = math.fsum(centres) / len(groups)
    reach = NormalDist().inv_cdf((1 + LEVEL) / 2) * math.sqrt(variance) / len(groups)
    return centre - reach, centre + reach


def _counted(cases: Sequence[LabelledCase]) -> dict[str, Counter[Count]]:
    clusters: defaultdict[str, Counter[Count]] = defaultdict(Counter)
    for case in cases:
        counts = clusters[case.cluster]
        counts[case.label, "cases"] += 1
        if case.stratum is None:
            counts[case.label, "unread right"] += case.right
            continue
        group = (case.label, case.right, case.stratum)
        counts[group, "size"] += 1
        counts[group, "labelled"] += case.truth is not None
        counts[group, "true"] += case.truth is True
    return clusters


def _replicates(
    label: Label,
    sums: "Mapping[Count, Draws]",
    unseen: "Mapping[Group, Draws]",
    resamples: int,
) -> Replicates:
    """Work out the statistics of one label from what each draw counted."""
    import numpy

    nothing = numpy.zeros(resamples)
    with numpy.errstate(divide="ignore", invalid="ignore"):
        called_right, right = _side(label, True, sums, unseen, nothing)
        called_wrong, missed = _side(label, False, sums, unseen, nothing)
        cases = sums.get((label, "cases"), nothing)
        unread = sums.get((label, "unread right"), nothing)
        wrong = called_wrong - missed
        return Replicates(
            raw=(called_right + unread) / cases,
            # What Rogan and Gladen's formula comes to with weights that add up to the strata; it
            # also holds for a draw in which all or none are right.
            rate=(right + missed + unread) / cases,
            sensitivity=right / (right + missed),
            specificity=wrong / (called_right - right + wrong),
        )


def _side(
    label: Label,
    called: bool,
    sums: "Mapping[Count, Draws]",
    unseen: "Mapping[Group, Draws]",
    nothing: "Draws",
) -> "tuple[Draws, Draws]":
    """Count what the judge called right (or wrong), and how many of these people would."""
    import numpy

    size, covered, right = nothing, nothing, nothing
    groups = {name[0] for name in sums if isinstance(name[0], tuple)}
    for group in sorted(each for each in groups if each[:2] == (label, called)):
        labelled = sums[group, "labelled"]
        seen = labelled > 0
        share = unseen[group] if group in unseen else sums[group, "true"] / labelled
        size = size + sums[group, "size"]
        covered = covered + numpy.where(seen, sums[group, "size"], 0.0)
        right = right + numpy.where(seen, sums[group, "size"] * share, 0.0)
    return size, numpy.where(size > 0, size * (right / covered), 0.0)


def _unseen(cases: Sequence[LabelledCase]) -> Iterator[tuple[Group, tuple[float, float]]]:
    """Name the strata whose labels all agree, and the posterior of their share of right ones.

    Neither a draw of these labels nor their variance tells how far that share may be off: three
    labels that agree are no proof. Jeffreys' prior for a share gives ``Beta(k + 1/2, m - k + 1/2)``
    where ``k`` of ``m`` labels say right. A stratum that is labelled whole has nothing unseen.
    """
    size, told, true = _totals(cases)
    for group in sorted(told):
        if told[group] < size[group] and true[group] in (0, told[group]):
            yield group, (true[group] + 0.5, told[group] - true[group] + 0.5)


def _totals(
    cases: Sequence[LabelledCase],
) -> tuple[Counter[Group], Counter[Group], Counter[Group]]:
    """Count the cases of each group, those that are labelled, and those right by people."""
    size, told, true = Counter[Group](), Counter[Group](), Counter[Group]()
    for case in cases:
        if case.stratum is not None:
            group = (case.label, case.right, case.stratum)
            size[group] += 1
            told[group] += case.truth is not None
            true[group] += case.truth is True
    return size, +told, true


def _pulled_values(cases: Sequence[LabelledCase]) -> list[float]:
    weights = label_weights(cases)
    shares = _stratum_shares(cases, weights)
    return [
        float(case.right)
        if case.stratum is None
        else shares[case.right, case.stratum]
        + (weight * ((case.truth is True) - shares[case.right, case.stratum]))
        for case, weight in zip(cases, weights, strict=True)
    ]


def _stratum_shares(
    cases: Sequence[LabelledCase], weights: Sequence[float]
) -> dict[tuple[bool, str], float]:
    """Return the share of right ones in each stratum; where none is labelled, that of its side."""
    true: defaultdict[tuple[bool, str | None], float] = defaultdict(float)
    total: defaultdict[tuple[bool, str | None], float] = defaultdict(float)
    for case, weight in sorted(zip(cases, weights, strict=True), key=lambda each: each[1]):
        for key in ((case.right, case.stratum), (case.right, None)):
            total[key] += weight
            true[key] += weight * (case.truth is True)
    strata = {(case.right, case.stratum) for case in cases if case.stratum}
    shares = {}
    for side, stratum in strata:
        key = (side, stratum if total[side, stratum] else None)
        shares[side, stratum] = true[key] / total[key]
    return shares


def _unseen_variances(cases: Sequence[LabelledCase]) -> list[float]:
    """Return what the spread of strata whose labels all agree adds to the variance of a rate."""
    size, _, _ = _totals(cases)
    variances = []
    for group, (right, wrong) in _unseen(cases):
        total = right + wrong
        share = size[group] / len(cases)
        variances.append(share**2 * right * wrong / (total**2 * (total + 1)))
    return variances
