"""A model whose weights are loaded, with what its answers and its batches depend on."""

import time
from typing import Any

import torch

from vscbench.models.local.choosing import chooser_of
from vscbench.models.local.facts import Opened
from vscbench.models.local.generation import Generator
from vscbench.models.local.internals import attention_of
from vscbench.models.local.loading import (
    generation_defaults,
    keep_only_marks,
    load_model,
    slower_than_thought,
)
from vscbench.models.local.memory import tokens_that_fit
from vscbench.models.local.scheduler import Ready

MOST_ROWS_GPU = 256
MOST_ROWS_CPU = 64
# transformers' memory of keys and values grows by copies: while one is made, there are two.
COPIES = 2


def load_ready(opened: Opened) -> Ready:
    """Load the weights, and say how they are used; what the log keeps is printed.

    Raises:
        UsageError: they cannot be loaded.
    """
    return ready_with(opened, load_weights(opened))


def load_weights(opened: Opened) -> Any:  # noqa: ANN401 - any of transformers' models
    """Load the weights.

    Raises:
        UsageError: they cannot be loaded.
    """
    began = time.monotonic()
    torch.manual_seed(opened.parameters.seed)
    model = load_model(opened.checkpoint, opened.parameters, opened.machine)
    print(f"read the weights in {time.monotonic() - began:.1f} s", flush=True)
    return model


def ready_with(opened: Opened, model: Any) -> Ready:  # noqa: ANN401 - as above
    """Say how loaded weights are used; what the log keeps is printed."""
    generator = generator_of(opened, model)
    tokens = opened.parameters.batch_tokens or max(1, tokens_that_fit(model) // COPIES)
    print(
        f"loaded {opened.checkpoint.source} ({opened.version}):",
        f"{type(model).__name__}, {model.device}, {opened.machine.dtype},",
        f"{attention_of(model)} attention, {tokens} tokens at once",
        flush=True,
    )
    return Ready(generator, tokens, slower_than_thought(model, opened.machine))


def generator_of(opened: Opened, model: Any) -> Generator:  # noqa: ANN401 - any of transformers' models
    """Say how a model generates, by its checkpoint and by the parameters that were given."""
    defaults = generation_defaults(model)
    keep_only_marks(model)
    ends = defaults.ends | ({opened.tokenizer.eos_token_id} - {None})
    return Generator(
        model,
        chooser_of(opened.parameters, defaults.repetition_penalty),
        ends,
        pad_of(opened, ends),
        MOST_ROWS_CPU if model.device.type == "cpu" else MOST_ROWS_GPU,
    )


def pad_of(opened: Opened, ends: frozenset[int]) -> int:
    """Return what stands for no token: the tokenizer's own, or one of those that end an answer."""
    pad_token = opened.tokenizer.pad_token_id
    return int(pad_token) if pad_token is not None else min(ends, default=0)
