"""Tiny Gemma 3: windows of attention, and image tokens that see each other both ways."""

from __future__ import annotations

from typing import Any

from tiny_vlms.parts import SQUARE, TEXT, VISION, Parts, library
from tiny_vlms.tokens import make_tokenizer, marker_id

TURN_END = "<end_of_turn>"
TURNS = (
    "{{ bos_token }}{% set ahead = namespace(said='') %}"
    "{% for turn in messages %}"
    "{% if turn.role == 'system' %}"
    "{% for part in turn.content %}"
    "{% set ahead.said = ahead.said + part.text + '\n\n' %}"
    "{% endfor %}"
    "{% else %}"
    "<start_of_turn>{{ 'model' if turn.role == 'assistant' else 'user' }}\n"
    "{{ ahead.said }}{% set ahead.said = '' %}"
    "{% for part in turn.content %}"
    "{% if part.type == 'image' %}<start_of_image>{% else %}{{ part.text | trim }}{% endif %}"
    "{% endfor %}<end_of_turn>\n"
    "{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)
TOKENS_AN_IMAGE = 4


def gemma3() -> Parts:
    """Return the parts of Gemma 3; its window is shorter than most prompts."""
    made = library()
    tokenizer = make_tokenizer(
        ["<start_of_turn>", TURN_END],
        {
            "image_token": "<image_soft_token>",
            "boi_token": "<start_of_image>",
            "eoi_token": "<end_of_image>",
        },
        bos="<bos>",
        eos="<eos>",
    )
    text: dict[str, Any] = {
        **TEXT,
        "head_dim": 16,
        "query_pre_attn_scalar": 16,
        "sliding_window": 32,
        "layer_types": ["sliding_attention", "full_attention"],
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    config = made.Gemma3Config(
        text_config=made.Gemma3TextConfig(vocab_size=len(tokenizer), **text),
        vision_config=made.SiglipVisionConfig(vision_use_head=False, **VISION),
        mm_tokens_per_image=TOKENS_AN_IMAGE,
        boi_token_index=marker_id(tokenizer, "<start_of_image>"),
        eoi_token_index=marker_id(tokenizer, "<end_of_image>"),
        image_token_index=marker_id(tokenizer, "<image_soft_token>"),
        tie_word_embeddings=False,
    )
    processor = made.Gemma3Processor(
        made.Gemma3ImageProcessorPil(size=SQUARE),
        tokenizer,
        chat_template=TURNS,
        image_seq_length=TOKENS_AN_IMAGE,
    )
    return Parts(config, processor, tokenizer, (TURN_END, "<eos>"), TEXT["hidden_size"] ** 0.5)
