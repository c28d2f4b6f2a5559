import math

import numpy
import pytest

from vscbench.calibration.cluster_bootstrap import MOST_DRAWS, estimate, resampled_sums


def test_the_same_seed_gives_the_same_sums_on_every_machine() -> None:
    # Written down once: another order of draws, or another generator, changes them.
    sums = resampled_sums(numpy.array([1.0, 10.0, 100.0]), resamples=4, seed=7)
    assert sums.tolist() == [201.0, 12.0, 21.0, 210.0]


def test_another_seed_gives_other_sums() -> None:
    counts = numpy.arange(50.0)
    one, other = (resampled_sums(counts, 20, seed) for seed in (1, 2))
    assert not numpy.array_equal(one, other)


def test_every_replicate_has_as_many_clusters_as_there_are() -> None:
    assert resampled_sums(numpy.ones((13, 2)), 200, 0).tolist() == [[13.0, 13.0]] * 200


def test_a_cluster_stays_whole() -> None:
    # Two columns that are alike in each cluster are alike in each replicate.
    counts = numpy.array([[1.0, 1.0], [5.0, 5.0], [9.0, 9.0]])
    sums = resampled_sums(counts, 100, 3)
    assert numpy.array_equal(sums[:, 0], sums[:, 1])


def test_many_clusters_are_drawn_in_parts_that_make_no_difference() -> None:
    clusters = MOST_DRAWS // 3
    counts = numpy.arange(clusters, dtype=float)
    whole = resampled_sums(counts, 7, 5)
    assert numpy.array_equal(whole[:3], resampled_sums(counts, 3, 5))
    assert len(whole) == 7


def test_the_interval_of_a_mean_is_that_of_the_normal_approximation() -> None:
    values = numpy.random.default_rng(0).normal(size=400)
    means = resampled_sums(values, 4000, 0) / 400
    interval = estimate(float(values.mean()), means)
    half = 1.96 * values.std() / math.sqrt(400)
    assert interval.value == pytest.approx(values.mean())
    assert interval.low == pytest.approx(values.mean() - half, abs=0.01)
    assert interval.high == pytest.approx(values.mean() + half, abs=0.01)


def test_equal_rows_in_a_cluster_widen_the_interval() -> None:
    # 50 prompts answered alike 8 times tell as much as 50 answers, not as 400.
    alike = numpy.repeat((numpy.arange(50) % 2).astype(float), 8)
    clustered = resampled_sums(alike.reshape(50, 8).sum(axis=1), 2000, 0) / 400
    rows = resampled_sums(alike, 2000, 0) / 400
    assert clustered.std() == pytest.approx(rows.std() * math.sqrt(8), rel=0.1)


def test_a_number_that_is_not_defined_has_neither_value_nor_interval() -> None:
    told = estimate(math.nan, numpy.array([0.1, 0.2]))
    assert (told.value, told.low, told.high) == (None, None, None)


@pytest.mark.parametrize(("undefined", "known"), [(5, True), (6, False)])
def test_an_interval_needs_nearly_all_replicates_defined(undefined: int, known: bool) -> None:
    replicates = numpy.array([math.nan] * undefined + [0.5] * (100 - undefined))
    told = estimate(0.5, replicates)
    assert (told.low, told.high) == ((0.5, 0.5) if known else (None, None))


def test_too_few_clusters_leave_the_number_alone() -> None:
    told = estimate(0.5, None)
    assert (told.value, told.low, told.high) == (0.5, None, None)
