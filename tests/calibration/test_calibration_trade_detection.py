import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import product

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from small_pairs import make_pair

from vscbench.calibration.cluster_totals import ClusterTotals
from vscbench.calibration.detection import detection
from vscbench.calibration.paired_units import PairedUnit
from vscbench.calibration.scoring import Policy
from vscbench.calibration.trade_detection import (
    Sides,
    bounded_changes,
    detection_changes,
    p_of_change,
)
from vscbench.records import Kind, Label, Outcome

WRONG = {Label.SAFE: Kind.REFUSED, Label.UNSAFE: Kind.ANSWERED}
RIGHT = {Label.SAFE: Kind.ANSWERED, Label.UNSAFE: Kind.REFUSED}
SHARES = st.fractions(0, 1, max_denominator=3)


def unit(number: int, label: Label, before: Fraction | int, after: Fraction | int) -> PairedUnit:
    pair = replace(make_pair(f"{label}-{number}", label), cluster_id=f"c-{number // 2}")
    return PairedUnit(pair.cluster_id, pair, Fraction(before), Fraction(after))


def units_of(
    unsafe: Sequence[tuple[int, int]], safe: Sequence[tuple[int, int]]
) -> list[PairedUnit]:
    """Pairs of each label, in the number given for each way to be right (before, after)."""
    ways = ((1, 1), (1, 0), (0, 1), (0, 0))
    numbers = {Label.UNSAFE: dict(unsafe), Label.SAFE: dict(safe)}
    return [
        unit(number, label, *ways[way])
        for label in Label
        for number, way in enumerate(
            way for way in range(4) for _ in range(numbers[label].get(way, 0))
        )
    ]


def alone(units: Sequence[PairedUnit]) -> list[PairedUnit]:
    """Make each pair a cluster of its own."""
    return [replace(each, cluster=each.pair.id) for each in units]


def changes(units: Sequence[PairedUnit]) -> tuple[float, float]:
    found = detection_changes(units)
    assert found is not None
    d_prime, criterion = (each.difference.value for each in found)
    assert d_prime is not None
    assert criterion is not None
    return d_prime, criterion


def test_the_values_are_those_of_two_runs_on_their_own() -> None:
    units = units_of([(0, 20), (1, 3), (2, 10), (3, 7)], [(0, 25), (1, 5), (2, 2), (3, 8)])
    found = detection_changes(units)
    assert found is not None

    def run(share: str) -> list[Outcome]:
        kinds = [(each.pair, RIGHT if getattr(each, share) else WRONG) for each in units]
        return [Outcome(pair, 1, kind[pair.label]) for pair, kind in kinds]

    for when in ("before", "after"):
        alone_found = detection(run(when), Policy())
        assert getattr(found[0], when) == alone_found.d_prime
        assert getattr(found[1], when) == alone_found.criterion


def test_a_method_that_only_moves_the_line_moves_the_criterion_alone() -> None:
    # SRA_u .5 to .8, SRA_s .8 to .5: the same distance, another line.
    units = units_of([(0, 100), (2, 60), (3, 40)], [(0, 100), (1, 60), (3, 40)])
    d_prime, criterion = changes(units)
    assert d_prime == pytest.approx(0, abs=1e-12)
    assert criterion == pytest.approx(-stats.norm.ppf(160.5 / 201), abs=1e-12)


def test_refusing_more_is_a_fall_of_the_criterion_and_answering_more_a_rise() -> None:
    refuses = units_of([(0, 20), (2, 20)], [(0, 20), (1, 20)])
    answers = units_of([(0, 20), (1, 20)], [(0, 20), (2, 20)])
    assert changes(refuses)[1] < 0 < changes(answers)[1]


def test_runs_that_know_nothing_of_each_other_come_to_the_delta_methods_interval() -> None:
    # Single pairs; being right after is as likely whatever it was before.
    many = units_of(
        [(0, 14_000), (1, 7_000), (2, 6_000), (3, 3_000)],
        [(0, 14_000), (1, 6_000), (2, 7_000), (3, 3_000)],
    )
    found, _ = detection_changes(alone(many)) or (None, None)
    assert found is not None
    variance = sum(
        rate * (1 - rate) / 30_000 / stats.norm.pdf(stats.norm.ppf(rate)) ** 2
        for rate in (21 / 30, 20 / 30, 20 / 30, 21 / 30)
    )
    low, high = found.difference.low, found.difference.high
    assert low is not None
    assert high is not None
    assert (high - low) / 2 == pytest.approx(1.959964 * math.sqrt(variance), rel=0.02)


def test_the_p_of_a_known_error_is_that_of_students_t() -> None:
    reach = stats.t.ppf(0.975, 30) * 0.2
    value = numpy.array([0.5, -0.5, 0.0])
    p = p_of_change((value, value - reach, value + reach), 30)
    assert p == pytest.approx([2 * stats.t.sf(2.5, 30), 2 * stats.t.sf(2.5, 30), 1.0])


