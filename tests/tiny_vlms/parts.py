"""What a tiny checkpoint is made of, before its weights are drawn."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Any

# The decoder of every tiny model; an architecture adds what only it has.
TEXT: dict[str, Any] = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 4096,
    "tie_word_embeddings": False,
}
# The image encoder: pictures of 28 pixels, cut into 4 by 4 patches.
SIDE = 28
SQUARE = {"height": SIDE, "width": SIDE}
VISION: dict[str, Any] = {
    "hidden_size": 48,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "image_size": SIDE,
    "patch_size": 7,
}


@dataclass(frozen=True, slots=True)
class Parts:
    """A shrunken config, the processor that fits it, its tokenizer, and what ends an answer.

    A text-only model's processor is its tokenizer. The first of ``ends`` is how most answers end.
    ``embedding_scale`` is what the model itself multiplies the embeddings of tokens by.
    """

    config: Any
    processor: Any
    tokenizer: Any
    ends: tuple[str, ...]
    embedding_scale: float = 1.0


def library() -> ModuleType:
    """Import transformers only when a checkpoint is built: the tests that need none stay light."""
    return import_module("transformers")
