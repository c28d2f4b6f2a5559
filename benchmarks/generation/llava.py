"""LLaVA 1.5 of random weights, made where it computes, with a processor made from code."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))

from tiny_vlms.llava import USER_ASSISTANT
from tiny_vlms.tokens import make_tokenizer, marker_id, speakable

# Wide queries and keys let single tokens matter, so that answers differ and do not loop.
ATTENTION_GAIN = 3.0
GAIN = 1.5
HEAD_GAIN = 4.0


@dataclass(frozen=True, slots=True)
class Size:
    """The numbers of a LLaVA that its speed depends on; ``side`` and ``patch`` are in pixels."""

    text: Mapping[str, int]
    vision: Mapping[str, int]
    side: int
    patch: int

    @property
    def image_tokens(self) -> int:
        """How many tokens an image becomes."""
        return (self.side // self.patch) ** 2


def _decoder(hidden: int, inner: int, layers: int, heads: int, words: int) -> dict[str, int]:
    return {
        "hidden_size": hidden,
        "intermediate_size": inner,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": heads,
        "vocab_size": words,
        "max_position_embeddings": 4096,
    }


def _encoder(hidden: int, inner: int, layers: int, heads: int, projection: int) -> dict[str, int]:
    return {
        "hidden_size": hidden,
        "intermediate_size": inner,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "projection_dim": projection,
    }


SIZES: Mapping[str, Size] = {
    # That of the tests: what is measured is mostly what torch needs to start each operation.
    "tiny": Size(_decoder(64, 128, 2, 4, 1024), _encoder(48, 64, 2, 4, 32), 28, 7),
    # Large enough that arithmetic counts on a CPU, and that an image is most of a prompt.
    "small": Size(_decoder(256, 688, 4, 4, 2048), _encoder(128, 256, 4, 4, 128), 140, 14),
    # https://huggingface.co/llava-hf/llava-1.5-7b-hf/blob/main/config.json: Vicuna 7B, and
    # https://huggingface.co/openai/clip-vit-large-patch14-336/blob/main/config.json
    "7b": Size(_decoder(4096, 11008, 32, 32, 32064), _encoder(1024, 4096, 24, 16, 768), 336, 14),
}


@dataclass(frozen=True, slots=True)
class Llava:
    """A model, and what makes its inputs."""

    model: Any
    processor: Any
    size: Size


def build(size: Size, device: str, dtype: str, seed: int = 0) -> Llava:
    """Make a LLaVA that never ends an answer by itself.

    Args:
        size: one of ``SIZES``.
        device: where its weights are drawn and stay.
        dtype: of its weights, as torch names it.
        seed: of the weights.
    """
    import torch  # what only counts needs none

    made = import_module("transformers")
    tokenizer = make_tokenizer([], {"image_token": "<image>"})
    config = config_of(size, marker_id(tokenizer, "<image>"))
    with torch.device(device):
        model = made.AutoModelForImageTextToText.from_config(config, dtype=getattr(torch, dtype))
    draw_weights(model, seed, speakable(tokenizer))
    model.generation_config = made.GenerationConfig(pad_token_id=tokenizer.pad_token_id)
    square = {"height": size.side, "width": size.side}
    processor = made.LlavaProcessor(
        made.LlavaImageProcessorPil(size={"shortest_edge": size.side}, crop_size=square),
        tokenizer,
        patch_size=size.patch,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=USER_ASSISTANT,
    )
    return Llava(model.eval(), processor, size)


def config_of(size: Size, image_token: int) -> Any:  # noqa: ANN401 - transformers has no types
    """Return the configuration of a LLaVA in whose prompts an image stands for ``image_token``."""
    made = import_module("transformers")
    return made.LlavaConfig(
        vision_config=made.CLIPVisionConfig(
            image_size=size.side, patch_size=size.patch, **size.vision
        ),
        text_config=made.LlamaConfig(
            tie_word_embeddings=False, bos_token_id=None, eos_token_id=None, **size.text
        ),
        image_token_index=image_token,
        image_seq_length=size.image_tokens,
    )


def draw_weights(model: Any, seed: int, words: list[int]) -> None:  # noqa: ANN401 - likewise
    """Fill every weight anew, on its device; no other token than ``words`` is ever likeliest."""
    import torch

    generator = torch.Generator(model.device).manual_seed(seed)
    head = model.get_output_embeddings().weight
    with torch.no_grad():
        for name, weight in sorted(model.named_parameters()):
            if weight.dim() > 1:
                fan_in = 1 if "embed" in name else weight[0].numel()
                weight.normal_(0.0, _gain(name) / fan_in**0.5, generator=generator)
        kept = head[words] * HEAD_GAIN
        head.zero_()
        head[words] = kept


def _gain(name: str) -> float:
    if "embed" in name:
        return 1.0
    return ATTENTION_GAIN if "q_proj" in name or "k_proj" in name else GAIN
