"""What a decoder computes at the last token of each row, layer by layer, and nothing beyond."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from vscbench.models.local.collate import collate, on_device
from vscbench.models.local.places import Places
from vscbench.models.local.rows import Row


@dataclass(frozen=True, slots=True)
class LastStates:
    """Activations at the last token of each row, float32, on the CPU.

    ``outputs`` has shape (rows, layers, hidden_size); ``heads`` (rows, layers, heads, head_size),
    not a number for layers without heads, or is ``None`` where it was not asked for.
    """

    outputs: Tensor
    heads: Tensor | None = None


class _Enough(Exception):  # noqa: N818 - it says that all is well
    """Everything that is wanted was computed."""


@contextmanager
def hooked(handles: Iterable[Any]) -> Iterator[None]:
    """Set hooks one after the other, and take them away again, whatever happens meanwhile."""
    with ExitStack() as stack:
        for handle in handles:
            stack.callback(handle.remove)
        yield


@torch.inference_mode()
def read_last_states(  # noqa: PLR0913 - one look, described once
    model: Any,  # noqa: ANN401 - any of transformers' models
    places: Places,
    rows: Sequence[Row],
    pad_token: int,
    *,
    layers: int,
    with_heads: bool = False,
) -> LastStates:
    """Read rows, all with an image or all without, up to their last tokens.

    Args:
        model: of any architecture whose places were found.
        places: of its decoder.
        rows: at least one; padded behind, where causal attention does not look.
        pad_token: stands for no token.
        layers: how many are computed, from the first; those behind are not.
        with_heads: whether the heads' outputs are wanted too.
    """
    lasts = [row.length - 1 for row in rows]
    outputs: list[Tensor | None] = [None] * layers
    inputs: list[Tensor | None] = [None] * layers
    handles = []
    for number, layer in enumerate(places.layers[:layers]):
        keep = _keeper(outputs, number, lasts)
        handles.append(layer.register_forward_hook(keep))
        projection = places.projections[number]
        if with_heads and projection is not None:
            handles.append(projection.register_forward_pre_hook(_pre_keeper(inputs, number, lasts)))
    with hooked(handles):
        try:
            batch = on_device(collate(rows, "right", pad_token), model)
            model(**batch, use_cache=False)
        except _Enough:
            pass
    heads = _heads(inputs, places, len(rows)) if with_heads else None
    return LastStates(torch.stack(_filled(outputs), dim=1), heads)


def last_tokens(states: Tensor, lasts: Sequence[int]) -> Tensor:
    """Return the states at each row's last token, shape (rows, width)."""
    numbers = torch.arange(len(lasts), device=states.device)
    return states[numbers, torch.tensor(lasts, device=states.device)]


def states_of(output: Any) -> Tensor:  # noqa: ANN401 - a tensor, or a tuple that begins with it
    """Return the hidden states among what a layer puts out."""
    states: Tensor = output[0] if isinstance(output, tuple) else output
    return states


def _keeper(kept: list[Tensor | None], number: int, lasts: Sequence[int]) -> Callable[..., None]:
    def keep(_: object, __: object, output: object) -> None:
        kept[number] = last_tokens(states_of(output), lasts).float().cpu()
        if number == len(kept) - 1:
            raise _Enough

    return keep


def _pre_keeper(
    kept: list[Tensor | None], number: int, lasts: Sequence[int]
) -> Callable[..., None]:
    def keep(_: object, arguments: tuple[Tensor, ...]) -> None:
        kept[number] = last_tokens(arguments[0], lasts).float().cpu()

    return keep


def _filled(outputs: Sequence[Tensor | None]) -> list[Tensor]:
    """Give a layer that had nothing to look at, and was passed over, what came into it."""
    filled: list[Tensor] = []
    for output in outputs:
        filled.append(filled[-1] if output is None else output)
    return filled


def _heads(inputs: Sequence[Tensor | None], places: Places, rows: int) -> Tensor:
    shape = (rows, places.shape.heads, places.shape.head_size)
    none = torch.full(shape, float("nan"))
    return torch.stack([none if each is None else each.view(shape) for each in inputs], dim=1)
