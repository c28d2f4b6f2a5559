from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="local models need torch")
pytest.importorskip("transformers", reason="local models need transformers")

import numpy as np
import torch
from local_models import BLIND, open_tiny, some_requests

from vscbench.models.local.last_states import read_last_states
from vscbench.models.local.places import Places, find_places
from vscbench.models.local.ready import load_ready
from vscbench.models.local.rows import Row

NAMES = ("llava", "llava-next", "idefics3", "gemma3", "llama", "mllama", "instructblip", "blip2")


def loaded(folder: Path, name: str, images: Path) -> tuple[Any, Places, list[Row]]:
    opened = open_tiny(folder, images=name not in BLIND)
    weights: Any = load_ready(opened.opened).generator.model  # type: ignore[attr-defined]
    rows = [opened.maker.make(request) for request in some_requests(images, 8, name)]
    return weights, find_places(weights), [row for row in rows if row.has_image] or rows


def by_hand(model: Any, places: Places, row: Row) -> tuple[list[Any], list[Any]]:  # noqa: ANN401
    """Watch every layer and projection while one row is read alone."""
    outputs: list[Any] = [None] * len(places.layers)
    inputs: list[Any] = [None] * len(places.layers)
    handles = []
    for number, (layer, projection) in enumerate(
        zip(places.layers, places.projections, strict=True)
    ):

        def see(_: object, __: object, output: Any, at: int = number) -> None:  # noqa: ANN401
            states = output[0] if isinstance(output, tuple) else output
            outputs[at] = states[0, -1].numpy()

        def see_before(_: object, arguments: Any, at: int = number) -> None:  # noqa: ANN401
            inputs[at] = arguments[0][0, -1].numpy()

        handles.append(layer.register_forward_hook(see))
        if projection is not None:
            handles.append(projection.register_forward_pre_hook(see_before))
    with torch.inference_mode():
        model(**row.inputs)
    for handle in handles:
        handle.remove()
    return outputs, inputs


@pytest.mark.parametrize("name", NAMES)
def test_rows_read_together_have_the_states_of_each_alone(
    tiny: Callable[[str], Path], tmp_path: Path, name: str
) -> None:
    model, places, rows = loaded(tiny(name), name, tmp_path)
    count = places.shape.layers
    states = read_last_states(model, places, rows, 0, layers=count, with_heads=True)
    assert states.outputs.shape == (len(rows), count, places.shape.hidden_size)
    assert states.heads is not None
    assert states.heads.shape == (len(rows), count, places.shape.heads, places.shape.head_size)
    for number, row in enumerate(rows):
        outputs, inputs = by_hand(model, places, row)
        for layer in range(count):
            found = states.outputs[number, layer].numpy()
            np.testing.assert_allclose(found, outputs[layer], rtol=1e-3, atol=1e-4)
            heads = states.heads[number, layer].flatten().numpy()
            if inputs[layer] is None:
                assert np.isnan(heads).all()
            else:
                np.testing.assert_allclose(heads, inputs[layer], rtol=1e-3, atol=1e-4)


def test_layers_behind_the_last_that_is_wanted_do_not_compute(
    tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    model, places, rows = loaded(tiny("llava"), "llava", tmp_path)
    computed: list[int] = []
    for number, layer in enumerate([*places.layers, model.lm_head]):
        layer.register_forward_pre_hook(lambda *_, at=number: computed.append(at))
    states = read_last_states(model, places, rows, 0, layers=1)
    assert computed == [0]
    assert states.outputs.shape[1] == 1
    assert states.heads is None


def test_a_layer_that_has_nothing_to_look_at_passes_on_what_came_in(
    tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    opened = open_tiny(tiny("mllama"))
    model: Any = load_ready(opened.opened).generator.model  # type: ignore[attr-defined]
    requests = [each for each in some_requests(tmp_path, 8, "mllama") if each.image is None]
    rows = [opened.maker.make(request) for request in requests]
    states = read_last_states(model, find_places(model), rows, 0, layers=2)
    assert torch.equal(states.outputs[:, 1], states.outputs[:, 0])
    whole = read_last_states(model, find_places(model), rows, 0, layers=3)
    assert not torch.equal(whole.outputs[:, 2], whole.outputs[:, 1])


def test_hooks_are_gone_afterwards_and_after_a_failure(
    tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    model, places, rows = loaded(tiny("llava"), "llava", tmp_path)
    read_last_states(model, places, rows, 0, layers=2, with_heads=True)
    model.get_input_embeddings().weight.data = torch.zeros((1, 64))
    with pytest.raises(IndexError):
        read_last_states(model, places, rows, 0, layers=2, with_heads=True)
    for layer in places.layers:
        for module in layer.modules():
            assert not module._forward_hooks and not module._forward_pre_hooks
