"""How an architecture can be batched: refilled while it runs, or only as a whole."""

import inspect
from collections.abc import Sequence
from typing import Any

from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

from vscbench.models.local.continuous import Attention

FULL = "full_attention"
SLIDING = "sliding_attention"
# Their forward pass takes one mask for each kind of layer, by name.
TAKES_SEVERAL_MASKS = {"gemma3"}
# Their images take places in two dimensions; behind them all dimensions count alike again, from a
# place that the model keeps.
SHIFTS_PLACES = {"qwen2_vl", "qwen2_5_vl", "qwen3_vl"}


def attention_of(model: Any) -> Attention | None:  # noqa: ANN401 - any of transformers' models
    """Say how the decoder's layers look back, or ``None`` where slots would not do.

    Slots need a decoder alone whose memory is keys and values, attention that takes any mask, and
    places that are counted from the first token, or from behind the image.
    """
    config = model.config.get_text_config(decoder=True)
    if model.config.is_encoder_decoder or getattr(config, "cross_attention_layers", None):
        return None
    if config._attn_implementation != "sdpa" or not _takes_tokens(model):
        return None
    shifts_places = hasattr(getattr(model, "model", model), "rope_deltas")
    windows = _windows(DynamicCache(config=config).layers)
    known = SHIFTS_PLACES if shifts_places else {model.config.model_type}
    known = known & TAKES_SEVERAL_MASKS if len(windows) > 1 else known
    if not windows or model.config.model_type not in known:
        return None
    return Attention(windows, shifts_places)


def _windows(layers: Sequence[Any]) -> dict[str, int | None]:
    """Return each kind of layer with its window; nothing where one is of another kind."""
    windows: dict[str, int | None] = {}
    for layer in layers:
        if type(layer) is DynamicSlidingWindowLayer:
            windows[SLIDING] = layer.sliding_window
        elif type(layer) is DynamicLayer:
            windows[FULL] = None
        else:
            return {}
    return windows


def _takes_tokens(model: Any) -> bool:  # noqa: ANN401 - as above
    """Whether a forward pass is given tokens and places, as those of decoders are."""
    names = set(inspect.signature(model.forward).parameters)
    return {"input_ids", "attention_mask", "position_ids", "past_key_values"} <= names
