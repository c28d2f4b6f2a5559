"""Tiny Qwen2-VL, Qwen2.5-VL and Qwen3-VL: positions have three axes, images keep their shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tiny_vlms.parts import TEXT, Parts, library
from tiny_vlms.tokens import make_tokenizer, marker_id

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast, ProcessorMixin
    from transformers.video_processing_utils import BaseVideoProcessor

TURN_END, TEXT_END = "<|im_end|>", "<|endoftext|>"
MARKERS = ["<|im_start|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]
TURNS = (
    "{% for turn in messages %}<|im_start|>{{ turn.role }}\n"
    "{% if turn.content is string %}{{ turn.content }}{% else %}"
    "{% for part in turn.content %}"
    "{% if part.type == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% else %}{{ part.text }}{% endif %}"
    "{% endfor %}"
    "{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
# From 4 to 36 patches of 7 pixels; two by two of them become one token.
PATCHES: dict[str, Any] = {
    "size": {"shortest_edge": 14 * 14, "longest_edge": 42 * 42},
    "patch_size": 7,
    "merge_size": 2,
    "temporal_patch_size": 2,
}
EYES: dict[str, Any] = {
    "depth": 2,
    "num_heads": 4,
    "patch_size": 7,
    "spatial_merge_size": 2,
    "temporal_patch_size": 2,
}


def qwen2_vl() -> Parts:
    """Return the parts of Qwen2-VL."""
    made = library()
    tokenizer = make_qwen_tokenizer()
    config = made.Qwen2VLConfig(
        vision_config=made.Qwen2VLVisionConfig(
            embed_dim=48, hidden_size=TEXT["hidden_size"], mlp_ratio=2, **EYES
        ),
        text_config=made.Qwen2VLTextConfig(**text_fields(tokenizer, [2, 3, 3])),
        tie_word_embeddings=False,
        **marker_ids(tokenizer),
    )
    processor = make_processor(made.Qwen2VLProcessor, made.Qwen2VLVideoProcessor, tokenizer)
    return Parts(config, processor, tokenizer, (TURN_END, TEXT_END))


def qwen2_5_vl() -> Parts:
    """Return the parts of Qwen2.5-VL; its encoder attends within windows in all but one layer."""
    made = library()
    tokenizer = make_qwen_tokenizer()
    config = made.Qwen2_5_VLConfig(
        vision_config=made.Qwen2_5_VLVisionConfig(
            hidden_size=48,
            intermediate_size=64,
            out_hidden_size=TEXT["hidden_size"],
            window_size=28,
            fullatt_block_indexes=[1],
            **EYES,
        ),
        text_config=made.Qwen2_5_VLTextConfig(**text_fields(tokenizer, [2, 3, 3])),
        tie_word_embeddings=False,
        **marker_ids(tokenizer),
    )
    processor = make_processor(made.Qwen2_5_VLProcessor, made.Qwen2VLVideoProcessor, tokenizer)
    return Parts(config, processor, tokenizer, (TURN_END, TEXT_END))


def qwen3_vl() -> Parts:
    """Return the parts of Qwen3-VL; an early layer of its encoder is added to the decoder's."""
    made = library()
    tokenizer = make_qwen_tokenizer()
    config = made.Qwen3VLConfig(
        vision_config=made.Qwen3VLVisionConfig(
            hidden_size=48,
            intermediate_size=64,
            out_hidden_size=TEXT["hidden_size"],
            num_position_embeddings=16,
            deepstack_visual_indexes=[0],
            **EYES,
        ),
        text_config=made.Qwen3VLTextConfig(head_dim=16, **text_fields(tokenizer, [4, 2, 2])),
        tie_word_embeddings=False,
        **marker_ids(tokenizer),
    )
    processor = make_processor(made.Qwen3VLProcessor, made.Qwen3VLVideoProcessor, tokenizer)
    return Parts(config, processor, tokenizer, (TURN_END, TEXT_END))


def make_qwen_tokenizer() -> PreTrainedTokenizerFast:
    """Return a tokenizer that puts nothing before a text, and pads with the end of a text."""
    return make_tokenizer(MARKERS, bos=None, eos=TURN_END, pad=TEXT_END)


def text_fields(tokenizer: PreTrainedTokenizerFast, axes: list[int]) -> dict[str, Any]:
    """Return the fields of a decoder whose positions share out ``axes`` (time, height, width)."""
    return {
        **TEXT,
        "vocab_size": len(tokenizer),
        "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": axes},
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }


def marker_ids(tokenizer: PreTrainedTokenizerFast) -> dict[str, int]:
    """Return the ids of the markers around and within an image, as Qwen's configs name them."""
    return {
        "image_token_id": marker_id(tokenizer, "<|image_pad|>"),
        "video_token_id": marker_id(tokenizer, "<|video_pad|>"),
        "vision_start_token_id": marker_id(tokenizer, "<|vision_start|>"),
        "vision_end_token_id": marker_id(tokenizer, "<|vision_end|>"),
    }


def make_processor(
    kind: Callable[..., ProcessorMixin],
    videos: Callable[..., BaseVideoProcessor],
    tokenizer: PreTrainedTokenizerFast,
) -> ProcessorMixin:
    """Return a processor of the Qwen family, with the image processor that all of them share."""
    images = library().Qwen2VLImageProcessorPil(**PATCHES)
    return kind(images, tokenizer, videos(**PATCHES), chat_template=TURNS)
