import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import betabinom

from benchmarks.clustered_draws import beta_binomial, cluster_shares, copied, draw, draw_two
from benchmarks.coverage_cells import Design, Population, cell_of, cells_of
from vscbench.calibration.rate_interval import rate_bounds

RATE = st.floats(0.02, 0.98)
ICC = st.floats(0.05, 0.6)


@given(st.integers(1, 8), RATE, ICC)
def test_beta_binomial_chances_equal_scipys(size: int, rate: float, icc: float) -> None:
    shapes = rate * (1 / icc - 1), (1 - rate) * (1 / icc - 1)
    expected = betabinom.pmf(range(size + 1), size, *shapes)
    assert beta_binomial(size, rate, icc) == pytest.approx(expected, abs=1e-9)


@given(st.integers(2, 8), RATE, st.just(0.0) | ICC, st.sampled_from([beta_binomial, copied]))
def test_either_population_has_the_rate_and_correlation_asked_for(
    size: int, rate: float, icc: float, population: Population
) -> None:
    chances = population(size, rate, icc)
    right = numpy.arange(size + 1)
    mean = chances @ right
    assert chances.sum() == pytest.approx(1)
    assert mean == pytest.approx(size * rate)
    # The variance of a cluster's total is that of independent cases, times 1 + (size - 1) ICC.
    grown = size * rate * (1 - rate) * (1 + (size - 1) * icc)
    assert chances @ (right - mean) ** 2 == pytest.approx(grown)


def test_draws_follow_the_chances_of_each_size() -> None:
    sizes = numpy.array([1.0, 3, 3])
    chances = {size: beta_binomial(size, 0.3, 0.2) for size in (1, 3)}
    drawn = draw(numpy.random.default_rng(1), sizes, chances, 20_000)
    assert drawn.shape == (20_000, 3)
    assert drawn.mean(axis=0) == pytest.approx(0.3 * sizes, abs=0.03)
    counts = numpy.bincount(drawn[:, 1].astype(int), minlength=4) / 20_000
    assert counts == pytest.approx(chances[3], abs=0.02)


@settings(deadline=None, max_examples=40)
@given(RATE, ICC)
def test_the_shares_of_clusters_have_the_mean_of_their_distribution(
    rate: float, icc: float
) -> None:
    shares = cluster_shares(rate, icc)
    assert shares.mean() == pytest.approx(rate, abs=1e-3)
    assert shares.var() == pytest.approx(icc * rate * (1 - rate), rel=0.02)


@pytest.mark.parametrize(("together", "least", "most"), [(0.8, 0.3, 1), (-0.8, -1, -0.3)])
def test_the_two_labels_of_a_cluster_go_together_as_asked(
    together: float, least: float, most: float
) -> None:
    pools = cluster_shares(0.5, 0.5), cluster_shares(0.6, 0.5)
    safe, unsafe = draw_two(numpy.random.default_rng(2), pools, 6, together, (4000, 1))
    assert safe.mean() == pytest.approx(3, abs=0.2)
    assert unsafe.mean() == pytest.approx(3.6, abs=0.2)
    assert least < numpy.corrcoef(safe[:, 0], unsafe[:, 0])[0, 1] < most


def test_a_cell_is_the_same_whenever_it_is_drawn() -> None:
    design = Design(25, "1 to 6", 0.3, (0.1,))
    assert design.sizes.tolist() == [1, 2, 3, 4, 5, 6] * 4 + [1]
    [first], [second] = (
        cells_of(iter([design]), beta_binomial, {"": rate_bounds})[""] for _ in range(2)
    )
    assert first == second
    assert 0.93 < first.coverage < 1
    assert not (first.few or first.alike)


def test_coverage_is_the_share_of_intervals_that_hold_the_truth() -> None:
    ends = numpy.array([0.1, 0.2, 0.4, 0.5]), numpy.array([0.3, 0.3, 0.6, 0.6])
    cell = cell_of(Design(10, "1", 0.5, (0.3,)), 0.3, ends)
    assert (cell.coverage, cell.few, cell.alike) == (0.5, True, True)
    assert cell.width == pytest.approx(0.15)
