"""What is used of transformers beyond its documented interface: a release that changes it says so.

Each test names one thing of `vscbench.models.local.internals`; where one fails,
transformers was changed there, and the upper bound in ``pyproject.toml`` stays below that release.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="local models need torch")
pytest.importorskip("transformers", reason="local models need transformers")

import torch
import transformers
from local_models import BLIND, open_tiny

from vscbench.models.local.internals import (
    attention_of,
    gguf_architectures,
    image_architectures,
    parts_beside_the_device,
    pattern_key,
    text_architectures,
    updated_inputs,
)
from vscbench.models.local.loading import load_model
from vscbench.models.local.places import find_places

RELEASE = f"transformers {transformers.__version__} is not as vscbench knows it"


def smallest() -> Any:  # noqa: ANN401 - transformers has no types
    size = {"hidden_size": 8, "intermediate_size": 8}
    config = transformers.LlamaConfig(
        vocab_size=8, num_hidden_layers=1, num_attention_heads=1, **size
    )
    return transformers.AutoModelForCausalLM.from_config(config)


def test_a_step_draws_masks_and_places_out_by_one_and_hands_the_cache_on() -> None:
    model = smallest()
    output = model(torch.tensor([[1, 2]]), use_cache=True)
    inputs = {"attention_mask": torch.ones(1, 2), "position_ids": torch.tensor([[0, 1]])}
    after = updated_inputs(model, output, inputs)
    assert after["attention_mask"].tolist() == [[1, 1, 1]], RELEASE
    assert after["position_ids"].tolist() == [[0, 1, 2]], RELEASE
    (cache,) = [each for each in after.values() if isinstance(each, transformers.Cache)]
    cache.reorder_cache(torch.tensor([0]))
    assert cache.get_seq_length() == 2, RELEASE


def test_generate_hands_its_prepared_inputs_to_a_loop_of_ones_own() -> None:
    model = smallest()
    kept: dict[str, object] = {}

    def loop(model: object, input_ids: torch.Tensor, **inputs: object) -> torch.Tensor:
        kept.update(inputs)
        return input_ids

    mask = torch.tensor([[0, 1], [1, 1]])
    model.generate(torch.ones_like(mask), attention_mask=mask, custom_generate=loop)
    assert {"attention_mask", "position_ids", "use_cache"} <= kept.keys(), RELEASE
    assert any(isinstance(each, transformers.Cache) for each in kept.values()), RELEASE


@pytest.mark.parametrize("name", ["llava", "mllama", "blip2", "instructblip", "janus", "llama"])
def test_layers_heads_and_the_kind_of_attention_are_found(
    tiny: Callable[[str], Path], name: str
) -> None:
    opened = open_tiny(tiny(name), images=name not in BLIND).opened
    model = load_model(opened.checkpoint, opened.parameters, opened.machine)
    places = find_places(model)
    assert len(places.layers) == model.config.get_text_config().num_hidden_layers, RELEASE
    assert places.layers_with_heads, RELEASE
    assert attention_of(model) == "sdpa", RELEASE
    assert parts_beside_the_device(model) == frozenset(), RELEASE


def test_the_tables_of_architectures_are_where_they_were() -> None:
    assert {"llava", "qwen2_5_vl", "mllama"} <= image_architectures().keys(), RELEASE
    assert {"llama", "qwen2"} <= text_architectures().keys(), RELEASE
    assert {"llama", "qwen2"} <= set(gguf_architectures()), RELEASE


def test_a_module_falls_under_the_pattern_of_an_adapter_that_ends_like_it() -> None:
    peft = pytest.importorskip("peft", reason="adapters need peft")
    found = pattern_key(["q_proj", "layers.1.mlp"], "model.layers.0.q_proj")
    assert found == "q_proj", f"peft {peft.__version__} is not as vscbench knows it"
