"""Tiny LLaVA, LLaVA-NeXT and Pixtral: an image encoder, a projector, and a Llama."""

from __future__ import annotations

from typing import Any

from tiny_vlms.parts import SIDE, SQUARE, TEXT, VISION, Parts, library
from tiny_vlms.tokens import make_tokenizer, marker_id

USER_ASSISTANT = (
    "{% for turn in messages %}"
    "{% if turn.role == 'user' %}USER: {% elif turn.role == 'assistant' %}ASSISTANT: {% endif %}"
    "{% for part in turn.content if part.type == 'image' %}<image>\n{% endfor %}"
    "{% for part in turn.content if part.type == 'text' %}{{ part.text }}{% endfor %}"
    "{% if turn.role == 'assistant' %}{{ eos_token }}{% else %} {% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}ASSISTANT:{% endif %}"
)
INSTRUCTIONS = (
    "{{ bos_token }}"
    "{% for turn in messages %}"
    "{% if turn.role == 'assistant' %}"
    "{% for part in turn.content %}{{ part.text }}{% endfor %}{{ eos_token }}"
    "{% else %}"
    "[INST]{% for part in turn.content %}"
    "{% if part.type == 'image' %}[IMG]{% else %}{{ part.text }}{% endif %}"
    "{% endfor %}[/INST]"
    "{% endif %}"
    "{% endfor %}"
)
# How a processor counts the patches of the CLIP encoder: one class token, which is then dropped.
COUNTED = {
    "patch_size": VISION["patch_size"],
    "vision_feature_select_strategy": "default",
    "num_additional_image_tokens": 1,
}
GRID = [[SIDE, 2 * SIDE], [2 * SIDE, SIDE], [2 * SIDE, 2 * SIDE]]


def llava() -> Parts:
    """Return the parts of LLaVA 1.5: every image becomes the same number of tokens."""
    made = library()
    tokenizer = make_tokenizer([], {"image_token": "<image>"})
    config = made.LlavaConfig(
        vision_config=made.CLIPVisionConfig(projection_dim=32, **VISION),
        text_config=made.LlamaConfig(vocab_size=len(tokenizer), **TEXT),
        image_token_index=marker_id(tokenizer, "<image>"),
        image_seq_length=16,
    )
    images = made.LlavaImageProcessorPil(size={"shortest_edge": SIDE}, crop_size=SQUARE)
    processor = made.LlavaProcessor(images, tokenizer, chat_template=USER_ASSISTANT, **COUNTED)
    return Parts(config, processor, tokenizer, ("</s>",))


def llava_next() -> Parts:
    """Return the parts of LLaVA-NeXT: an image becomes tiles, as many as its shape asks for."""
    made = library()
    tokenizer = make_tokenizer([], {"image_token": "<image>"})
    config = made.LlavaNextConfig(
        vision_config=made.CLIPVisionConfig(projection_dim=32, **VISION),
        text_config=made.LlamaConfig(vocab_size=len(tokenizer), **TEXT),
        image_token_index=marker_id(tokenizer, "<image>"),
        image_grid_pinpoints=GRID,
        image_seq_length=16,
    )
    images = made.LlavaNextImageProcessorPil(
        size={"shortest_edge": SIDE}, crop_size=SQUARE, image_grid_pinpoints=GRID
    )
    processor = made.LlavaNextProcessor(images, tokenizer, chat_template=USER_ASSISTANT, **COUNTED)
    return Parts(config, processor, tokenizer, ("</s>",))


def pixtral() -> Parts:
    """Return the parts of Pixtral: an image keeps its shape, and becomes rows of patches."""
    made = library()
    markers = ["[INST]", "[/INST]", "[IMG]", "[IMG_BREAK]", "[IMG_END]"]
    tokenizer = make_tokenizer(markers)
    vision: dict[str, Any] = {**VISION, "image_size": 2 * SIDE, "rope_theta": 10000.0}
    config = made.LlavaConfig(
        vision_config=made.PixtralVisionConfig(**vision),
        text_config=made.MistralConfig(
            vocab_size=len(tokenizer), sliding_window=None, head_dim=16, **TEXT
        ),
        image_token_index=marker_id(tokenizer, "[IMG]"),
        vision_feature_layer=-1,
        vision_feature_select_strategy="full",
        projector_hidden_act="gelu",
    )
    images = made.PixtralImageProcessorPil(
        size={"longest_edge": 2 * SIDE}, patch_size={"height": 7, "width": 7}
    )
    processor = made.PixtralProcessor(images, tokenizer, patch_size=7, chat_template=INSTRUCTIONS)
    return Parts(config, processor, tokenizer, ("</s>",))