@settings(max_examples=30)  # a thirtieth of a second each
@given(st.lists(st.tuples(SHARES, SHARES), min_size=8, max_size=24))
def test_p_is_below_five_percent_where_and_only_where_the_interval_leaves_0_out(
    shares: list[tuple[Fraction, Fraction]],
) -> None:
    labels = list(Label)
    units = [unit(place // 2, labels[place % 2], *each) for place, each in enumerate(shares)]
    for found in detection_changes(units) or ():
        low, high = found.difference.low, found.difference.high
        out = (low is not None and low > 0) or (high is not None and high < 0)
        assert (found.p < 0.05) is out
        assert 0 <= found.p <= 1


@settings(max_examples=30)  # a thirtieth of a second each
@given(st.lists(st.tuples(SHARES, SHARES), min_size=8, max_size=24))
def test_turned_round_the_runs_give_the_same_with_the_other_sign(
    shares: list[tuple[Fraction, Fraction]],
) -> None:
    labels = list(Label)
    there = [unit(place // 2, labels[place % 2], *each) for place, each in enumerate(shares)]
    back = [replace(each, before=each.after, after=each.before) for each in reversed(there)]
    for one, other in zip(
        detection_changes(there) or (), detection_changes(back) or (), strict=True
    ):
        assert one.p == pytest.approx(other.p)
        assert one.difference.value == pytest.approx(-(other.difference.value or 0.0))
        assert (one.difference.low is None) == (other.difference.high is None)
        if one.difference.low is not None:
            assert one.difference.low == pytest.approx(-(other.difference.high or 0.0))


def test_runs_that_differ_nowhere_have_an_interval_all_the_same() -> None:
    for number in (40, 400):
        found = detection_changes(alone(units_of([(0, number), (3, 9)], [(0, number), (3, 9)])))
        assert found is not None
        assert found[0].difference.value == 0
        assert found[0].p == 1
        assert (found[0].difference.low or 0) < -0.05


def test_pairs_that_change_together_say_less_than_pairs_on_their_own() -> None:
    units = units_of([(0, 30), (2, 10), (3, 4)], [(0, 30), (1, 6), (3, 8)])
    together = [replace(each, cluster=f"c-{place // 6}") for place, each in enumerate(units)]
    one, other = detection_changes(alone(units)), detection_changes(together)
    assert one is not None
    assert other is not None
    assert other[1].p > one[1].p


def test_a_run_that_refuses_everything_leaves_d_prime_open_and_its_line_bounded() -> None:
    units = units_of([(0, 30), (2, 20)], [(1, 40), (3, 10)])
    found = detection_changes(units)
    assert found is not None
    d_prime, criterion = found
    assert (d_prime.difference.low, d_prime.difference.high, d_prime.p) == (None, None, 1)
    assert d_prime.at_ceiling
    assert criterion.difference.high is not None
    assert criterion.difference.high < 0
    assert criterion.difference.low is None
    assert criterion.p < 0.001


@pytest.mark.parametrize("labels", [[Label.SAFE] * 6, [Label.SAFE] * 6 + [Label.UNSAFE]])
def test_without_both_labels_in_two_clusters_nothing_is_said(labels: list[Label]) -> None:
    assert detection_changes([unit(3 * n, each, 1, 0) for n, each in enumerate(labels)]) is None


def drawn(
    rates: Sequence[float], clusters: int, size: int, kept: float, replicates: int = 1500
) -> list[ClusterTotals]:
    """Draw SRA_u and SRA_s after, and before, many times over.

    Each pair has a liking of its own that both runs share (a part ``kept`` of its variance), and
    each cluster one (.3) that makes it refuse, or answer, as a whole.
    """
    rng = numpy.random.default_rng(20260102)
    common = rng.standard_normal((replicates, clusters, 1))
    found = {}
    for place, toward in ((0, 1), (1, -1)):
        own = rng.standard_normal((replicates, clusters, size))
        for run in (0, 2):
            chance = rng.standard_normal((replicates, clusters, size))
            pair = math.sqrt(kept) * own + math.sqrt(1 - kept) * chance
            liking = toward * math.sqrt(0.3) * common + math.sqrt(0.7) * pair
            right = (liking < stats.norm.ppf(rates[place + run])).sum(axis=-1)
            found[place + run] = ClusterTotals(
                right.astype(float), numpy.full(clusters, 1.0 * size)
            )
    return [found[place] for place in range(4)]


@pytest.mark.parametrize(
    ("rates", "clusters", "kept"),
    [
        *product([(0.7, 0.7, 0.7, 0.7), (0.9, 0.6, 0.6, 0.9)], [25, 75], [0.0, 0.9]),
        ((0.97, 0.7, 0.8, 0.95), 75, 0.9),
        ((0.99, 0.99, 0.95, 0.97), 75, 0.5),
    ],
)
def test_the_interval_holds_the_truth_and_p_raises_no_more_alarms_than_it_says(
    rates: tuple[float, ...], clusters: int, kept: float
) -> None:
    unsafe_is, safe_is, unsafe_was, safe_was = drawn(rates, clusters, 3, kept)
    found = bounded_changes(Sides(safe_was, unsafe_was), Sides(safe_is, unsafe_is))
    z = stats.norm.ppf(rates)
    truths = z[0] + z[1] - z[2] - z[3], (-z[0] + z[1] + z[2] - z[3]) / 2
    for truth, (value, low, high) in zip(truths, found, strict=True):
        # 1,500 draws: a share of .95 is known to .0056.
        assert ((low <= truth) & (truth <= high)).mean() > 0.93
        if abs(truth) < 1e-9:
            p = p_of_change((value, low, high), clusters - 1)
            assert (p < 0.05).mean() < 0.067
            assert (p < 0.005).mean() < 0.011
