"""A checkpoint that was checked, and what is recorded of it."""

from dataclasses import dataclass
from typing import Any

import torch
import transformers

from vscbench.models.local.checkpoint import Checkpoint
from vscbench.models.local.loading import Machine
from vscbench.models.local.parameters import LocalParameters
from vscbench.models.protocol import ModelSpec, ParamValue

SHOWN_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Opened:
    """A checkpoint that was checked: all that is known before its weights are loaded."""

    spec: ModelSpec
    parameters: LocalParameters
    checkpoint: Checkpoint
    machine: Machine
    processor: Any
    weights_sha256: str

    @property
    def version(self) -> str:
        """Which weights these are, wherever they lie and whatever they are called there."""
        return f"sha256:{self.weights_sha256[:SHOWN_DIGITS]}"

    @property
    def tokenizer(self) -> Any:  # noqa: ANN401 - transformers' tokenizers share no type
        """What turns text into tokens and back."""
        return getattr(self.processor, "tokenizer", self.processor)


def recorded_params(opened: Opened) -> dict[str, ParamValue]:
    """Return what a person sees of how the model was run."""
    parameters = opened.parameters
    shown: dict[str, ParamValue] = {
        "max_tokens": parameters.max_tokens,
        "temperature": parameters.temperature,
        "dtype": opened.machine.dtype,
        "device": opened.machine.device,
        "weights_sha256": opened.weights_sha256,
        "transformers": transformers.__version__,
        "torch": torch.__version__,
    }
    commit = {"revision": opened.checkpoint.commit} if opened.checkpoint.commit else {}
    return {**shown, **opened.spec.params, **commit, **opened.checkpoint.commits_below}


def identity_of(opened: Opened) -> dict[str, object]:
    """Return everything that can change an answer.

    Where and how many rows at a time it is computed is left out: sums in another order change a
    token now and then, on another machine as on a busy one, and the answers are of one model.
    """
    parameters = opened.parameters
    return {
        "weights_sha256": opened.weights_sha256,
        "dtype": opened.machine.dtype,
        "max_tokens": parameters.max_tokens,
        "temperature": parameters.temperature,
        "top_p": parameters.top_p,
        "top_k": parameters.top_k,
        "repetition_penalty": parameters.repetition_penalty,
        "seed": parameters.seed if parameters.temperature > 0 else None,
        "processor": dict(parameters.processor),
        "trust_remote_code": parameters.trust_remote_code,
        "transformers": ".".join(transformers.__version__.split(".")[:2]),
    }
