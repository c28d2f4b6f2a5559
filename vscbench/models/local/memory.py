"""How many tokens fit into memory, and what it looks like when they do not."""

import gc
import os
from pathlib import Path
from typing import Any

import torch

# Of what is free once the weights are there; the rest is for what a forward pass needs.
SHARE_OF_GPU = 0.85
SHARE_OF_MACHINE = 0.25
UNKNOWN_BYTES = 2 * 1024**3
OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory", "alloc_failed")


def tokens_that_fit(model: Any) -> int:  # noqa: ANN401 - any of transformers' models
    """Return how many tokens of keys and values the memory holds beside the weights."""
    devices = {parameter.device for parameter in model.parameters()}
    free = sum(map(free_bytes, devices))
    # Layers are not spread evenly: the fullest device decides.
    spread = free // 2 if len(devices) > 1 else free
    return max(1, spread // bytes_a_token(model))


def bytes_a_token(model: Any) -> int:  # noqa: ANN401 - any of transformers' models
    """Return what one token takes in the memory of a decoder: keys and values of every layer."""
    config = model.config.get_text_config(decoder=True)
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return int(2 * config.num_hidden_layers * heads * width * model.dtype.itemsize)


def free_bytes(device: torch.device) -> int:
    """Return how much memory there is for keys and values on a device."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
        return int(SHARE_OF_GPU * torch.cuda.mem_get_info(device)[0])
    return int(SHARE_OF_MACHINE * free_bytes_of_machine())


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out, in one of the forms in which torch says it."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    words = str(error).lower()
    return isinstance(error, RuntimeError) and any(each in words for each in OUT_OF_MEMORY)


def leave_what_stays() -> None:
    """Spare what was imported and loaded from being looked through each time memory is freed.

    torch and transformers have half a million objects: a third of a second each time.
    """
    gc.collect()
    gc.freeze()


def free_what_was_used() -> None:
    """Give memory back that torch, or a cycle of objects, still holds."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def free_bytes_of_machine() -> int:
    """Return how much memory the machine has to give."""
    file = Path("/proc/meminfo")
    if file.is_file():
        lines = file.read_text(encoding="ascii").splitlines()
        available = next((line for line in lines if line.startswith("MemAvailable:")), None)
        if available is not None:
            return int(available.split()[1]) * 1024
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (AttributeError, ValueError, OSError):
        return UNKNOWN_BYTES
