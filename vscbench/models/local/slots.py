"""Memory of a decoder for many rows at once, each in a slot of its own that is used again."""

from collections.abc import Sequence

import torch
from torch import Tensor
from transformers import Cache, DynamicCache
from transformers.cache_utils import CacheLayerMixin

# Lengths are rounded up to this, so that kernels meet few shapes and aligned ones.
STRIDE = 64


class SlotLayer(CacheLayerMixin):  # type: ignore[misc]  # transformers has no types
    """Keys and values of one layer, shape (slots, heads, length, width) each."""

    is_sliding = False

    def __init__(self, where: "Where") -> None:
        super().__init__()
        self._where = where

    def allocate(self, keys: Tensor, values: Tensor, slots: int, length: int) -> None:
        """Make room, as wide as the given keys and values of a prompt are.

        It is zeroed: what is masked still enters sums, and must be a number.
        """
        heads, width = keys.shape[1], keys.shape[3]
        self.keys = keys.new_zeros((slots, heads, length, width))
        self.values = values.new_zeros((slots, heads, length, values.shape[3]))
        self.is_initialized = True

    def update(
        self, key_states: Tensor, value_states: Tensor, *_: object, **__: object
    ) -> tuple[Tensor, Tensor]:
        """Write one token a row at its own place; return what every row may look at."""
        where = self._where
        # The layers of a large model lie on several devices.
        slots, places = where.slots.to(self.keys.device), where.places.to(self.keys.device)
        self.keys[slots, :, places] = key_states[:, :, 0]
        self.values[slots, :, places] = value_states[:, :, 0]
        rows = key_states.shape[0]
        return self.keys[:rows, :, : where.span], self.values[:rows, :, : where.span]

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        """Nothing is made late: ``allocate`` comes first."""

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """Return how far back a row may look, and where that begins."""
        return self._where.span, 0

    def get_seq_length(self) -> int:
        """Return the longest row's length."""
        return self._where.span

    def get_max_length(self) -> int:
        """Return how long a row can become."""
        return -1

    get_max_cache_shape = get_max_length  # its name in earlier versions


class Where:
    """Where the next token of each row goes: the slot, and the place in it."""

    slots: Tensor
    places: Tensor
    span: int = 0


class Slots(Cache):  # type: ignore[misc]  # as above
    """The layers of a decoder; rows lie in the first slots, without gaps."""

    def __init__(self, prompts: DynamicCache, slots: int, length: int) -> None:
        """Make room.

        Args:
            prompts: what a decoder made of the first prompts, for its shapes.
            slots: how many rows at once.
            length: of the longest row, prompt and answer.
        """
        self._where = Where()
        layers = [SlotLayer(self._where) for _ in prompts.layers]
        for layer, given in zip(layers, prompts.layers, strict=True):
            layer.allocate(given.keys, given.values, slots, length)
        super().__init__(layers=layers)
        self.slots = slots
        self.length = length

    def fill(self, first: int, prompts: DynamicCache, chosen: Sequence[int]) -> None:
        """Copy prompts into the slots from ``first`` on.

        Args:
            first: the first free slot.
            prompts: what the decoder made of a batch of prompts, padded behind.
            chosen: which of them, by their place in that batch.
        """
        for layer, given in zip(self.layers, prompts.layers, strict=True):
            index = torch.tensor(chosen, device=given.keys.device)
            span = min(given.keys.shape[2], self.length)
            place = slice(first, first + len(chosen))
            layer.keys[place, :, :span] = given.keys.index_select(0, index)[:, :, :span]
            layer.values[place, :, :span] = given.values.index_select(0, index)[:, :, :span]

    def move(self, sources: Sequence[int], targets: Sequence[int]) -> None:
        """Copy rows into other slots; no slot is a source and a target."""
        for layer in self.layers:
            layer.keys[list(targets)] = layer.keys[list(sources)]
            layer.values[list(targets)] = layer.values[list(sources)]

    def aim(self, places: Tensor, longest: int) -> int:
        """Say where the next tokens go, one a row; return how far back rows may look.

        Args:
            places: the place of each row's next token, shape (rows,).
            longest: the furthest of them.
        """
        self._where.slots = torch.arange(len(places), device=places.device)
        self._where.places = places
        span = -(-(longest + 1) // STRIDE) * STRIDE
        self._where.span = min(span, self.length)
        return self._where.span
