"""Tiny Idefics3 and SmolVLM: an image becomes tiles, each between markers of row and column."""

from __future__ import annotations

from typing import Any

from tiny_vlms.parts import SIDE, TEXT, VISION, Parts, library
from tiny_vlms.tokens import make_tokenizer, marker_id

UTTERANCE_END = "<end_of_utterance>"
MARKERS = [
    "<|im_start|>",
    "<fake_token_around_image>",
    "<image>",
    UTTERANCE_END,
    "<global-img>",
    *(f"<row_{row}_col_{column}>" for row in (1, 2) for column in (1, 2)),
]
UTTERANCES = (
    "<|im_start|>{% for turn in messages %}{{ turn.role | capitalize }}: "
    "{% for part in turn.content %}"
    "{% if part.type == 'image' %}<image>{% else %}{{ part.text }}{% endif %}"
    "{% endfor %}<end_of_utterance>\n{% endfor %}"
    "{% if add_generation_prompt %}Assistant:{% endif %}"
)
SPLIT: dict[str, Any] = {
    "size": {"longest_edge": 2 * SIDE},
    "max_image_size": {"longest_edge": SIDE},
}
TOKENS_A_TILE = 4


def idefics3() -> Parts:
    """Return the parts of Idefics3, on a Llama."""
    made = library()
    tokenizer = make_tokenizer(MARKERS, bos=None)
    config = made.Idefics3Config(
        vision_config=made.Idefics3VisionConfig(**VISION),
        text_config=made.LlamaConfig(
            vocab_size=len(tokenizer), pad_token_id=tokenizer.pad_token_id, **TEXT
        ),
        image_token_id=marker_id(tokenizer, "<image>"),
        pad_token_id=tokenizer.pad_token_id,
        scale_factor=2,
    )
    processor = made.Idefics3Processor(
        made.Idefics3ImageProcessorPil(**SPLIT),
        tokenizer,
        image_seq_len=TOKENS_A_TILE,
        chat_template=UTTERANCES,
    )
    return Parts(config, processor, tokenizer, (UTTERANCE_END,))


def smolvlm() -> Parts:
    """Return the parts of SmolVLM, which is Idefics3 with videos besides."""
    made = library()
    tokenizer = make_tokenizer(
        MARKERS,
        {
            "fake_image_token": "<fake_token_around_image>",
            "image_token": "<image>",
            "end_of_utterance_token": UTTERANCE_END,
            "global_image_token": "<global-img>",
        },
        bos=None,
    )
    config = made.SmolVLMConfig(
        vision_config=made.SmolVLMVisionConfig(**VISION),
        text_config=made.LlamaConfig(
            vocab_size=len(tokenizer), pad_token_id=tokenizer.pad_token_id, **TEXT
        ),
        image_token_id=marker_id(tokenizer, "<image>"),
        pad_token_id=tokenizer.pad_token_id,
        scale_factor=2,
    )
    processor = made.SmolVLMProcessor(
        made.SmolVLMImageProcessorPil(**SPLIT),
        tokenizer,
        made.SmolVLMVideoProcessor(**SPLIT),
        image_seq_len=TOKENS_A_TILE,
        chat_template=UTTERANCES,
    )
    return Parts(config, processor, tokenizer, (UTTERANCE_END,))
