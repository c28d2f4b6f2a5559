"""Batches that are refilled while they run: a row that ends makes room for the next at once."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache

from vscbench.models.local.batch import Room
from vscbench.models.local.choosing import TokenChooser
from vscbench.models.local.collate import collate, on_device, seen_by
from vscbench.models.local.revising import Reviser
from vscbench.models.local.rows import Row
from vscbench.models.local.slots import STRIDE, Slots

# New prompts interrupt those that are being answered: not for fewer than this share of the slots.
REFILL_SHARE = 8
# The model gives scores of every row at every place where any row ends: no more than so many.
MOST_SCORES = 512
# Prompts that are being read are held a second time: no more of memory than this share of it.
READING_SHARE = 4


@dataclass(frozen=True, slots=True)
class Attention:
    """How the layers of a decoder look back: each kind by its name, with its window if it has one.

    Where there is one kind alone its mask is handed over by itself, else all by their names.
    ``shifts_places`` says that images take fewer places than tokens; the model then keeps how
    many fewer, as ``rope_deltas``, of the prompts it read last.
    """

    windows: dict[str, int | None]
    shifts_places: bool = False

    def masks(self, places: Tensor, span: int) -> Any:  # noqa: ANN401 - a tensor, or one a kind
        """Return which of ``span`` places each row may look at: booleans, (rows, 1, 1, span)."""
        columns = torch.arange(span, device=places.device)[None, :]
        before = columns <= places[:, None]
        masks = {
            kind: (before if window is None else before & (columns > places[:, None] - window))[
                :, None, None, :
            ]
            for kind, window in self.windows.items()
        }
        return next(iter(masks.values())) if len(masks) == 1 else masks


@dataclass
class ContinuousBatch:
    """One token a step for every row; see `vscbench.models.local.batch.Batch`.

    Prompts are padded behind, where causal attention does not look, and each row counts its own
    places: what it computes does not depend on its neighbours, but for the order of sums.

    Args:
        model: a decoder with plain places and a memory of keys and values alone.
        attention: how its layers look back.
        chooser: of tokens.
        ends: the tokens that end an answer.
        pad_token: stands for no token.
        most_rows: at once.
        prompt_tokens: of new prompts that are read together, at most, if there are several;
            fewer where memory is short.
    """

    model: Any
    attention: Attention
    chooser: TokenChooser
    ends: frozenset[int]
    pad_token: int
    most_rows: int
    prompt_tokens: int
    rows: list[Row] = field(default_factory=list)
    _slots: Slots | None = None
    _planned: Room | None = None
    _reading_tokens: int = 0
    _reviser: Reviser = field(init=False)

    def __post_init__(self) -> None:
        self._reviser = Reviser(self.model, self.pad_token)

    def room(self, waiting: Sequence[Row], tokens: int) -> Room:
        """Say what may be taken up now; memory is divided anew whenever nothing is in it."""
        if not self.rows:
            self._plan(waiting, tokens)
        planned = self._planned or Room(0, 0)
        if self.rows and any(row.most_tokens > planned.most_tokens for row in waiting):
            return Room(0, 0)  # soon nothing is in memory, and it is divided anew for longer rows
        free = planned.rows - len(self.rows)
        enough = not self.rows or free >= max(1, planned.rows // REFILL_SHARE)
        return Room(free if enough else 0, planned.most_tokens)

    @torch.inference_mode()
    def admit(self, rows: Sequence[Row]) -> None:
        """Read the prompts of new rows, and choose the first token of each."""
        for chunk in chunks(rows, self._reading_tokens):
            self._read(chunk)

    @torch.inference_mode()
    def step(self) -> list[Row]:
        """Choose the next token of every row, after dropping those that are finished."""
        finished = self._drop_finished()
        if self.rows and self._slots is not None:
            self._append(self._next_scores(self._slots))
        return finished

    def abandon(self) -> list[Row]:
        """Free the memory and give back the rows."""
        rows, self.rows = self.rows, []
        self._slots = self._planned = None
        return rows

    def _plan(self, waiting: Sequence[Row], tokens: int) -> None:
        longest = max((row.most_tokens for row in waiting), default=0)
        length = -(-longest // STRIDE) * STRIDE
        if self._slots is not None and self._planned and length <= self._planned.most_tokens:
            return
        self._slots = None
        self._reading_tokens = min(self.prompt_tokens, tokens // READING_SHARE)
        rows = max(1, (tokens - self._reading_tokens) // max(1, length))
        self._planned = Room(min(self.most_rows, rows), length)

    def _read(self, rows: Sequence[Row]) -> None:
        inputs = collate(rows, "right", self.pad_token)
        lasts = [row.length - 1 for row in rows]
        kept = sorted(set(lasts))
        prompts = DynamicCache()
        self._reviser.decide(rows)
        with self._reviser.revising(rows, lasts):
            scores = self.model(
                **on_device(inputs, self.model),
                past_key_values=prompts,
                use_cache=True,
                logits_to_keep=torch.tensor(kept, device=self.model.device),
            ).logits
        if self.attention.shifts_places and rows[0].has_image:
            shifts = self.model.model.rope_deltas.flatten().tolist()
            for row, shift in zip(rows, shifts, strict=True):
                row.shift = int(shift)
        for row in rows:
            row.let_image_go()
        planned = self._planned or Room(len(rows), max(row.most_tokens for row in rows))
        if self._slots is None:
            self._slots = Slots(prompts, planned.rows, planned.most_tokens)
        self._slots.fill(len(self.rows), prompts, range(len(rows)))
        columns = torch.tensor([kept.index(last) for last in lasts], device=scores.device)
        first = scores[torch.arange(len(rows), device=scores.device), columns]
        before = len(self.rows)
        self.rows += rows
        self._append(first, before)

    def _next_scores(self, slots: Slots) -> Tensor:
        device = self.model.device
        tokens = torch.tensor([[row.tokens[-1]] for row in self.rows], device=device)
        lengths = [row.length + len(row.tokens) - 1 for row in self.rows]
        places = torch.tensor(lengths, device=device)
        shifts = torch.tensor([row.shift for row in self.rows], device=device)
        span = slots.aim(places, max(lengths))
        with self._reviser.revising(self.rows):
            output = self.model(
                input_ids=tokens,
                attention_mask=self.attention.masks(places, span),
                position_ids=(places + shifts)[:, None],
                past_key_values=slots,
                use_cache=True,
                logits_to_keep=1,
            )
        scores: Tensor = output.logits[:, -1]
        return scores

    def _append(self, scores: Tensor, first: int = 0) -> None:
        """Choose a token for each row from ``first`` on."""
        rows = self.rows[first:]
        seen = [] if self.chooser.is_plain else [seen_by(row, scores.device) for row in rows]
        for row, token in zip(rows, self.chooser.choose(scores, rows, seen).tolist(), strict=True):
            row.tokens.append(token)

    def _drop_finished(self) -> list[Row]:
        """Take out the rows that have ended, and close the gaps they leave."""
        now = time.monotonic()
        done = {number for number, row in enumerate(self.rows) if self._is_done(row, now)}
        if not done:
            return []
        finished = [self.rows[number] for number in sorted(done)]
        going = [number for number in range(len(self.rows)) if number not in done]
        kept = len(going)
        gaps = sorted(set(range(kept)) - set(going))
        movers = [number for number in going if number >= kept]
        if movers and self._slots is not None:
            self._slots.move(movers, gaps)
        for gap, mover in zip(gaps, movers, strict=True):
            self.rows[gap] = self.rows[mover]
        del self.rows[kept:]
        return finished

    def _is_done(self, row: Row, now: float) -> bool:
        return row.is_done(self.ends) or now > row.deadline


def chunks(rows: Sequence[Row], most_tokens: int) -> list[list[Row]]:
    """Divide rows, in their order, so that each part can be read at once; one row always can."""
    parts: list[list[Row]] = []
    for row in rows:
        if parts and _can_be_read([*parts[-1], row], most_tokens):
            parts[-1].append(row)
        else:
            parts.append([row])
    return parts


def _can_be_read(rows: Sequence[Row], most_tokens: int) -> bool:
    """Whether rows have few enough tokens, padding too, and few enough scores."""
    lengths = {row.length for row in rows}
    return len(rows) * max(lengths) <= most_tokens and len(rows) * len(lengths) <= MOST_SCORES
