import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq, minimize_scalar
from scipy.stats import norm, t
from statsmodels.stats.proportion import proportion_confint

from vscbench.calibration.clustered_differences import (
    ClusteredDifferences,
    add_up,
    design_effect,
    detectable_difference,
    difference_interval,
)

CHANGE = st.sampled_from([Fraction(-1), Fraction(0), Fraction(1), Fraction(1, 3), Fraction(-1, 2)])
CLUSTERS = st.lists(st.lists(CHANGE, min_size=1, max_size=5), min_size=2, max_size=30)


def found_in(clusters: list[list[Fraction]]) -> ClusteredDifferences:
    return add_up(
        (f"cluster {place}", each) for place, group in enumerate(clusters) for each in group
    )


def unchanged(clusters: int, size: int, *changes: int) -> ClusteredDifferences:
    """Pairs in clusters; the first ones changed, one by one."""
    differences = [Fraction(each) for each in changes] + [Fraction(0)] * (clusters * size)
    return add_up((str(place // size), differences[place]) for place in range(clusters * size))


@given(CLUSTERS)
def test_the_interval_holds_the_difference_and_stays_possible(
    clusters: list[list[Fraction]],
) -> None:
    found = found_in(clusters)
    interval = difference_interval(found)
    assert interval.value is not None and interval.low is not None and interval.high is not None
    assert -1 <= interval.low <= interval.value + 1e-9
    assert interval.value - 1e-9 <= interval.high <= 1
    assert interval.high > interval.low


@given(CLUSTERS)
def test_turning_both_runs_round_turns_the_interval_round(clusters: list[list[Fraction]]) -> None:
    one = difference_interval(found_in(clusters))
    other = difference_interval(found_in([[-each for each in group] for group in clusters]))
    assert one.low is not None and one.high is not None
    assert other.low == pytest.approx(-one.high)
    assert other.high == pytest.approx(-one.low)


@given(CLUSTERS, st.permutations(range(5)))
def test_order_and_names_of_clusters_change_nothing(
    clusters: list[list[Fraction]], order: list[int]
) -> None:
    shuffled = [clusters[place] for place in order if place < len(clusters)] + clusters[5:]
    assert difference_interval(found_in(clusters)) == difference_interval(found_in(shuffled))


def score_bound(gained: int, lost: int, n: int, sign: int) -> float:
    """Tango's interval from its definition: the likelihood maximised by a search, not solved."""

    def statistic(difference: float) -> float:
        least = max(0.0, -difference)

        def unlikely(fell: float) -> float:
            rose = fell + difference
            rest = n - gained - lost
            parts = ((gained, rose), (lost, fell), (rest, 1 - rose - fell))
            return -sum(count * math.log(max(share, 1e-300)) for count, share in parts if count)

        fell = minimize_scalar(
            unlikely,
            bounds=(least, (1 - difference) / 2),
            options={"xatol": 1e-12},
            method="bounded",
        ).x
        variance = (2 * fell + difference * (1 - difference)) / n
        return float(((gained - lost) / n - difference) / variance**0.5)

    z = norm.ppf(0.975) * (n_of(n) ** 0.5)
    seen = (gained - lost) / n
    ends = (seen - 1e-9, -1 + 1e-6) if sign < 0 else (seen + 1e-9, 1 - 1e-6)
    return float(brentq(lambda each: abs(statistic(each)) - z, *ends, xtol=1e-10))


def n_of(clusters: int) -> float:
    """The square of t over z: what few clusters cost."""
    return float((t.ppf(0.975, clusters - 1) / norm.ppf(0.975)) ** 2)


@pytest.mark.parametrize(("gained", "lost", "n"), [(3, 9, 60), (1, 1, 25), (10, 2, 200)])
def test_single_pairs_have_tangos_score_interval_by_another_way(
    gained: int, lost: int, n: int
) -> None:
    found = unchanged(n, 1, *[1] * gained, *[-1] * lost)
    assert design_effect(found) == pytest.approx(1, abs=0.05)
    interval = difference_interval(found)
    assert interval.low == pytest.approx(score_bound(gained, lost, n, -1), abs=4e-3)
    assert interval.high == pytest.approx(score_bound(gained, lost, n, 1), abs=4e-3)


def test_where_nothing_changed_the_interval_is_wilsons_bound_for_no_event() -> None:
    """The score bound for 0 of n, for whole clusters; no clusters changed, so none is known."""
    interval = difference_interval(unchanged(75, 3))
    trials = 75 / n_of(75)
    high = norm.ppf(0.975) ** 2 / (trials + norm.ppf(0.975) ** 2)
    assert interval.high == pytest.approx(high)
    assert interval.low == pytest.approx(-high)
    # statsmodels' Wilson is for whole counts.
    assert high == pytest.approx(proportion_confint(0, round(trials), method="wilson")[1], rel=0.01)


def test_pairs_that_fall_together_tell_less_than_pairs_that_fall_apart() -> None:
    together = unchanged(60, 5, *[-1] * 20)
    apart = add_up((str(place % 60), Fraction(-1 if place < 20 else 0)) for place in range(300))
    assert design_effect(together) > 4
    assert 1 <= design_effect(apart) < 2
    whole, scattered = difference_interval(together), difference_interval(apart)
    assert whole.value == scattered.value
    assert whole.low is not None and scattered.low is not None and whole.low < scattered.low
    assert detectable_difference(together) > 1.5 * detectable_difference(apart)


def test_changes_in_some_epochs_only_tell_more_than_whole_changes_of_as_much() -> None:
    """Ten pairs that lost one epoch in five vary less than two that lost all of them."""
    whole = unchanged(100, 1, -1, -1)
    fifth = Fraction(-1, 5)
    partly = add_up((str(place), fifth if place < 10 else Fraction(0)) for place in range(100))
    one, other = difference_interval(whole), difference_interval(partly)
    assert one.value == other.value == -0.02
    assert design_effect(partly) < 0.5
    assert design_effect(whole) > 0.99
    assert one.low is not None and other.low is not None and one.low < other.low


def test_one_cluster_gives_no_interval_and_can_find_nothing() -> None:
    found = found_in([[Fraction(-1)] * 9])
    assert difference_interval(found).value == -1
    assert difference_interval(found).low is difference_interval(found).high is None
    assert detectable_difference(found) == 1.0


def test_what_can_be_found_is_not_0_where_nothing_changed() -> None:
    """Between seven and eight clusters must change the same way before the test sees it."""
    assert 7 / 225 < detectable_difference(unchanged(225, 1)) < 8 / 225
    assert 3 * 7 / 225 < detectable_difference(unchanged(75, 3)) < 3 * 8 / 225


def test_what_can_be_found_shrinks_with_the_root_of_the_number_of_pairs() -> None:
    few = unchanged(100, 1, *[1, -1] * 10)
    many = unchanged(400, 1, *[1, -1] * 40)
    assert detectable_difference(few) == pytest.approx(2 * detectable_difference(many), rel=0.05)
    # Connor's sample size for a discordance of 20 %, solved for the difference.
    assert detectable_difference(many) == pytest.approx(
        (1.96 + 0.842) * (0.2 / 400) ** 0.5, rel=0.05
    )
