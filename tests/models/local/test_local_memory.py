from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="local models need torch")
pytest.importorskip("transformers", reason="local models need transformers")

import torch
from local_models import open_tiny
from transformers import DynamicCache

from vscbench.models.local.loading import load_model
from vscbench.models.local.memory import (
    bytes_a_token,
    free_bytes,
    is_out_of_memory,
    tokens_that_fit,
)

CPU = torch.device("cpu")


@pytest.mark.parametrize("name", ["llava", "llama", "gemma3"])
def test_a_token_takes_as_many_bytes_as_a_cache_keeps_of_it(
    name: str, tiny: Callable[[str], Path]
) -> None:
    opened = open_tiny(tiny(name), images=name != "llama").opened
    model = load_model(opened.checkpoint, opened.parameters, opened.machine)
    tokens = 7
    cache = DynamicCache(config=model.config.get_text_config(decoder=True))
    with torch.inference_mode():
        model(input_ids=torch.full((1, tokens), 5), past_key_values=cache, use_cache=True)
    kept = [(layer.keys, layer.values) for layer in cache.layers]
    held = sum(part.numel() * part.element_size() for layer in kept for part in layer)
    assert bytes_a_token(model) * tokens == held


def test_narrow_numbers_let_twice_as_many_tokens_fit(tiny: Callable[[str], Path]) -> None:
    opened = open_tiny(tiny("llava")).opened
    model = load_model(opened.checkpoint, opened.parameters, opened.machine)
    wide = bytes_a_token(model)
    assert bytes_a_token(model.to(torch.bfloat16)) * 2 == wide


def test_what_fits_into_a_machine_is_a_share_of_its_memory(tiny: Callable[[str], Path]) -> None:
    opened = open_tiny(tiny("llava")).opened
    model = load_model(opened.checkpoint, opened.parameters, opened.machine)
    fitting = tokens_that_fit(model) * bytes_a_token(model)
    assert fitting > 0
    assert free_bytes(CPU) > 0
    meminfo = Path("/proc/meminfo")
    if meminfo.is_file():
        total = int(meminfo.read_text(encoding="ascii").split()[1]) * 1024
        assert max(fitting, free_bytes(CPU)) < total / 2


def test_memory_that_really_runs_out_is_recognised() -> None:
    with pytest.raises(RuntimeError) as raised:
        torch.empty(2**60, dtype=torch.float32)
    assert is_out_of_memory(raised.value)


@pytest.mark.parametrize(
    ("error", "is_it"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"), True),
        (MemoryError(), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 18.13 GB)"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"), True),
        (RuntimeError("The size of tensor a (3) must match the size of tensor b (4)"), False),
        (ValueError("out of memory"), False),
        (KeyError("x"), False),
    ],
)
def test_only_an_error_of_memory_is_one(error: Exception, is_it: bool) -> None:
    assert is_out_of_memory(error) is is_it
