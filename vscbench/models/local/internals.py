"""All that is used of transformers and peft beyond their documented interfaces, in one place.

A test names each of these (``tests/models/local/test_local_internals.py``), and the upper bounds of
both in ``pyproject.toml`` are those of the releases with which it passes. Names of modules in the
layouts of LLaVA, to which published weights are laid, stand in ``original_llava.py`` and
``adapters.py``, and are tested there.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

# What architectures call a layer's attention, and the projection that mixes its heads.
ATTENTIONS: Final = ("self_attn", "attention", "self_attention", "attn")
PROJECTIONS: Final = ("o_proj", "out_proj", "dense", "wo")
# A decoder lies at most so deep in a model that also sees.
DEPTH: Final = 5


def updated_inputs(model: Any, output: Any, inputs: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ANN401 - any of transformers' models
    """Return a decoder's inputs after a step: masks and places one token longer, and the cache."""
    updated: dict[str, Any] = model._update_model_kwargs_for_generation(
        output, dict(inputs), is_encoder_decoder=model.config.is_encoder_decoder
    )
    return updated


def attention_of(model: Any) -> str:  # noqa: ANN401 - as above
    """Return by which implementation of attention a loaded model computes."""
    return str(model.config._attn_implementation)


def parts_beside_the_device(model: Any) -> frozenset[str]:  # noqa: ANN401 - as above
    """Return where else than on one device accelerate has put a model's weights: cpu, disk."""
    placed = {str(place) for place in (getattr(model, "hf_device_map", None) or {}).values()}
    return frozenset(placed & {"cpu", "disk"}) if len(placed) > 1 else frozenset()


def decoder_layers(model: Any) -> Any:  # noqa: ANN401 - as above
    """Return the list of a decoder's layers, or ``None`` where it is not found."""
    from torch.nn import ModuleList

    for _ in range(DEPTH):
        layers = getattr(model, "layers", None)
        if isinstance(layers, ModuleList):
            return layers
        inner = model.get_decoder() if hasattr(model, "get_decoder") else None
        if inner is None or inner is model:
            inner = getattr(model, "decoder", None) or getattr(model, "model", None)
        if inner is None:
            return None
        model = inner
    return None


def attention_projection(layer: Any, width: int) -> Any:  # noqa: ANN401 - as above
    """Return the projection of a layer's attention that takes all heads side by side, if any."""
    for attention in ATTENTIONS:
        for name in PROJECTIONS:
            found = getattr(getattr(layer, attention, None), name, None)
            if getattr(found, "in_features", None) == width:
                return found
    return None


def image_architectures() -> Mapping[str, object]:
    """Return the architectures, by their ``model_type``, that take images and give text."""
    from transformers.models.auto import modeling_auto

    known: Mapping[str, object] = modeling_auto.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES
    return known


def text_architectures() -> Mapping[str, object]:
    """Return the architectures, by their ``model_type``, that take and give text."""
    from transformers.models.auto import modeling_auto

    known: Mapping[str, object] = modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
    return known


def gguf_architectures() -> list[str]:
    """Return the architectures that are read from GGUF files."""
    from transformers.modeling_gguf_pytorch_utils import GGUF_SUPPORTED_ARCHITECTURES

    return list(GGUF_SUPPORTED_ARCHITECTURES)


def pattern_key(patterns: Sequence[str], module: str) -> str:
    """Return which of a LoRA adapter's patterns a module falls under; the module if none."""
    from peft.utils.other import get_pattern_key

    return str(get_pattern_key(patterns, module))
