"""Tiny random checkpoints of each architecture, built from shrunken configs and a fixed seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tiny_vlms import blip, deepseek, gemma, idefics, internvl, llama, llava, qwen
from tiny_vlms.parts import Parts, library
from tiny_vlms.tokens import speakable
from tiny_vlms.weights import spread_weights


@dataclass(frozen=True, slots=True)
class Architecture:
    """One architecture: how its parts are made, and the packages its processor needs."""

    name: str
    builder: Callable[[], Parts]
    needs: tuple[str, ...] = ()


ARCHITECTURES: Mapping[str, Architecture] = {
    architecture.name: architecture
    for architecture in (
        Architecture("llava", llava.llava),
        Architecture("llava-next", llava.llava_next),
        Architecture("idefics3", idefics.idefics3),
        Architecture("smolvlm", idefics.smolvlm, ("torchvision", "num2words")),
        Architecture("mllama", llama.mllama),
        Architecture("gemma3", gemma.gemma3),
        Architecture("instructblip", blip.instructblip),
        Architecture("blip2", blip.blip2),
        Architecture("deepseek-vl", deepseek.deepseek_vl),
        Architecture("deepseek-vl-hybrid", deepseek.deepseek_vl_hybrid),
        Architecture("janus", deepseek.janus),
        Architecture("pixtral", llava.pixtral, ("torchvision",)),
        Architecture("qwen2-vl", qwen.qwen2_vl, ("torchvision",)),
        Architecture("qwen2.5-vl", qwen.qwen2_5_vl, ("torchvision",)),
        Architecture("qwen3-vl", qwen.qwen3_vl, ("torchvision",)),
        Architecture("internvl", internvl.internvl, ("torchvision",)),
        Architecture("llama", llama.llama),
    )
}


def make_tiny(name: str, folder: Path, seed: int = 0) -> Path:
    """Write a tiny random checkpoint to ``folder`` and return it; the same seed, the same bytes.

    Args:
        name: a key of ``ARCHITECTURES``.
        folder: made if it is not there.
        seed: of the weights.
    """
    import torch

    made = library()
    parts = ARCHITECTURES[name].builder()
    tokenizer = parts.tokenizer
    blind = parts.processor is tokenizer
    auto = made.AutoModelForCausalLM if blind else made.AutoModelForImageTextToText
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = auto.from_config(parts.config)
    ends = tokenizer.convert_tokens_to_ids(list(parts.ends))
    spread_weights(
        model,
        seed,
        words=speakable(tokenizer),
        ends=ends,
        embedding_scale=parts.embedding_scale,
    )
    model.generation_config = made.GenerationConfig(
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=ends if len(ends) > 1 else ends[0],
        pad_token_id=tokenizer.pad_token_id,
    )
    model.save_pretrained(folder)
    parts.processor.save_pretrained(folder)
    return folder
