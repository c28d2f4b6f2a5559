"""Tiny Llama 3.2 Vision, which looks at the image by cross-attention, and a text-only Llama."""

from __future__ import annotations

from typing import Any

from tiny_vlms.parts import SQUARE, TEXT, VISION, Parts, library
from tiny_vlms.tokens import make_tokenizer, marker_id

BEGIN, END, TURN_END = "<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>"
MARKERS = [TURN_END, "<|start_header_id|>", "<|end_header_id|>", "<|python_tag|>"]
HEAD = "<|start_header_id|>{{ turn.role }}<|end_header_id|>\n\n"
ANSWER = (
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)
HEADERS = (
    "{{ bos_token }}{% for turn in messages %}" + HEAD + "{% for part in turn.content %}"
    "{% if part.type == 'image' %}<|image|>{% else %}{{ part.text }}{% endif %}"
    "{% endfor %}<|eot_id|>{% endfor %}" + ANSWER
)
PLAIN_HEADERS = (
    "{{ bos_token }}{% for turn in messages %}"
    + HEAD
    + "{{ turn.content | trim }}<|eot_id|>{% endfor %}"
    + ANSWER
)


def mllama() -> Parts:
    """Return the parts of Llama 3.2 Vision; its image marker lies beyond the output vocabulary."""
    made = library()
    tokenizer = make_tokenizer([*MARKERS, "<|image|>"], bos=BEGIN, eos=END, pad="<|pad|>")
    image = marker_id(tokenizer, "<|image|>")
    text: dict[str, Any] = {
        **TEXT,
        "num_hidden_layers": 3,
        "cross_attention_layers": [1],
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    vision: dict[str, Any] = {
        "hidden_size": 48,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_global_layers": 1,
        "attention_heads": 4,
        "intermediate_layers_indices": [0],
        "vision_output_dim": 96,
        "image_size": VISION["image_size"],
        "patch_size": VISION["patch_size"],
    }
    config = made.MllamaConfig(
        vision_config=made.MllamaVisionConfig(**vision),
        text_config=made.MllamaTextConfig(vocab_size=image, **text),
        image_token_index=image,
    )
    images = made.MllamaImageProcessorPil(size=SQUARE, max_image_tiles=4)
    processor = made.MllamaProcessor(images, tokenizer, chat_template=HEADERS)
    return Parts(config, processor, tokenizer, (TURN_END, END))


def llama() -> Parts:
    """Return the parts of a Llama without eyes: a turn's content is a plain string."""
    made = library()
    tokenizer = make_tokenizer(MARKERS, bos=BEGIN, eos=TURN_END, pad="<|pad|>")
    tokenizer.chat_template = PLAIN_HEADERS
    config = made.LlamaConfig(vocab_size=len(tokenizer), **TEXT)
    return Parts(config, tokenizer, tokenizer, (TURN_END,))
