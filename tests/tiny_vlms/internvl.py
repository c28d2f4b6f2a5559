"""Tiny InternVL: an image becomes tiles and a thumbnail, each shrunk to a few tokens."""

from __future__ import annotations

from typing import Any

from tiny_vlms.parts import SQUARE, TEXT, VISION, Parts, library
from tiny_vlms.tokens import make_tokenizer, marker_id

TURN_END, TEXT_END = "<|im_end|>", "<|endoftext|>"
PLACE = "<IMG_CONTEXT>"
TURNS = (
    "{% for turn in messages %}<|im_start|>{{ turn.role }}\n"
    "{% for part in turn.content %}"
    "{% if part.type == 'image' %}<IMG_CONTEXT>\n{% else %}{{ part.text }}{% endif %}"
    "{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
TOKENS_A_TILE = 4


def internvl() -> Parts:
    """Return the parts of InternVL on a Qwen2."""
    made = library()
    named = {
        "start_image_token": "<img>",
        "end_image_token": "</img>",
        "context_image_token": PLACE,
        "video_token": "<video>",
    }
    tokenizer = make_tokenizer(["<|im_start|>"], named, bos=None, eos=TURN_END, pad=TEXT_END)
    text: dict[str, Any] = {**TEXT, "vocab_size": len(tokenizer)}
    config = made.InternVLConfig(
        vision_config=made.InternVLVisionConfig(**VISION),
        text_config=made.Qwen2Config(**text),
        image_token_id=marker_id(tokenizer, PLACE),
        image_seq_length=TOKENS_A_TILE,
        tie_word_embeddings=False,
    )
    processor = made.InternVLProcessor(
        made.GotOcr2ImageProcessorPil(size=SQUARE, crop_to_patches=True, max_patches=4),
        tokenizer,
        made.InternVLVideoProcessor(size=SQUARE),
        image_seq_length=TOKENS_A_TILE,
        chat_template=TURNS,
    )
    return Parts(config, processor, tokenizer, (TURN_END,))
