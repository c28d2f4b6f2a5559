from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="local models need torch")
pytest.importorskip("transformers", reason="local models need transformers")

pytest.importorskip("sklearn", reason="fitting needs scikit-learn")

from planted_directions import LAYER, Planted, plant, write_planted_pairs

from vscbench.methods.fitting.directions import direction_at
from vscbench.methods.fitting.gate import fit_gate
from vscbench.methods.fitting.probes import best_places, held_out_at
from vscbench.methods.fitting.samples import ContrastSample, prompt_samples
from vscbench.methods.vector_header import VectorKind
from vscbench.models.local.activations import Activations, Sample, open_for_reading
from vscbench.models.local.opening import LocalOpening
from vscbench.models.protocol import ModelSpec
from vscbench.pairs.open import open_pairs

CONTRASTS = 40


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    return plant(tmp_path_factory.mktemp("planted") / "model")


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> tuple[ContrastSample, ...]:
    path = write_planted_pairs(tmp_path_factory.mktemp("pairs") / "pairs.jsonl", CONTRASTS)
    return prompt_samples(open_pairs(str(path), Path()).pairs)


@pytest.fixture(scope="module")
def read(planted: Planted, samples: tuple[ContrastSample, ...]) -> Activations:
    spec = ModelSpec(f"local:{planted.folder}", params={"device": "cpu"}, sends_images=False)
    reader = open_for_reading(LocalOpening(spec, str(planted.folder))).reader
    return reader.read([Sample(each.request, each.answer) for each in samples])


def sides_of(samples: tuple[ContrastSample, ...]) -> tuple[np.ndarray, list[str]]:
    return np.asarray([each.is_positive for each in samples]), [each.cluster for each in samples]


def test_the_probes_are_best_at_the_planted_layer(
    read: Activations, samples: tuple[ContrastSample, ...]
) -> None:
    found = held_out_at(read.layers, *sides_of(samples))
    accuracies = [each.accuracy for each in found]
    assert best_places(found, 1) == (LAYER,)
    assert accuracies[LAYER] == 1.0
    assert all(each < 0.8 for layer, each in enumerate(accuracies) if layer < LAYER), accuracies
    assert all(each < 1.0 for layer, each in enumerate(accuracies) if layer > LAYER), accuracies


# A probe that tells 80 samples apart in 64 numbers leans a little on chance.
@pytest.mark.parametrize(("kind", "least"), [("mass-mean", 0.95), ("probe", 0.85)])
def test_the_planted_direction_is_recovered(
    planted: Planted,
    read: Activations,
    samples: tuple[ContrastSample, ...],
    kind: VectorKind,
    least: float,
) -> None:
    sides, _ = sides_of(samples)
    cosines = {
        layer: float(direction_at(read.layers[:, layer], sides, kind).unit @ planted.direction)
        for layer in range(LAYER, read.layers.shape[1])
    }
    assert cosines[LAYER] > least
    assert max(cosines, key=cosines.__getitem__) == LAYER


def test_the_gate_reads_the_planted_layer_and_is_right(
    read: Activations, samples: tuple[ContrastSample, ...]
) -> None:
    sides, clusters = sides_of(samples)
    fitted = fit_gate(read.layers, sides, clusters)
    assert (fitted.gate.layer, fitted.gate.accuracy) == (LAYER, 1.0)
    told = fitted.probe.probabilities(read.layers[:, LAYER]) > fitted.gate.threshold
    assert told.tolist() == sides.tolist()
