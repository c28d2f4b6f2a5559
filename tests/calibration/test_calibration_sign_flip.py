import itertools
import operator
from fractions import Fraction

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import permutation_test

from vscbench.calibration.sign_flip import sign_flip_p

SUMS = st.lists(st.builds(Fraction, st.integers(-6, 6), st.sampled_from([1, 2, 3, 5])), max_size=10)


def p_of_every_way(sums: list[Fraction]) -> float:
    """Turn the signs in every way, in exact arithmetic."""
    ways = list(itertools.product((1, -1), repeat=len(sums)))
    seen = abs(sum(sums, Fraction()))
    totals = [sum(map(operator.mul, way, sums), Fraction()) for way in ways]
    return len([total for total in totals if abs(total) >= seen]) / len(ways)


@given(SUMS)
def test_p_is_the_share_of_all_ways_to_turn_signs(sums: list[Fraction]) -> None:
    assert sign_flip_p(sums) == pytest.approx(p_of_every_way(sums), rel=1e-12)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-4, 4), min_size=2, max_size=9))
def test_p_is_that_of_scipys_permutation_test(sums: list[int]) -> None:
    found = permutation_test(
        (numpy.array(sums, dtype=float),),
        lambda values, axis: values.sum(axis=axis),
        permutation_type="samples",
        n_resamples=numpy.inf,
        vectorized=True,
    )
    assert sign_flip_p([Fraction(each) for each in sums]) == pytest.approx(found.pvalue)


def test_runs_that_do_not_differ_have_a_p_of_1() -> None:
    assert sign_flip_p([]) == sign_flip_p([Fraction(0)] * 5) == 1.0
    assert sign_flip_p([Fraction(2), Fraction(-2)]) == 1.0


def test_five_clusters_on_one_side_are_too_few_to_find_anything() -> None:
    assert sign_flip_p([Fraction(-3)] * 5) == 0.0625
    assert sign_flip_p([Fraction(-3)] * 6) == 0.03125


def test_one_cluster_weighs_by_all_its_pairs() -> None:
    # Five pairs that fell together are one event, not five.
    assert sign_flip_p([Fraction(-5)]) == 1.0
    assert sign_flip_p([Fraction(-1)] * 5) < 0.1


def test_nine_hundred_clusters_are_exact_too() -> None:
    sums = [Fraction(each % 7 - 2, 3) for each in range(900)]
    seen = float(sum(sums)) / float(sum(each**2 for each in sums)) ** 0.5
    assert seen > 10
    assert 0 < sign_flip_p(sums) < 1e-20


# Sums without a common unit that is not tiny: 997 and 1009 are prime.
UNEVEN = [
    Fraction(place if place % 9 < 5 else -place, 997 if place % 3 else 1009 * 1013)
    for place in range(400)
]


def test_where_ways_are_too_many_draws_come_close_and_are_the_same_each_time() -> None:
    drawn = sign_flip_p(UNEVEN, seed=1)
    assert drawn == sign_flip_p(UNEVEN, seed=1) != sign_flip_p(UNEVEN, seed=2)
    variance = float(sum(each**2 for each in UNEVEN))
    normal = numpy.abs(numpy.random.default_rng(0).normal(size=200_000)) * variance**0.5
    assert drawn == pytest.approx((normal >= abs(float(sum(UNEVEN)))).mean(), abs=0.01)


def test_a_p_from_draws_is_never_0() -> None:
    assert sign_flip_p([abs(each) for each in UNEVEN]) == 1 / 20_000
