"""Batches that run to their end, for architectures whose memory cannot be divided into slots."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from transformers import GenerationConfig, LogitsProcessor, LogitsProcessorList
from transformers.generation.stopping_criteria import MaxTimeCriteria, StoppingCriteriaList

from vscbench.models.local.batch import Room
from vscbench.models.local.choosing import TokenChooser
from vscbench.models.local.collate import collate, on_device, seen_by
from vscbench.models.local.revising import Reviser
from vscbench.models.local.rows import Row

# transformers' memory grows by copies: while one is made, there are two.
COPIES = 2


class ChosenAlone(LogitsProcessor):  # type: ignore[misc]  # transformers has no types
    """Leaves ``generate`` one token a row, which the chooser took for that row alone."""

    def __init__(self, chooser: TokenChooser, rows: Sequence[Row], ends: frozenset[int]) -> None:
        self._chooser = chooser
        self._rows = rows
        self._ends = ends
        self._going = [True] * len(rows)

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Choose, and note what was chosen: it is the answer."""
        seen = []
        if not self._chooser.is_plain:
            seen = [seen_by(row, scores.device) for row in self._rows]
        chosen = self._chooser.choose(scores, self._rows, seen)
        for number, token in enumerate(chosen.tolist()):
            self._note(number, token)
        alone = torch.full_like(scores, float("-inf"))
        return alone.scatter_(-1, chosen[:, None].clamp(min=0), 0.0)

    def _note(self, number: int, token: int) -> None:
        if not self._going[number]:
            return
        row = self._rows[number]
        row.tokens.append(token)
        self._going[number] = not row.is_done(self._ends)


@dataclass
class FixedBatch:
    """transformers' own ``generate``, row by row chosen; see `vscbench.models.local.batch.Batch`.

    Args:
        model: of any architecture that generates.
        chooser: of tokens.
        ends: the tokens that end an answer.
        pad_token: stands for no token.
        most_rows: at once.
    """

    model: Any
    chooser: TokenChooser
    ends: frozenset[int]
    pad_token: int
    most_rows: int
    rows: list[Row] = field(default_factory=list)
    _reviser: Reviser = field(init=False)

    def __post_init__(self) -> None:
        self._reviser = Reviser(self.model, self.pad_token)

    def room(self, waiting: Sequence[Row], tokens: int) -> Room:
        """Say what may be taken up now: a whole batch, or nothing."""
        longest = max((row.most_tokens for row in waiting), default=1)
        fitting = max(1, tokens // (COPIES * longest))
        return Room(0 if self.rows else min(self.most_rows, fitting), longest)

    def admit(self, rows: Sequence[Row]) -> None:
        """Take up a batch."""
        self.rows += rows

    @torch.inference_mode()
    def step(self) -> list[Row]:
        """Generate until all rows are finished."""
        rows = self.rows
        inputs = on_device(collate(rows, "left", self.pad_token), self.model)
        left_s = max(0.0, min(row.deadline for row in rows) - time.monotonic())
        # Everything that decides an answer is said here; what the checkpoint recommends is not.
        config = GenerationConfig(
            max_new_tokens=max(row.limit for row in rows),
            do_sample=False,
            num_beams=1,
            eos_token_id=sorted(self.ends) or None,
            pad_token_id=self.pad_token,
        )
        self._reviser.decide(rows)
        # Prompts are padded in front: the last token of each is always in the last place.
        with self._reviser.revising(rows):
            self.model.generate(
                **inputs,
                generation_config=config,
                logits_processor=LogitsProcessorList([ChosenAlone(self.chooser, rows, self.ends)]),
                stopping_criteria=StoppingCriteriaList([MaxTimeCriteria(left_s)])
                if left_s < float("inf")
                else None,
            )
        self.rows = []
        return rows

    def abandon(self) -> list[Row]:
        """Give back the rows; nothing else is held."""
        rows, self.rows = self.rows, []
        return rows
