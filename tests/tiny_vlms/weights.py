"""Random weights whose greedy answers differ between requests, do not loop, and end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

# Wide queries and keys make attention pick single tokens: each word and image patch then counts.
ATTENTION_GAIN = 3.0
GAIN = 1.5
# How much longer the row of the end token is than a word's: an answer ends after about 20 words.
END_GAIN = 1.4


def spread_weights(
    model: torch.nn.Module,
    seed: int,
    *,
    words: Sequence[int],
    ends: Sequence[int],
    embedding_scale: float = 1.0,
) -> None:
    """Fill every parameter anew from ``seed``, in the order of the names.

    Args:
        model: any model of transformers; its output head is not tied to its embeddings.
        seed: the same seed gives the same weights.
        words: ids that the model may say; no other id is ever the most likely one.
        ends: ids that end an answer; the first is how most of them end.
        embedding_scale: what the model multiplies the embeddings of tokens by.
    """
    import torch

    generator = torch.Generator().manual_seed(seed)
    table = model.get_input_embeddings()  # type: ignore[operator]  # a method of transformers' models
    head = model.get_output_embeddings()  # type: ignore[operator]  # likewise
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            if parameter is head.weight:
                _fill_head(parameter, generator, words, ends)
            elif parameter is table.weight:
                noise = torch.randn(parameter.shape, generator=generator)
                parameter.copy_(noise / embedding_scale)
            elif parameter.dim() > 1:
                fan_in = 1 if "embed" in name else parameter[0].numel()
                noise = torch.randn(parameter.shape, generator=generator)
                parameter.copy_(noise * _gain(name) / fan_in**0.5)
            elif name.endswith(("q_norm.weight", "k_norm.weight")):
                parameter.fill_(ATTENTION_GAIN)
            elif name.endswith("gate"):
                parameter.fill_(1.0)


def _gain(name: str) -> float:
    if "embed" in name:
        return 1.0
    return ATTENTION_GAIN if "q_proj" in name or "k_proj" in name else GAIN


def _fill_head(
    weight: torch.Tensor, generator: torch.Generator, words: Sequence[int], ends: Sequence[int]
) -> None:
    import torch

    width = weight.shape[1]
    rows = torch.zeros_like(weight)
    rows[list(words)] = torch.randn((len(words), width), generator=generator)
    rows[list(ends)] = torch.randn((len(ends), width), generator=generator)
    rows[ends[0]] *= END_GAIN
    weight.copy_(rows * 4.0 / width**0.5)
