import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.regression.linear_model import OLS

from vscbench.calibration.cluster_totals import (
    ClusterTotals,
    correlation,
    design_effect,
    totals_of,
)

CLUSTERS = st.lists(
    st.tuples(*[st.lists(st.booleans(), min_size=1, max_size=4)] * 2), min_size=2, max_size=20
)


def sides(clusters: list[tuple[list[bool], list[bool]]]) -> tuple[ClusterTotals, ClusterTotals]:
    def side(number: int) -> ClusterTotals:
        right = [float(sum(each[number])) for each in clusters]
        return ClusterTotals(
            numpy.array(right), numpy.array([float(len(each[number])) for each in clusters])
        )

    return side(0), side(1)


@settings(deadline=None)
@given(st.lists(st.lists(st.booleans(), min_size=1, max_size=5), min_size=2, max_size=40))
def test_the_design_effect_is_that_of_statsmodels_cluster_robust_variance(
    clusters: list[list[bool]],
) -> None:
    values = [float(value) for each in clusters for value in each]
    names = [number for number, each in enumerate(clusters) for _ in each]
    share = sum(values) / len(values)
    alike = sum(len(each) ** 2 for each in clusters) / len(values)
    if share in (0.0, 1.0):
        expected = alike
    else:
        fit = OLS(values, numpy.ones(len(values))).fit()
        grouped = {"groups": numpy.array(names), "use_correction": True}
        robust = fit.get_robustcov_results("cluster", **grouped).cov_params()[0, 0]
        fewer = min(sum(values), len(values) - sum(values))
        weight = 1 / (1 + fewer)
        # OLS about a constant has the unbiased variance of the mean as its plain one.
        expected = (1 - weight) * robust / fit.cov_params()[0, 0] + weight * alike
    totals = totals_of(values, map(str, names))
    assert float(design_effect(totals)) == pytest.approx(max(1.0, expected))


@settings(deadline=None)
@given(CLUSTERS)
def test_the_correlation_is_that_of_statsmodels_cluster_robust_covariance(
    clusters: list[tuple[list[bool], list[bool]]],
) -> None:
    rows = [
        (float(value), side, number)
        for number, each in enumerate(clusters)
        for side in (0, 1)
        for value in each[side]
    ]
    values, side_of, names = (numpy.array(column) for column in zip(*rows, strict=True))
    fit = OLS(values, numpy.column_stack([side_of == 0, side_of == 1]).astype(float)).fit()
    robust = fit.get_robustcov_results("cluster", groups=names).cov_params()
    first, second = sides(clusters)
    if min(robust[0, 0], robust[1, 1]) < 1e-12:
        assert float(correlation(first, second)) == pytest.approx(0, abs=1e-6)
        return
    expected = robust[0, 1] / numpy.sqrt(robust[0, 0] * robust[1, 1])
    shrunk = expected * len(clusters) / (len(clusters) + 2)
    assert float(correlation(first, second)) == pytest.approx(shrunk, abs=1e-9)


def test_labels_that_share_no_cluster_are_not_correlated() -> None:
    safe = ClusterTotals(numpy.array([1.0, 0, 0, 0]), numpy.array([2.0, 2, 0, 0]))
    unsafe = ClusterTotals(numpy.array([0.0, 0, 1, 2]), numpy.array([0.0, 0, 2, 2]))
    assert float(correlation(safe, unsafe)) == 0
    assert (safe.clusters, safe.n, float(safe.rate)) == (2, 4, 0.25)


def test_many_sets_of_counts_over_the_same_clusters_are_done_at_once() -> None:
    cases = numpy.array([3.0, 3, 2])
    right = numpy.array([[3.0, 1, 0], [0, 0, 0], [3, 3, 2]])
    together = design_effect(ClusterTotals(right, cases))
    alone = [float(design_effect(ClusterTotals(each, cases))) for each in right]
    assert together.tolist() == alone
