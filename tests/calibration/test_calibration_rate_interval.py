import math
from random import Random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from vscbench.calibration.estimate import Rate
from vscbench.calibration.rate_interval import clustered_rate

VALUES = st.one_of(st.booleans(), st.floats(0, 1))
CASES = st.lists(st.tuples(VALUES, st.sampled_from("abcdefgh")), min_size=1, max_size=60)
Z = float(stats.norm.ppf(0.975))


def rate_of(cases: list[tuple[float, str]]) -> Rate:
    return clustered_rate([value for value, _ in cases], [cluster for _, cluster in cases])


def interval(rate: Rate) -> tuple[float, float]:
    assert rate.low is not None
    assert rate.high is not None
    return rate.low, rate.high


@settings(deadline=None)
@given(st.integers(2, 400).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))))
def test_clusters_of_one_give_statsmodels_intervals_at_the_size_that_t_leaves(
    counts: tuple[int, int],
) -> None:
    n, right = counts
    rate = clustered_rate([True] * right + [False] * (n - right), [str(i) for i in range(n)])
    # The same share of fewer trials, since t is wider than z.
    trials = n * (Z / stats.t.ppf(0.975, n - 1)) ** 2
    wilson = proportion_confint(right / n * trials, trials, method="wilson")
    coull = proportion_confint(right / n * trials, trials, method="agresti_coull")
    low = coull[0] if right / n <= 0.5 else wilson[0]
    high = coull[1] if right / n >= 0.5 else wilson[1]
    assert interval(rate) == pytest.approx((max(low, 0), min(high, 1)), abs=1e-9)


@settings(deadline=None)
@given(CASES)
def test_the_interval_holds_the_rate_and_stays_within_0_and_1(
    cases: list[tuple[float, str]],
) -> None:
    rate = rate_of(cases)
    assert rate.rate == pytest.approx(math.fsum(value for value, _ in cases) / len(cases))
    assert rate.n == len(cases)
    if len({cluster for _, cluster in cases}) == 1:
        assert rate.low is rate.high is None
    else:
        low, high = interval(rate)
        assert 0 <= low <= rate.rate <= high <= 1
        assert low < high


@settings(deadline=None)
@given(CASES, st.randoms(use_true_random=False), st.permutations("abcdefgh"))
def test_neither_order_nor_names_of_clusters_matter(
    cases: list[tuple[float, str]], random: Random, names: list[str]
) -> None:
    renamed = [(value, names["abcdefgh".index(cluster)]) for value, cluster in cases]
    assert rate_of(random.sample(renamed, len(renamed))) == rate_of(cases)


@settings(deadline=None)
@given(st.lists(st.booleans(), min_size=2, max_size=60), st.integers(2, 5))
def test_copies_of_a_case_within_its_cluster_make_nothing_surer(
    values: list[bool], copies: int
) -> None:
    names = [str(number) for number in range(len(values))]
    once = interval(clustered_rate(values, names))
    again = interval(clustered_rate(values * copies, names * copies))
    assert again[0] <= once[0] + 1e-12
    assert again[1] >= once[1] - 1e-12


@settings(deadline=None)
@given(CASES)
def test_right_and_wrong_mirror_each_other(cases: list[tuple[float, str]]) -> None:
    assume(len({cluster for _, cluster in cases}) > 1)
    low, high = interval(rate_of(cases))
    mirrored = interval(rate_of([(1 - value, cluster) for value, cluster in cases]))
    assert (1 - high, 1 - low) == pytest.approx(mirrored, abs=1e-6)


def test_where_nothing_failed_a_cluster_counts_as_one_case() -> None:
    clusters = [str(number) for number in range(40) for _ in range(3)]
    assert interval(clustered_rate([True] * 120, clusters)) == pytest.approx(
        interval(clustered_rate([True] * 40, clusters[::3]))
    )


def test_a_share_of_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least one value"):
        clustered_rate([], [])


def test_each_value_needs_its_cluster() -> None:
    with pytest.raises(ValueError, match="zip"):
        clustered_rate([True, False], ["a"])
