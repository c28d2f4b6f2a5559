"""Tiny DeepSeek-VL and Janus: a SigLIP encoder, an aligner, and a Llama."""

from __future__ import annotations

from typing import Any

from tiny_vlms.parts import SIDE, SQUARE, TEXT, VISION, Parts, library
from tiny_vlms.tokens import make_tokenizer, marker_id

BEGIN, END, PAD = "<|begin|>", "<|end|>", "<|padding|>"
IMAGE = "<image_placeholder>"
CONVERSATION = (
    "{% for turn in messages %}"
    "{% if turn.role == 'user' %}User: {% elif turn.role == 'assistant' %}Assistant: {% endif %}"
    "{% for part in turn.content %}"
    "{% if part.type == 'image' %}<image_placeholder>{% else %}{{ part.text }}{% endif %}"
    "{% endfor %}"
    "{% if turn.role == 'assistant' %}{{ eos_token }}{% else %}\n\n{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}Assistant:{% endif %}"
)
TOKENS_AN_IMAGE = 16


def deepseek_vl() -> Parts:
    """Return the parts of DeepSeek-VL."""
    made = library()
    tokenizer = make_tokenizer([], {"image_token": IMAGE}, bos=BEGIN, eos=END, pad=PAD)
    config = made.DeepseekVLConfig(
        vision_config=made.SiglipVisionConfig(vision_use_head=False, **VISION),
        text_config=made.LlamaConfig(vocab_size=len(tokenizer), **TEXT),
        image_token_id=marker_id(tokenizer, IMAGE),
        tie_word_embeddings=False,
    )
    processor = made.DeepseekVLProcessor(
        made.DeepseekVLImageProcessorPil(size=SQUARE),
        tokenizer,
        chat_template=CONVERSATION,
        num_image_tokens=TOKENS_AN_IMAGE,
    )
    return Parts(config, processor, tokenizer, (END,))


def deepseek_vl_hybrid() -> Parts:
    """Return the parts of the larger DeepSeek-VL: a second encoder (SAM) sees more pixels."""
    made = library()
    tokenizer = make_tokenizer([], {"image_token": IMAGE}, bos=BEGIN, eos=END, pad=PAD)
    finer = made.SamVisionConfig(
        hidden_size=32,
        output_channels=8,
        num_hidden_layers=2,
        num_attention_heads=4,
        image_size=2 * SIDE,
        patch_size=14,
        window_size=2,
        global_attn_indexes=[1],
        num_pos_feats=8,
        mlp_ratio=2.0,
    )
    config = made.DeepseekVLHybridConfig(
        vision_config=made.SiglipVisionConfig(vision_use_head=False, **VISION),
        high_res_vision_config=finer,
        text_config=made.LlamaConfig(vocab_size=len(tokenizer), **TEXT),
        image_token_id=marker_id(tokenizer, IMAGE),
        tie_word_embeddings=False,
    )
    images = made.DeepseekVLHybridImageProcessorPil(
        size=SQUARE, high_res_size={"height": 2 * SIDE, "width": 2 * SIDE}
    )
    processor = made.DeepseekVLHybridProcessor(
        images, tokenizer, chat_template=CONVERSATION, num_image_tokens=TOKENS_AN_IMAGE
    )
    return Parts(config, processor, tokenizer, (END,))


def janus() -> Parts:
    """Return the parts of Janus; the half of it that draws pictures is as small as it goes."""
    made = library()
    tokenizer = make_tokenizer(
        [],
        {
            "image_token": IMAGE,
            "boi_token": "<begin_of_image>",
            "eoi_token": "<end_of_image>",
        },
        bos=BEGIN,
        eos=END,
        pad=PAD,
    )
    width = TEXT["hidden_size"]
    vision: dict[str, Any] = {
        key: value for key, value in VISION.items() if key != "intermediate_size"
    }
    config = made.JanusConfig(
        vision_config=made.JanusVisionConfig(
            mlp_ratio=2.0, projection_dim=width, num_image_tokens=TOKENS_AN_IMAGE, **vision
        ),
        text_config=made.LlamaConfig(vocab_size=len(tokenizer), **TEXT),
        vq_config=made.JanusVQVAEConfig(
            embed_dim=4,
            num_embeddings=16,
            latent_channels=32,
            base_channels=32,
            channel_multiplier=[1],
            num_res_blocks=1,
            projection_dim=width,
            image_token_embed_dim=width,
        ),
        image_token_id=marker_id(tokenizer, IMAGE),
        tie_word_embeddings=False,
    )
    processor = made.JanusProcessor(
        made.JanusImageProcessorPil(size=SQUARE),
        tokenizer,
        chat_template=CONVERSATION,
        num_image_tokens=TOKENS_AN_IMAGE,
    )
    return Parts(config, processor, tokenizer, (END,))
