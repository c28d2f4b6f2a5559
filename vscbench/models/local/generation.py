"""Answers for many rows at once by transformers' ``generate``; a row that ends leaves the batch."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor
from transformers import Cache, GenerationConfig

from vscbench.errors import VscbenchError
from vscbench.models.local.collate import collate, on_device, seen_by
from vscbench.models.local.internals import updated_inputs
from vscbench.models.local.revising import Reviser
from vscbench.models.local.rows import Row

Finish = Callable[[Sequence[Row]], None]
# Shape (rows, tokens), or (dimensions, rows, tokens) where an image has places in several.
PLACES = "position_ids"


class Chooser(Protocol):
    """Chooses tokens; see `vscbench.models.local.choosing.TokenChooser`."""

    @property
    def is_plain(self) -> bool:
        """Whether nothing is looked at but the scores."""

    def choose(self, scores: Tensor, rows: Sequence[Row], seen: Sequence[Tensor]) -> Tensor:
        """Return the next token of each row."""


@dataclass
class Generator:
    """Generates for batches of rows.

    Prompts are padded in front, so that the last token of each row is in the last place, and what
    is padded is masked: what a row says does not depend on its neighbours, but for the order of
    sums.

    Args:
        model: of any architecture that generates.
        chooser: of tokens.
        ends: the tokens that end an answer.
        pad_token: stands for no token.
        most_rows: at once.
    """

    model: Any
    chooser: Chooser
    ends: frozenset[int]
    pad_token: int
    most_rows: int
    _reviser: Reviser = field(init=False)

    def __post_init__(self) -> None:
        self._reviser = Reviser(self.model, self.pad_token)

    @torch.inference_mode()
    def answer(self, rows: Sequence[Row], finish: Finish) -> None:
        """Generate until all rows have ended.

        Args:
            rows: all with an image or all without.
            finish: is given rows as they end, with all their tokens.

        Raises:
            VscbenchError: the model has a ``generate`` of its own that takes no other loop.
        """
        self._reviser.decide(rows)
        inputs = on_device(collate(rows, "left", self.pad_token), self.model)
        for row in rows:
            row.let_image_go()
        loop = _Loop(self, list(rows), finish)
        # Everything that decides an answer is said here; what the checkpoint recommends is not.
        config = GenerationConfig(
            max_new_tokens=max(row.limit for row in rows),
            do_sample=False,
            num_beams=1,
            use_cache=True,
            eos_token_id=sorted(self.ends) or None,
            pad_token_id=self.pad_token,
        )
        self.model.generate(**inputs, generation_config=config, custom_generate=loop.run)
        if loop.going:
            raise VscbenchError(
                f"{type(self.model).__name__} has a generate() of its own that ignores "
                "custom_generate, so it cannot be batched here; serve it (--model=vllm:...)"
            )

    def append(self, scores: Tensor, rows: Sequence[Row]) -> Tensor:
        """Choose the next token of each row, and put it to the row's answer."""
        seen = [] if self.chooser.is_plain else [seen_by(row, scores.device) for row in rows]
        chosen = self.chooser.choose(scores, rows, seen)
        for row, token in zip(rows, chosen.tolist(), strict=True):
            row.tokens.append(token)
        return chosen

    def revising(self, rows: Sequence[Row]) -> Any:  # noqa: ANN401 - a context manager
        """Revise what is computed for these rows meanwhile."""
        return self._reviser.revising(rows)


@dataclass
class _Loop:
    """The decoding loop of one batch, which ``generate`` runs once its inputs are prepared."""

    generator: Generator
    going: list[Row]
    finish: Finish

    def run(
        self,
        model: Any,  # noqa: ANN401 - the decoder, which may be a part of the whole model
        input_ids: Tensor,
        generation_config: GenerationConfig | None = None,
        **inputs: Any,  # noqa: ANN401 - what each architecture takes
    ) -> Tensor:
        """Decode; see ``custom_generate`` in the documentation of ``generate``."""
        for name in ("logits_processor", "stopping_criteria", "synced_gpus", "streamer"):
            inputs.pop(name, None)
        is_first = True
        while self.going:
            with self.generator.revising(self.going):
                output = model(
                    **model.prepare_inputs_for_generation(
                        input_ids,
                        next_sequence_length=None if is_first else 1,
                        is_first_iteration=is_first,
                        **inputs,
                    ),
                    return_dict=True,
                )
            is_first = False
            inputs = updated_inputs(model, output, inputs)
            chosen = self.generator.append(output.logits[:, -1], self.going)
            del output  # the scores of the whole batch, before the next are computed
            # No row goes on from a token that stands for scores that were no numbers.
            input_ids = torch.cat([input_ids, chosen[:, None].clamp(min=0)], dim=1)
            kept = self._drop_ended()
            if 0 < len(kept) < len(input_ids):
                index = torch.tensor(kept, device=input_ids.device)
                inputs = with_rows(inputs, index, len(input_ids))
                input_ids = input_ids[index]
        return input_ids

    def _drop_ended(self) -> list[int]:
        """Hand over the rows that have ended; return the places of the others in the batch."""
        now = time.monotonic()
        ends = self.generator.ends
        ended = [row.is_done(ends) or now > row.deadline for row in self.going]
        finished = [row for row, done in zip(self.going, ended, strict=True) if done]
        self.going = [row for row, done in zip(self.going, ended, strict=True) if not done]
        if finished:
            self.finish(finished)
        return [number for number, done in enumerate(ended) if not done]


def with_rows(inputs: Mapping[str, Any], index: Tensor, rows: int) -> dict[str, Any]:
    """Return a decoder's inputs for some rows of a batch alone; the cache is changed in place.

    Args:
        inputs: as ``generate`` keeps them from step to step.
        index: the rows that are kept.
        rows: how many there were.
    """
    return {name: _chosen(name, each, index, rows) for name, each in inputs.items()}


def _chosen(name: str, value: Any, index: Tensor, rows: int) -> Any:  # noqa: ANN401 - as above
    if isinstance(value, Cache):
        value.reorder_cache(index)
    elif isinstance(value, Mapping):  # what an encoder put out, a class of its own
        kind: Any = type(value)
        return kind(with_rows(value, index, rows))
    elif isinstance(value, Tensor):
        dimension = value.dim() - 2 if name == PLACES else 0
        if 0 <= dimension < value.dim() and value.shape[dimension] == rows:
            return value.index_select(dimension, index.to(value.device))
    return value
