"""A model whose weights are loaded, with the way in which it is best kept busy."""

import time
from typing import Any

import torch

from vscbench.models.local.batch import Batch
from vscbench.models.local.choosing import chooser_of
from vscbench.models.local.continuous import ContinuousBatch
from vscbench.models.local.facts import Opened
from vscbench.models.local.fixed import FixedBatch
from vscbench.models.local.kinds import attention_of
from vscbench.models.local.loading import generation_defaults, keep_only_marks, load_model
from vscbench.models.local.memory import tokens_that_fit
from vscbench.models.local.scheduler import Ready

MOST_ROWS_GPU = 256
MOST_ROWS_CPU = 64
# Prompts that are read together: enough to fill a GPU, little enough beside keys and values.
PROMPT_TOKENS = 8192


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
    batch = batch_of(opened, model)
    tokens = opened.parameters.batch_tokens or tokens_that_fit(model)
    print(
        f"loaded {opened.checkpoint.source} ({opened.version}):",
        f"{type(model).__name__}, {model.device}, {opened.machine.dtype},",
        f"{model.config._attn_implementation}, {type(batch).__name__}, {tokens} tokens at once",
        flush=True,
    )
    return Ready(batch, tokens)


def batch_of(opened: Opened, model: Any) -> Batch:  # noqa: ANN401 - any of transformers' models
    """Choose how a model is batched: refilled where its architecture can be."""
    defaults = generation_defaults(model)
    keep_only_marks(model)
    ends = defaults.ends | ({opened.tokenizer.eos_token_id} - {None})
    pad = pad_of(opened, ends)
    chooser = chooser_of(opened.parameters, defaults.repetition_penalty)
    most_rows = MOST_ROWS_CPU if model.device.type == "cpu" else MOST_ROWS_GPU
    attention = attention_of(model)
    if attention is None:
        return FixedBatch(model, chooser, ends, pad, most_rows)
    return ContinuousBatch(model, attention, chooser, ends, pad, most_rows, PROMPT_TOKENS)


def pad_of(opened: Opened, ends: frozenset[int]) -> int:
    """Return what stands for no token: the tokenizer's own, or one of those that end an answer."""
    pad_token = opened.tokenizer.pad_token_id
    return int(pad_token) if pad_token is not None else min(ends, default=0)
