"""Tiny InstructBLIP and BLIP-2: a Q-Former reads the image; there is no chat template."""

from __future__ import annotations

from typing import Any

from tiny_vlms.parts import SQUARE, TEXT, VISION, Parts, library
from tiny_vlms.tokens import make_tokenizer, marker_id

QUERIES = 8
QUERY_FORMER: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 512,
}


def instructblip() -> Parts:
    """Return the parts of InstructBLIP on a Llama: the Q-Former reads the question as well."""
    made = library()
    tokenizer = make_tokenizer(["<image>"])
    # Its vocabulary is the smaller one, as in the real ones: the other's pad token is not in it.
    reader = make_tokenizer([], bos=None, eos="[SEP]", pad="[PAD]")
    reader.padding_side = "right"
    config = made.InstructBlipConfig(
        vision_config=made.InstructBlipVisionConfig(**VISION),
        qformer_config=made.InstructBlipQFormerConfig(
            vocab_size=len(reader), pad_token_id=reader.pad_token_id, **QUERY_FORMER
        ),
        text_config=made.LlamaConfig(vocab_size=len(tokenizer), **TEXT),
        num_query_tokens=QUERIES,
        image_token_index=marker_id(tokenizer, "<image>"),
    )
    images = made.BlipImageProcessorPil(size=SQUARE)
    processor = made.InstructBlipProcessor(images, tokenizer, reader, num_query_tokens=QUERIES)
    return Parts(config, processor, tokenizer, ("</s>",))


def blip2() -> Parts:
    """Return the parts of BLIP-2 on OPT, whose one marker both begins and ends a text."""
    made = library()
    tokenizer = make_tokenizer(["<image>"], bos="</s>")
    config = made.Blip2Config(
        vision_config=made.Blip2VisionConfig(**VISION),
        qformer_config=made.Blip2QFormerConfig(**QUERY_FORMER),
        text_config=made.OPTConfig(
            vocab_size=len(tokenizer),
            hidden_size=TEXT["hidden_size"],
            word_embed_proj_dim=TEXT["hidden_size"],
            ffn_dim=TEXT["intermediate_size"],
            num_hidden_layers=TEXT["num_hidden_layers"],
            num_attention_heads=TEXT["num_attention_heads"],
            max_position_embeddings=1024,
            tie_word_embeddings=False,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        ),
        num_query_tokens=QUERIES,
        image_token_index=marker_id(tokenizer, "<image>"),
    )
    images = made.BlipImageProcessorPil(size=SQUARE)
    processor = made.Blip2Processor(images, tokenizer, num_query_tokens=QUERIES)
    return Parts(config, processor, tokenizer, ("</s>",))
