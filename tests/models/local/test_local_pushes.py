import dataclasses
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="local models need torch")
pytest.importorskip("transformers", reason="local models need transformers")

import numpy as np
import torch
import transformers
from local_models import open_tiny
from tiny_vlms.vectors import make_revision

from vscbench.errors import UsageError
from vscbench.methods.vectors import read_vector_file, read_vectors
from vscbench.models.local.pushes import GateProbe, Pushes
from vscbench.models.local.rows import RowMaker
from vscbench.records import Request, Revision

MADE: Any = transformers


def config(**changed: int) -> Any:  # noqa: ANN401 - of transformers
    sizes = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "head_dim": 16}
    return MADE.LlamaConfig(**{**sizes, **changed})


@pytest.fixture
def revision(tmp_path: Path) -> Revision:
    at = [(0, 1), (1, 0), (0, 3)]
    return make_revision(tmp_path / "v", config(), "head", at, alpha=1.5, gate_layer=1)


def test_a_head_is_pushed_in_its_own_part_of_the_layer(revision: Revision) -> None:
    push = Pushes(config()).of(revision)
    file = read_vector_file(revision.file)
    directions = read_vectors(file).directions
    expected = np.zeros((2, 4, 16), np.float32)
    for place, direction in zip(file.places, directions, strict=True):
        assert place.head is not None
        expected[place.layer, place.head] = 1.5 * place.spread * direction
    assert sorted(push.added) == [0, 1]
    for layer, added in push.added.items():
        assert added.dtype is torch.float32
        np.testing.assert_allclose(added.numpy(), expected[layer].ravel(), rtol=1e-6)


def test_without_a_threshold_no_gate_is_asked(revision: Revision) -> None:
    assert Pushes(config()).of(revision).gate is None
    gate = Pushes(config()).of(dataclasses.replace(revision, threshold=0.3)).gate
    assert gate is not None and (gate.layer, gate.threshold) == (1, 0.3)


def test_alpha_zero_adds_nothing(revision: Revision) -> None:
    assert not Pushes(config()).of(dataclasses.replace(revision, alpha=0.0)).added


def test_a_file_is_read_once_and_what_it_adds_made_once_an_alpha(revision: Revision) -> None:
    pushes = Pushes(config())
    first = pushes.of(revision)
    revision.file.unlink()
    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(pushes.of, [revision] * 50)) == {first}
    assert pushes.of(dataclasses.replace(revision, alpha=2.0)) is not first


def refusal(revision: Revision, **changed: int) -> str:
    with pytest.raises(UsageError) as raised:
        Pushes(config(**changed)).of(revision)
    said = str(raised.value)
    assert "\n" not in said
    return said


@pytest.mark.parametrize(
    "changed",
    [{"hidden_size": 32}, {"num_hidden_layers": 3}, {"num_attention_heads": 2}, {"head_dim": 8}],
)
def test_a_file_for_a_model_of_another_shape_is_refused(
    changed: dict[str, int], revision: Revision
) -> None:
    said = refusal(revision, **changed)
    assert f"{revision.file} was made for another model (tiny: 2 layers of 64 numbers" in said
    assert "vscbench method fit" in said


def test_a_file_that_was_changed_since_is_refused(revision: Revision) -> None:
    make_revision(revision.file, config(), "head", [(0, 0)], seed=7)
    assert "was changed since the run began" in refusal(revision)


def test_a_file_that_is_gone_or_no_vector_file_is_refused(revision: Revision) -> None:
    revision.file.write_bytes(b"other")
    assert "is no vector file that can be used" in refusal(revision)
    revision.file.unlink()
    assert "cannot be read" in refusal(revision)


def test_a_gate_that_is_not_in_the_file_is_refused(tmp_path: Path) -> None:
    plain = make_revision(tmp_path / "v", config(), "layer", [(0, None)], threshold=0.5)
    assert "has no gate, which revision-gated needs" in refusal(plain)


def test_a_gate_opens_above_its_threshold_only() -> None:
    probe = GateProbe(0, torch.tensor([1.0, 0.0]), 0.0, 0.5)
    assert probe.opens(torch.tensor([0.1, 9.0]))
    assert not probe.opens(torch.tensor([0.0, 9.0]))
    assert not probe.opens(torch.tensor([-0.1, 9.0]))
    assert not probe.opens(torch.tensor([float("nan"), 0.0]))


def test_a_request_for_another_model_fails_alone_and_before_it_is_put_to_it(
    tiny: Callable[[str], Path], revision: Revision
) -> None:
    maker = open_tiny(tiny("mllama")).maker
    request = Request("p", 1, "why", None, None)
    with pytest.raises(UsageError, match="was made for another model"):
        maker.make(dataclasses.replace(request, revision=revision))
    assert maker.make(request).push is None


def test_where_nothing_can_be_revised_a_request_that_wants_it_is_refused(
    tiny: Callable[[str], Path], revision: Revision
) -> None:
    model = open_tiny(tiny("llama"), images=False)
    own = model.maker
    maker = RowMaker(own._processor, own.prompting, model.opened.parameters, sees_images=False)
    with pytest.raises(UsageError, match="cannot be revised"):
        maker.make(Request("p", 1, "why", None, None, revision=revision))
