"""Activations that are revised while a model generates: each row of a batch in its own way."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from vscbench.errors import UsageError
from vscbench.methods.vector_header import Level
from vscbench.models.local.last_states import hooked, read_last_states, states_of
from vscbench.models.local.places import Places, find_places
from vscbench.models.local.pushes import Push
from vscbench.models.local.rows import Row


@dataclass(slots=True)
class Addition:
    """What is added at one place: the rows' numbers in the batch, and a vector for each of them."""

    rows: list[int] = field(default_factory=list)
    vectors: list[Tensor] = field(default_factory=list)
    _stacked: tuple[Tensor, Tensor] | None = None

    def apply(self, states: Tensor) -> None:
        """Add to each row's last token, in place.

        Args:
            states: shape (rows, tokens, width); prompts are padded in front.
        """
        if self._stacked is None:
            stacked = torch.stack(self.vectors).to(states.device, states.dtype)
            self._stacked = torch.tensor(self.rows, device=states.device), stacked
        rows, vectors = self._stacked
        states[rows, -1] += vectors


class Reviser:
    """Revises the rows of a batch that ask for it, and costs nothing where none does."""

    def __init__(self, model: Any, pad_token: int) -> None:  # noqa: ANN401 - of transformers
        """Prepare; where the model's layers lie is looked for when the first row asks.

        Args:
            model: computes the batches.
            pad_token: stands for no token.
        """
        self._model = model
        self._pad_token = pad_token
        self._pushes: tuple[Push | None, ...] = ()
        self._additions: dict[tuple[Level, int], Addition] = {}

    @cached_property
    def _places(self) -> Places:
        return find_places(self._model)

    def decide(self, rows: Sequence[Row]) -> None:
        """Have the gates say which rows are revised, by one look at the prompts of those.

        Args:
            rows: whose prompts were not read yet, all with an image or all without.

        Raises:
            UsageError: the layers of the model are not found.
        """
        probes = [(row, row.asked_gate) for row in rows if row.asked_gate is not None]
        if not probes:
            return
        states = read_last_states(
            self._model,
            self._places,
            [row for row, _ in probes],
            self._pad_token,
            layers=1 + max(gate.layer for _, gate in probes),
        )
        for number, (row, gate) in enumerate(probes):
            row.is_revised = gate.opens(states.outputs[number, gate.layer])

    @contextmanager
    def revising(self, rows: Sequence[Row]) -> Iterator[None]:
        """Revise what is computed for a batch meanwhile, at the last token of each row.

        Args:
            rows: those of the batch, in its order, padded in front.

        Raises:
            UsageError: the layers of the model are not found.
        """
        pushes = tuple(row.acting_push for row in rows)
        if not any(pushes):
            yield
            return
        if pushes != self._pushes:
            self._pushes, self._additions = pushes, _additions(pushes)
        with hooked(self._hook(*at, each) for at, each in self._additions.items()):
            yield

    def _hook(self, level: Level, layer: int, addition: Addition) -> Any:  # noqa: ANN401 - torch's
        if level == "layer":
            return self._places.layers[layer].register_forward_hook(_on_output(addition))
        projection = self._places.projections[layer]
        if projection is None:
            raise UsageError(
                f"--vsc-method: layer {layer} of this model has no heads that could be revised; "
                "make a vector file for it with 'vscbench method fit'"
            )
        return projection.register_forward_pre_hook(_on_input(addition))


def _additions(pushes: Sequence[Push | None]) -> dict[tuple[Level, int], Addition]:
    """Gather by place what is added to the rows of a batch."""
    additions: dict[tuple[Level, int], Addition] = {}
    for number, push in enumerate(pushes):
        if push is None:
            continue
        for layer, vector in push.added.items():
            addition = additions.setdefault((push.level, layer), Addition())
            addition.rows.append(number)
            addition.vectors.append(vector)
    return additions


def _on_output(addition: Addition) -> Callable[..., None]:
    def revise(_: object, __: object, output: object) -> None:
        addition.apply(states_of(output))

    return revise


def _on_input(addition: Addition) -> Callable[..., None]:
    def revise(_: object, arguments: tuple[Tensor, ...]) -> None:
        addition.apply(arguments[0])

    return revise
