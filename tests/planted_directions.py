"""A tiny text model in which one word leaves a known direction behind, and pairs that hold it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from small_world import write_lines
from tiny_vlms import llama
from tiny_vlms.parts import library
from tiny_vlms.tokens import WORDS, speakable
from tiny_vlms.weights import spread_weights

# Whole tokens of the tiny tokenizer. The first is read as the second, but for one number.
MARKER, OTHER = "illegal", "kettle"
LAYERS, LAYER = 5, 2
MARK, MARK_SIZE = 0, 0.5
# The mean over some fifty tokens of the mark is small: it is written large.
GAIN = 8000.0
# What comes behind the layer says much, and little of the mark.
NOISE = 40.0


@dataclass(frozen=True, slots=True)
class Planted:
    """A checkpoint, and the unit vector that the marker adds to the output of one layer."""

    folder: Path
    layer: int
    direction: NDArray[np.float32]


def plant(folder: Path, seed: int = 0) -> Planted:
    """Write a Llama whose third layer looks for the marker all over the prompt.

    The marker's embedding is that of another word, and one number more. No layer before the third
    reads or writes that number; the third takes its mean over all tokens, and adds so much of a
    direction to each.
    """
    made, parts = library(), llama.llama()
    parts.config.num_hidden_layers = LAYERS
    tokenizer = parts.tokenizer
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = made.AutoModelForCausalLM.from_config(parts.config)
    ends = tokenizer.convert_tokens_to_ids(list(parts.ends))
    spread_weights(model, seed, words=speakable(tokenizer), ends=ends)
    direction = _plant(model, tokenizer, seed)
    model.generation_config = made.GenerationConfig(
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=ends[0],
        pad_token_id=tokenizer.pad_token_id,
    )
    model.save_pretrained(folder)
    parts.processor.save_pretrained(folder)
    return Planted(folder, LAYER, direction.numpy())


@torch.no_grad()
def _plant(model: Any, tokenizer: Any, seed: int) -> torch.Tensor:  # noqa: ANN401 - transformers'
    table = model.get_input_embeddings().weight
    marker, other = (
        tokenizer.encode(f" {word}", add_special_tokens=False)[0] for word in (MARKER, OTHER)
    )
    table[:, MARK] = 0
    table[marker] = table[other]
    table[marker, MARK] = MARK_SIZE
    direction = torch.randn(table.shape[1], generator=torch.Generator().manual_seed(seed))
    direction[MARK] = 0
    direction /= direction.norm()
    for number, layer in enumerate(model.model.layers):
        attention, dense = layer.self_attn, layer.mlp
        for reads in (attention.q_proj, attention.k_proj, attention.v_proj):
            reads.weight[:, MARK] = 0
        dense.gate_proj.weight[:, MARK] = dense.up_proj.weight[:, MARK] = 0
        attention.o_proj.weight[MARK] = dense.down_proj.weight[MARK] = 0
        if number == LAYER:
            for each in (attention.q_proj, attention.k_proj, attention.v_proj, attention.o_proj):
                each.weight.zero_()
            attention.v_proj.weight[0, MARK] = GAIN
            attention.o_proj.weight[:, 0] = direction
            dense.down_proj.weight.zero_()
        if number > LAYER:
            attention.o_proj.weight *= NOISE
            dense.down_proj.weight *= NOISE
    return direction


def write_planted_pairs(path: Path, contrasts: int, seed: int = 0) -> Path:
    """Write a manifest of contrasts that differ in one word: the unsafe side holds the marker."""
    chance = Random(seed)  # noqa: S311 - nothing secret
    plain = [word for word in WORDS if word not in {MARKER, OTHER}]
    lines: list[dict[str, str]] = []
    for number in range(contrasts):
        words = chance.choices(plain, k=chance.randint(5, 12))
        place = chance.randint(1, len(words) - 1)
        for label, word in (("safe", OTHER), ("unsafe", MARKER)):
            said: Sequence[str] = [*words[:place], word, *words[place:]]
            lines.append(
                {
                    "id": f"p{number:02}-{label}",
                    "label": label,
                    "query": " ".join(said),
                    "category": ("homonyms", "privacy")[number % 2],
                    "variant": "text",
                    "contrast": f"p{number:02}",
                }
            )
    write_lines(path, lines)
    return path
