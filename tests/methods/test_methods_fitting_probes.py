import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from vscbench.errors import UsageError
from vscbench.methods.fitting.directions import direction_at
from vscbench.methods.fitting.gate import best_threshold, fit_gate
from vscbench.methods.fitting.probes import (
    best_places,
    fit_probe,
    folds_of,
    held_out,
    held_out_at,
)
from vscbench.methods.vector_header import VectorKind

pytest.importorskip("sklearn", reason="fitting needs scikit-learn")

Features = NDArray[np.float32]
Sides = NDArray[np.bool_]
CLUSTERS, EACH, PLACES, WIDTH = 20, 4, 6, 8
PLANTED = 3


def clustered() -> tuple[Sides, list[str]]:
    """Twenty clusters of four samples, two of each side."""
    sides = np.tile([True, False], CLUSTERS * EACH // 2)
    return sides, [f"c{number // EACH}" for number in range(CLUSTERS * EACH)]


def planted(seed: int = 0) -> tuple[Features, NDArray[np.float64], Sides, list[str]]:
    """Noise at every place, and at one of them a direction on which the sides lie apart."""
    chance = np.random.default_rng(seed)
    sides, clusters = clustered()
    features = chance.normal(size=(len(sides), PLACES, WIDTH))
    direction = chance.normal(size=WIDTH)
    direction /= np.linalg.norm(direction)
    features[sides, PLANTED] += 5 * direction
    return features.astype(np.float32), direction, sides, clusters


def test_the_place_where_the_sides_lie_apart_is_the_best_one() -> None:
    features, _, sides, clusters = planted()
    found = held_out_at(features, sides, clusters)
    assert best_places(found, 1) == (PLANTED,)
    assert found[PLANTED].accuracy > 0.9
    assert all(each.accuracy < 0.75 for at, each in enumerate(found) if at != PLANTED)


def test_of_places_that_are_right_as_often_the_surer_comes_first() -> None:
    features, _, sides, clusters = planted()
    wide = features[:, [PLANTED, PLANTED]].copy()
    wide[sides, 0] += 20
    wide[sides, 1] += 40
    found = held_out_at(wide, sides, clusters)
    assert [each.accuracy for each in found] == [1.0, 1.0]
    assert found[1].log_loss < found[0].log_loss
    assert best_places(found, 2) == (1, 0)


@pytest.mark.parametrize(("kind", "least"), [("mass-mean", 0.97), ("probe", 0.8)])
def test_the_direction_from_negative_to_positive_is_found(kind: VectorKind, least: float) -> None:
    features, truth, sides, _ = planted()
    direction = direction_at(features[:, PLANTED], sides, kind)
    assert np.linalg.norm(direction.unit) == pytest.approx(1)
    assert direction.unit @ truth > least
    along = features[:, PLANTED].astype(np.float64) @ direction.unit
    assert direction.spread == pytest.approx(along.std())
    assert along[sides].mean() > along[~sides].mean()


def test_swapped_sides_give_the_opposite_direction() -> None:
    features, _, sides, _ = planted()
    there = direction_at(features[:, PLANTED], sides, "mass-mean")
    back = direction_at(features[:, PLANTED], ~sides, "mass-mean")
    assert back.unit == pytest.approx(-there.unit)
    assert back.spread == pytest.approx(there.spread)


def test_sides_that_do_not_differ_have_no_direction() -> None:
    sides, _ = clustered()
    with pytest.raises(UsageError, match="do not differ at a chosen place"):
        direction_at(np.ones((len(sides), WIDTH), np.float32), sides, "mass-mean")


def test_a_probe_is_brought_back_to_raw_features_however_they_are_scaled() -> None:
    features, _, sides, _ = planted()
    raw = features[:, PLANTED]
    scaled = (raw * 1000 + 50).astype(np.float32)
    plain, moved = fit_probe(raw, sides), fit_probe(scaled, sides)
    assert moved.probabilities(scaled) == pytest.approx(plain.probabilities(raw), abs=1e-3)
    assert (plain.probabilities(raw) > 0.5).mean() == pytest.approx(sides.mean(), abs=0.1)


def test_a_feature_that_never_changes_does_no_harm() -> None:
    features, _, sides, _ = planted()
    still = np.concatenate([features[:, PLANTED], np.ones((len(sides), 1), np.float32)], axis=1)
    told = fit_probe(still, sides).probabilities(still)
    assert np.isfinite(told).all()


def test_a_probe_is_never_asked_of_a_cluster_it_has_seen() -> None:
    """Where each cluster has a mark of its own, a probe that had seen it would know its side."""
    number = 24
    sides = np.repeat(np.arange(number) % 2 == 0, 6)
    clusters = [f"c{each}" for each in np.repeat(np.arange(number), 6)]
    marks = np.repeat(np.eye(number, dtype=np.float32), 6, axis=0)
    assert (fit_probe(marks, sides).probabilities(marks) > 0.5).tolist() == sides.tolist()
    assert held_out(marks, sides, clusters).accuracy < 0.7


@given(st.integers(4, 40))
def test_folds_are_all_samples_once_and_keep_clusters_whole(number: int) -> None:
    clusters = [f"c{each}" for each in range(number)] * 2
    sides = np.asarray([True] * (len(clusters) // 2) + [False] * (len(clusters) // 2))
    folds = folds_of(sides, clusters)
    assert sorted(at for fold in folds for at in fold) == list(range(len(clusters)))
    for fold in folds:
        here = {clusters[at] for at in fold}
        assert not here & {clusters[at] for other in folds if other is not fold for at in other}
        assert set(sides[fold]) == {True, False}


def test_too_few_clusters_of_one_side_are_an_error_that_says_what_to_do() -> None:
    sides = np.asarray([True] * 3 + [False] * 20)
    with pytest.raises(UsageError, match=r"there are 3 clusters .* at least 4: take more pairs"):
        folds_of(sides, [f"c{number}" for number in range(23)])


def test_a_gate_tells_unsafe_from_safe_requests_at_its_best_layer() -> None:
    features, _, sides, clusters = planted()
    fitted = fit_gate(features, sides, clusters)
    assert fitted.gate.layer == PLANTED
    assert fitted.gate.accuracy > 0.9
    told = fitted.probe.probabilities(features[:, PLANTED]) > fitted.gate.threshold
    assert (told == sides).mean() > 0.9


PROBABILITIES = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=2, max_size=30).filter(
    lambda told: len({side for _, side in told}) == 2
)


@given(PROBABILITIES)
def test_no_threshold_tells_better_than_the_chosen_one(told: list[tuple[float, bool]]) -> None:
    probabilities = np.asarray([each for each, _ in told])
    unsafe = np.asarray([side for _, side in told])

    def youden(threshold: float) -> float:
        above = probabilities > threshold
        return float(above[unsafe].mean() - above[~unsafe].mean())

    chosen = best_threshold(probabilities, unsafe)
    assert 0 <= chosen <= 1
    assert all(youden(chosen) >= youden(each) - 1e-9 for each in (*probabilities, 0.5))


def test_a_threshold_lies_midway_between_the_sides_it_separates() -> None:
    probabilities = np.asarray([0.1, 0.2, 0.6, 0.9])
    assert best_threshold(probabilities, np.asarray([0, 0, 1, 1], bool)) == pytest.approx(0.4)
