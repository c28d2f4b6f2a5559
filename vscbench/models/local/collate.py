"""Rows side by side: what each processor made of one request becomes the tensors of a batch."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from torch import Tensor, device

    from vscbench.models.local.rows import Row

Side = Literal["left", "right"]
# One number a token of the prompt, in dimension 1; what pads it, where that is not 0.
OF_TOKENS = {
    "input_ids",
    "attention_mask",
    "token_type_ids",
    "mm_token_type_ids",
    "cross_attention_mask",
}
# Of these, what says which are of an image: 0 is text.
OF_TOKEN_TYPES = {"token_type_ids", "mm_token_type_ids"}
# Tokens of a second text encoder, with a vocabulary and a length of its own: padded behind.
OF_OTHER_TOKENS = {"qformer_input_ids", "qformer_attention_mask"}


def collate(rows: "Sequence[Row]", side: Side, pad_token: int) -> dict[str, "Tensor"]:
    """Put rows into one batch; all of them have an image, or none has.

    Prompts are padded to the longest, on ``side``. Everything else is laid end to end along its
    first dimension (images, tiles, patches, whichever it counts) and padded with zeros behind
    in the others, as the processors themselves do with several images.

    Args:
        rows: at least one.
        side: where prompts are padded.
        pad_token: stands for no token.
    """
    import torch

    batch = {}
    for name in rows[0].inputs:
        tensors = [row.inputs[name] for row in rows]
        if name in OF_TOKENS or name in OF_OTHER_TOKENS:
            fill = pad_token if name == "input_ids" else 0
            where: Side = side if name in OF_TOKENS else "right"
            tensors = [
                _padded_along(each, 1, _longest(tensors, 1), where, fill) for each in tensors
            ]
        batch[name] = torch.cat(_with_equal_tails(tensors))
    return batch


def on_device(inputs: Mapping[str, "Tensor"], model: Any) -> dict[str, "Tensor"]:  # noqa: ANN401
    """Bring a batch to a model, images in its own kind of number."""
    return {
        name: each.to(model.device, model.dtype if each.is_floating_point() else None)
        for name, each in inputs.items()
    }


def extended(inputs: "Mapping[str, Tensor]", tokens: Sequence[int]) -> "dict[str, Tensor]":
    """Put an answer's tokens behind a prompt, as a model sees those that it said itself.

    Args:
        inputs: what a processor made of one prompt.
        tokens: of the answer; they are of text, and look at what the prompt's last token did.
    """
    import torch

    answer = {"input_ids": torch.tensor([tokens], dtype=torch.long)}
    drawn_out = {}
    for name, each in inputs.items():
        if name in OF_TOKENS:
            last = each[:, -1:].repeat(1, len(tokens), *[1] * (each.dim() - 2))
            added = torch.zeros_like(last) if name in OF_TOKEN_TYPES else last
            drawn_out[name] = torch.cat([each, answer.get(name, added).to(each.dtype)], dim=1)
        else:
            drawn_out[name] = each
    return drawn_out


def seen_by(row: "Row", device: "device") -> "Tensor":
    """Return the tokens of a row, prompt and answer."""
    import torch

    answer = torch.tensor(row.tokens, dtype=torch.long)
    return torch.cat([row.inputs["input_ids"][0].long(), answer]).to(device)


def _with_equal_tails(tensors: list["Tensor"]) -> list["Tensor"]:
    """Pad every dimension but the first to the longest, behind, with zeros."""
    for dimension in range(1, tensors[0].dim()):
        longest = _longest(tensors, dimension)
        tensors = [_padded_along(each, dimension, longest, "right", 0) for each in tensors]
    return tensors


def _longest(tensors: Sequence["Tensor"], dimension: int) -> int:
    return max(each.shape[dimension] for each in tensors)


def _padded_along(tensor: "Tensor", dimension: int, length: int, side: Side, fill: int) -> "Tensor":
    import torch

    missing = length - tensor.shape[dimension]
    if missing == 0:
        return tensor
    shape = list(tensor.shape)
    shape[dimension] = missing
    padding = torch.full(shape, fill, dtype=tensor.dtype)
    parts = [padding, tensor] if side == "left" else [tensor, padding]
    return torch.cat(parts, dim=dimension)
