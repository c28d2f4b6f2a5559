import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import DynamicCache

from vscbench.models.local.slots import STRIDE, Slots

LAYERS, HEADS, WIDTH = 2, 2, 3
SLOTS, LENGTH = 4, 2 * STRIDE


def prompts(lengths: list[int], stamp: float) -> DynamicCache:
    """Make what a decoder keeps of prompts: each number says which prompt, place and layer."""
    cache = DynamicCache()
    longest = max(lengths)
    for layer in range(LAYERS):
        place = torch.arange(longest, dtype=torch.float32)
        row = torch.arange(len(lengths), dtype=torch.float32) * 1000 + stamp
        keys = (row[:, None, None, None] + place[None, None, :, None] + 0.1 * layer).expand(
            -1, HEADS, -1, WIDTH
        )
        cache.update(keys.clone(), -keys.clone(), layer)
    return cache


class Model:
    """The same in plain lists: what each row should find, place by place."""

    def __init__(self) -> None:
        self.rows: list[list[float]] = []

    def add(self, lengths: list[int], stamp: float) -> None:
        for number, length in enumerate(lengths):
            self.rows.append([1000 * number + stamp + place for place in range(length)])


@settings(deadline=None)
@given(st.data())
def test_each_row_finds_its_own_tokens_whatever_was_moved_and_filled(data: st.DataObject) -> None:
    slots, model, stamp = None, Model(), 0.0
    for _ in range(data.draw(st.integers(1, 6))):
        free = SLOTS - len(model.rows)
        if free and data.draw(st.booleans() if model.rows else st.just(True)):
            lengths = data.draw(st.lists(st.integers(1, 20), min_size=1, max_size=free))
            stamp += 10_000
            made = prompts(lengths, stamp)
            slots = slots or Slots(made, SLOTS, LENGTH)
            slots.fill(len(model.rows), made, range(len(lengths)))
            model.add(lengths, stamp)
        elif slots is not None:
            last = len(model.rows) - 1
            gap = data.draw(st.integers(0, last))
            if gap != last:
                slots.move([last], [gap])
            model.rows[gap] = model.rows[last]
            model.rows.pop()
        if slots is not None and model.rows:
            append_and_compare(slots, model, data.draw(st.floats(0, 9)))


def append_and_compare(slots: Slots, model: Model, token: float) -> None:
    places = torch.tensor([len(row) for row in model.rows])
    span = slots.aim(places, int(places.max()))
    assert span % STRIDE == 0
    for row in model.rows:
        row.append(token)
    for layer in range(LAYERS):
        state = torch.full((len(model.rows), HEADS, 1, WIDTH), token + 0.1 * layer)
        keys, values = slots.update(state, -state, layer)
        assert keys.shape == (len(model.rows), HEADS, span, WIDTH)
        for number, row in enumerate(model.rows):
            expected = torch.tensor(row) + 0.1 * layer
            assert torch.allclose(keys[number, 0, : len(row), 0], expected)
            assert torch.allclose(values[number, -1, : len(row), -1], -expected)


def test_what_was_never_written_is_a_number() -> None:
    made = prompts([3], 0.0)
    slots = Slots(made, SLOTS, LENGTH)
    slots.fill(0, made, [0])
    slots.aim(torch.tensor([3]), 3)
    keys, _ = slots.update(torch.ones(1, HEADS, 1, WIDTH), torch.ones(1, HEADS, 1, WIDTH), 0)
    assert torch.isfinite(keys).all()
