"""A tiny Llama as a GGUF file, with the weights and the tokenizer of its checkpoint."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

NORMAL, CONTROL = 1, 3
# As the format names a layer's tensors, and as transformers does.
LAYER = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
WHOLE = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}


def make_gguf(checkpoint: Path, file: Path, **said: str | None) -> Path:
    """Write a tiny Llama's checkpoint as one GGUF file, in float32, and return it.

    Args:
        checkpoint: a folder that ``make_tiny("llama", ...)`` wrote.
        file: to be written.
        said: other values of the file's header, or ``None`` to leave one out; known are
            ``architecture`` and ``template``.
    """
    import gguf
    from safetensors.numpy import load_file

    config = json.loads((checkpoint / "config.json").read_text(encoding="utf-8"))
    architecture = said.get("architecture") or "llama"
    writer = gguf.GGUFWriter(file, architecture)
    writer.add_name("tiny")
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(config["rope_parameters"]["rope_theta"])
    writer.add_vocab_size(config["vocab_size"])
    _add_tokenizer(writer, checkpoint, said)
    weights = load_file(checkpoint / "model.safetensors")
    for name, ours in WHOLE.items():
        writer.add_tensor(f"{name}.weight", weights[f"{ours}.weight"])
    for layer in range(config["num_hidden_layers"]):
        for name, ours in LAYER.items():
            weight = weights[f"model.layers.{layer}.{ours}.weight"]
            if name in {"attn_q", "attn_k"}:
                key = "num_attention_heads" if name == "attn_q" else "num_key_value_heads"
                weight = _interleaved(weight, config[key])
            writer.add_tensor(f"blk.{layer}.{name}.weight", weight)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


def _add_tokenizer(writer: Any, checkpoint: Path, said: dict[str, str | None]) -> None:  # noqa: ANN401
    from tiny_vlms.parts import library

    whole = json.loads((checkpoint / "tokenizer.json").read_text(encoding="utf-8"))
    tokenizer = library().AutoTokenizer.from_pretrained(checkpoint)
    special = {each["content"]: each["id"] for each in whole["added_tokens"]}
    numbered = {**whole["model"]["vocab"], **special}
    tokens = sorted(numbered, key=lambda token: numbered[token])
    merges = [
        each if isinstance(each, str) else " ".join(each) for each in whole["model"]["merges"]
    ]
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(tokens)
    writer.add_token_types([CONTROL if token in special else NORMAL for token in tokens])
    writer.add_token_merges(merges)
    writer.add_bos_token_id(tokenizer.bos_token_id)
    writer.add_eos_token_id(tokenizer.eos_token_id)
    writer.add_pad_token_id(tokenizer.pad_token_id)
    if "template" not in said:
        writer.add_chat_template(tokenizer.chat_template)


def _interleaved(weight: np.ndarray[Any, Any], heads: int) -> np.ndarray[Any, Any]:
    """Put the two halves of each head's rows between each other, as the format has them."""
    rows, width = weight.shape
    halves = weight.reshape(heads, 2, rows // heads // 2, width)
    return np.ascontiguousarray(halves.swapaxes(1, 2).reshape(rows, width))
