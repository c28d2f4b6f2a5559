"""Which token comes next, for each row by itself: the same whatever rows are beside it."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from vscbench.models.local.parameters import LocalParameters
from vscbench.models.local.rows import Row

# In place of a token: the model has computed infinities, or nothing that is a number.
NO_NUMBER = -1


@dataclass(frozen=True, slots=True)
class TokenChooser:
    """Greedy at temperature 0; else drawn from what ``top_k`` and ``top_p`` leave.

    A row's draws come from its own seed and the place in its answer, so that they depend neither
    on its neighbours nor on how often it was begun anew.
    """

    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    repetition_penalty: float = 1.0

    @property
    def is_plain(self) -> bool:
        """Whether the likeliest token is taken and nothing else is looked at."""
        return self.temperature == 0 and self.repetition_penalty == 1.0

    def choose(self, scores: Tensor, rows: Sequence[Row], seen: Sequence[Tensor]) -> Tensor:
        """Return the next token of each row, shape (rows,); ``NO_NUMBER`` where scores are none.

        Args:
            scores: of every token, shape (rows, vocabulary).
            rows: in the same order.
            seen: the tokens of each row so far, prompt and answer; looked at for the penalty.
        """
        if self.is_plain:
            return _likeliest(scores)
        scores = self._penalised(scores.float(), seen)
        if self.temperature == 0:
            return _likeliest(scores)
        shares = self._kept(scores / self.temperature).softmax(dim=-1)
        draws = torch.tensor([[_draw(row)] for row in rows], device=shares.device)
        below = shares.cumsum(dim=-1) < draws * shares.sum(dim=-1, keepdim=True)
        drawn = below.sum(dim=-1).clamp(max=scores.shape[-1] - 1)
        return drawn.where(_likeliest(scores) != NO_NUMBER, NO_NUMBER)

    def _penalised(self, scores: Tensor, seen: Sequence[Tensor]) -> Tensor:
        """Make tokens less likely that were there before (Keskar et al. 2019, arXiv 1909.05858)."""
        if self.repetition_penalty == 1.0:
            return scores
        scores = scores.clone()
        for number, every in enumerate(seen):
            # An image's place holder may stand for nothing that can be said.
            tokens = every[every < scores.shape[-1]]
            found = scores[number, tokens]
            scores[number, tokens] = torch.where(
                found < 0, found * self.repetition_penalty, found / self.repetition_penalty
            )
        return scores

    def _kept(self, scores: Tensor) -> Tensor:
        """Rule out all but the ``top_k`` likeliest, and of these what is beyond ``top_p``."""
        if 0 < self.top_k < scores.shape[-1]:
            least = scores.topk(self.top_k, dim=-1).values[:, -1:]
            scores = scores.masked_fill(scores < least, float("-inf"))
        if self.top_p < 1.0:
            ordered, places = scores.sort(dim=-1, descending=True)
            shares = ordered.softmax(dim=-1)
            beyond = shares.cumsum(dim=-1) - shares >= self.top_p
            scores = scores.masked_fill(beyond.scatter(-1, places, beyond), float("-inf"))
        return scores


def chooser_of(parameters: LocalParameters, repetition_penalty: float | None) -> TokenChooser:
    """Make the chooser that parameters ask for.

    Args:
        parameters: the person's.
        repetition_penalty: the checkpoint's, where the person has none.
    """
    asked = parameters.repetition_penalty
    penalty = asked if asked is not None else repetition_penalty
    return TokenChooser(parameters.temperature, parameters.top_k, parameters.top_p, penalty or 1.0)


def _likeliest(scores: Tensor) -> Tensor:
    """Return the likeliest token of each row; what is not a number is greater than all that are."""
    best, tokens = scores.max(dim=-1)
    return tokens.where(best.isfinite(), NO_NUMBER)


def _draw(row: Row) -> float:
    return random.Random(row.seed + len(row.tokens)).random()  # noqa: S311 - nothing secret
