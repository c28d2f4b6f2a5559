"""Activations of a loaded model at the ends of texts, and how likely it finds an answer."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from vscbench.models.local.collate import collate, on_device
from vscbench.models.local.opening import LocalOpening
from vscbench.models.local.places import DecoderShape, find_places
from vscbench.models.local.quiet import be_quiet, hide_loading_bar
from vscbench.models.local.rows import Row, RowMaker
from vscbench.records import Request

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from vscbench.models.local.model import LocalModel

# So many samples are prepared at once: their images wait in memory.
PREPARED: Final = 64
READ_TOKENS: Final = 8192
# Scores of every token of the vocabulary, float32, at every place: no more than so many bytes.
SCORE_BYTES: Final = 256 * 1024**2
BYTES_OF_FLOAT: Final = 4


@dataclass(frozen=True, slots=True)
class Sample:
    """A request as the model is asked it, and an answer if it ends there."""

    request: Request
    answer: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Activations:
    """Activations at the last token of each sample, float32.

    ``layers`` has shape (samples, layers, hidden_size): what each layer puts out. ``heads`` has
    shape (samples, layers, heads, head_size): what each head puts out before the projection that
    mixes them, not a number for layers without heads.
    """

    layers: "NDArray[np.float32]"
    heads: "NDArray[np.float32]"


class ActivationReader:
    """Reads a loaded model; nothing may be generated with it meanwhile."""

    def __init__(
        self,
        model: Any,  # noqa: ANN401 - any of transformers' models
        maker: RowMaker,
        pad_token: int,
        most_tokens: int = READ_TOKENS,
    ) -> None:
        """Find the places of a model.

        Args:
            model: with its weights.
            maker: makes samples ready, from threads of its own or from here.
            pad_token: stands for no token.
            most_tokens: of prompts and answers that are read at once, if there are several.

        Raises:
            UsageError: its layers cannot be found.
        """
        self._model = model
        self._maker = maker
        self._pad_token = pad_token
        self._most_tokens = most_tokens
        self._places = find_places(model)

    @property
    def shape(self) -> DecoderShape:
        """How many layers and heads there are, and how wide."""
        return self._places.shape

    @property
    def layers_with_heads(self) -> tuple[int, ...]:
        """The layers, from 0, whose heads can be read and revised."""
        return self._places.layers_with_heads

    def read(self, samples: Sequence[Sample]) -> Activations:
        """Read what is computed at the last token of each sample.

        Raises:
            TargetError: one of them cannot be put to this model.
            DataError: an image cannot be read.
        """
        import numpy as np

        # Brings torch and transformers, which are to be told to be quiet before.
        from vscbench.models.local.last_states import read_last_states

        shape = self.shape
        layers = np.empty((len(samples), shape.layers, shape.hidden_size), np.float32)
        heads = np.empty((len(samples), shape.layers, shape.heads, shape.head_size), np.float32)
        for numbers, rows in self._batches(samples, self._most_tokens):
            states = read_last_states(
                self._model,
                self._places,
                rows,
                self._pad_token,
                layers=shape.layers,
                with_heads=True,
            )
            layers[numbers] = states.outputs.numpy()
            if states.heads is not None:
                heads[numbers] = states.heads.numpy()
        return Activations(layers, heads)

    def answer_scores(self, samples: Sequence[Sample]) -> list[float]:
        """Return the mean logarithm of the probability of each answer's tokens, unrevised.

        It is not a number (``nan``) where there is no answer, or one without a token.

        Raises:
            TargetError: one of them cannot be put to this model.
            DataError: an image cannot be read.
        """
        scores = [math.nan] * len(samples)
        asked = [number for number, sample in enumerate(samples) if sample.answer]
        chosen = [samples[number] for number in asked]
        vocabulary = self._model.get_output_embeddings().weight.shape[0]
        most = min(self._most_tokens, max(1, SCORE_BYTES // (BYTES_OF_FLOAT * vocabulary)))
        for numbers, rows in self._batches(chosen, most):
            answers = [
                len(self._maker.answer_tokens(chosen[each].answer or "")) for each in numbers
            ]
            for number, score in zip(numbers, self._scores(rows, answers), strict=True):
                scores[asked[number]] = score
        return scores

    def _scores(self, rows: Sequence[Row], answers: Sequence[int]) -> list[float]:
        import torch

        inputs = on_device(collate(rows, "right", self._pad_token), self._model)
        with torch.inference_mode():
            logits = self._model(**inputs, use_cache=False).logits
        return [
            _mean_score(logits[number], row, answer)
            for number, (row, answer) in enumerate(zip(rows, answers, strict=True))
        ]

    def _batches(
        self, samples: Sequence[Sample], most_tokens: int
    ) -> Iterator[tuple[list[int], list[Row]]]:
        """Yield rows of like length that are read together, and the samples that they are of."""
        for first in range(0, len(samples), PREPARED):
            part = samples[first : first + PREPARED]
            numbers = {self._row(each): number for number, each in enumerate(part, first)}
            for has_image in (True, False):
                alike = [row for row in numbers if row.has_image is has_image]
                alike.sort(key=lambda row: -row.length)
                for rows in parts_of(alike, most_tokens):
                    yield [numbers[row] for row in rows], rows

    def _row(self, sample: Sample) -> Row:
        if sample.answer is None:
            return self._maker.make(sample.request)
        return self._maker.make_answered(sample.request, sample.answer)


def parts_of(rows: Sequence[Row], most_tokens: int) -> list[list[Row]]:
    """Divide rows, in their order, so that each part can be read at once; one row always can."""
    parts: list[list[Row]] = []
    for row in rows:
        longest = max(row.length, *(each.length for each in parts[-1])) if parts else 0
        if parts and (len(parts[-1]) + 1) * longest <= most_tokens:
            parts[-1].append(row)
        else:
            parts.append([row])
    return parts


def _mean_score(logits: "Tensor", row: Row, answer: int) -> float:
    """Return the mean log-probability of the last tokens of a row.

    Args:
        logits: of its tokens, and of padding behind them, shape (tokens, vocabulary).
        row: prompt and answer.
        answer: how many tokens are the answer's.
    """
    first = row.length - answer
    said = row.inputs["input_ids"][0, first:].to(logits.device)
    # What comes at a place was foretold at the one before it.
    shares = logits[first - 1 : row.length - 1].float().log_softmax(dim=-1)
    return float(shares.gather(1, said[:, None]).mean())


@dataclass(frozen=True, slots=True)
class OpenedForReading:
    """One model in this process: to be asked, and to be read; not both at once."""

    model: "LocalModel"
    reader: ActivationReader


def open_for_reading(opening: LocalOpening) -> OpenedForReading:
    """Open a checkpoint and load its weights, once for both.

    Raises:
        UsageError: the checkpoint, or a parameter, cannot be used, or its activations not be read.
    """
    be_quiet()
    hide_loading_bar()
    from vscbench.models.local.model import LocalModel, check_checkpoint
    from vscbench.models.local.ready import load_weights, pad_of, ready_with

    opened, maker = check_checkpoint(opening)
    weights = load_weights(opened)
    ready = ready_with(opened, weights)
    reader = ActivationReader(weights, maker, pad_of(opened, ready.generator.ends))
    return OpenedForReading(LocalModel(opened, maker, lambda: ready), reader)
