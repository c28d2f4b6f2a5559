from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="local models need torch")
pytest.importorskip("transformers", reason="local models need transformers")

import torch
import transformers
from local_models import BLIND
from tiny_vlms import ARCHITECTURES

from vscbench.errors import UsageError
from vscbench.models.local.places import DecoderShape, find_places, shape_of

T5 = {"d_model": 64, "d_ff": 64, "d_kv": 16, "num_heads": 4, "num_layers": 1, "vocab_size": 20}


def model_at(folder: Path, name: str) -> Any:  # noqa: ANN401 - of transformers
    auto: Any = transformers
    loader = auto.AutoModelForCausalLM if name in BLIND else auto.AutoModelForImageTextToText
    return loader.from_pretrained(folder)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_layers_and_heads_of_every_architecture_are_found(
    tiny: Callable[[str], Path], name: str
) -> None:
    model = model_at(tiny(name), name)
    places = find_places(model)
    layers = 3 if name == "mllama" else 2
    assert (places.shape.layers, places.shape.hidden_size) == (layers, 64)
    assert places.shape.heads * places.shape.head_size == next(
        each.in_features for each in places.projections if each is not None
    )
    with_heads = (0, 2) if name == "mllama" else (0, 1)
    assert places.layers_with_heads == with_heads
    names = {id(module): path for path, module in model.named_modules()}
    paths = [names[id(layer)] for layer in places.layers]
    assert not any("vision" in path or "qformer" in path for path in paths)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_what_goes_into_a_projection_is_one_part_a_head(
    tiny: Callable[[str], Path], name: str
) -> None:
    config = transformers.AutoConfig.from_pretrained(tiny(name))
    assert shape_of(config).heads == 4


def test_a_decoder_that_an_encoder_reads_for_is_refused_in_one_line() -> None:
    made: Any = transformers
    text = made.T5Config(**T5)
    seeing = made.InstructBlipConfig(
        vision_config=made.InstructBlipVisionConfig(num_hidden_layers=1).to_dict(),
        text_config=text.to_dict(),
    )
    for config in (text, seeing):
        with pytest.raises(UsageError, match="an encoder reads for its decoder") as raised:
            shape_of(config)
        assert "\n" not in str(raised.value)
        assert "such as safety-prompt" in str(raised.value)


def test_layers_that_are_not_where_others_have_them_are_refused_in_one_line() -> None:
    class Odd(torch.nn.Module):
        config = transformers.LlamaConfig(num_hidden_layers=2)

    with pytest.raises(UsageError, match="'llama' cannot be revised: the layers of its decoder"):
        find_places(Odd())


def test_a_configuration_without_heads_is_refused_in_one_line() -> None:
    made: Any = transformers
    with pytest.raises(UsageError, match="'mamba' cannot be revised: its layers or heads"):
        shape_of(made.MambaConfig())


def test_a_layer_that_mixes_its_tokens_otherwise_has_no_heads(tiny: Callable[[str], Path]) -> None:
    model = model_at(tiny("llama"), "llama")
    model.model.layers[1].self_attn = torch.nn.Identity()
    assert find_places(model).layers_with_heads == (0,)


def test_a_shape_is_told_in_words() -> None:
    told = str(DecoderShape(64, 2, 4, 16))
    assert told == "2 layers of 64 numbers, with 4 heads of 16 each"
