from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torch", reason="local models need torch")
pytest.importorskip("transformers", reason="local models need transformers")

import torch
from local_models import BLIND, NEEDS_IMAGE, open_tiny
from PIL import Image
from tiny_vlms import ARCHITECTURES

from vscbench.models.images import read_rgb
from vscbench.models.local.collate import Side, collate, extended
from vscbench.models.local.model import LocalModel
from vscbench.models.local.prompts import choose_prompting
from vscbench.models.local.rows import Row
from vscbench.records import Request

SIZES = ((60, 40), (30, 90), (100, 100), (28, 28))
SIDES: tuple[Side, ...] = ("left", "right")
PAD = 99


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    """Of different shapes, so that some become more tiles or patches than others."""
    paths = [tmp_path / f"{number}.png" for number in range(len(SIZES))]
    for path, size in zip(paths, SIZES, strict=True):
        Image.effect_noise(size, 90).convert("RGB").save(path)
    return paths


def by_processor(
    model: LocalModel, requests: Sequence[Request], side: Side
) -> Mapping[str, torch.Tensor]:
    """Return what a checkpoint's own processor makes of all requests at once."""
    processor = model.opened.processor
    tokenizer = model.opened.tokenizer
    tokenizer.padding_side = side
    sees = hasattr(processor, "image_processor")
    prompting = choose_prompting("tiny", type_of(processor), processor, sees_images=sees)
    texts = [prompting.text(request) for request in requests]
    begin = tokenizer.bos_token
    images = [[read_rgb(each.image)] for each in requests if each.image]
    made = processor(
        text=texts,
        padding=True,
        add_special_tokens=sees and not (begin and texts[0].startswith(begin)),
        return_tensors="pt",
        **({"images": images} if images else {}),
    )
    return dict(made)


def type_of(processor: object) -> str:
    return {"InstructBlipProcessor": "instructblip", "Blip2Processor": "blip-2"}.get(
        type(processor).__name__, ""
    )


def without_padding(name: str, batch: Mapping[str, torch.Tensor]) -> list[Any]:
    """Return each row's entries of one of the tensors that are about its tokens."""
    mask = batch["qformer_attention_mask" if name.startswith("qformer") else "attention_mask"]
    return [row[is_token.bool()].tolist() for row, is_token in zip(batch[name], mask, strict=True)]


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("sees", [True, False])
@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_rows_side_by_side_are_what_the_processor_makes_of_them_together(
    name: str, sees: bool, side: Side, tiny: Callable[[str], Path], pictures: list[Path]
) -> None:
    sees = (sees or name in NEEDS_IMAGE) and name not in BLIND
    model = open_tiny(tiny(name), images=sees)
    requests = [
        Request(f"p{number}", 1, "why " * (3 * number + 1), picture if sees else None, None)
        for number, picture in enumerate(pictures)
    ]
    batch = collate(
        [model.maker.make(request) for request in requests],
        side,
        model.opened.tokenizer.pad_token_id,
    )
    expected = by_processor(model, requests, side)
    assert batch.keys() == expected.keys()
    for key in batch:
        # InstructBLIP's and BLIP-2's pad between image and words, mllama's lets padding behind a
        # prompt look at the image: neither is seen.
        if key == "cross_attention_mask" or (name in NEEDS_IMAGE and key != "pixel_values"):
            assert without_padding(key, batch) == without_padding(key, expected), key
        else:
            assert torch.equal(batch[key], expected[key]), key


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_a_batch_of_one_is_the_row_itself(
    name: str, tiny: Callable[[str], Path], pictures: list[Path]
) -> None:
    sees = name not in BLIND
    model = open_tiny(tiny(name), images=sees)
    row = model.maker.make(Request("p", 1, "Why?", pictures[0] if sees else None, None))
    for side in SIDES:
        batch = collate([row], side, PAD)
        assert batch.keys() == row.inputs.keys()
        assert all(torch.equal(batch[key], row.inputs[key]) for key in batch)


def row_of(tokens: list[int], shape: tuple[int, ...]) -> Row:
    """A row of so many tokens, with an image of so many pieces that are made of ones."""
    inputs = {
        "input_ids": torch.tensor([tokens]),
        "attention_mask": torch.ones(1, len(tokens), dtype=torch.long),
        "qformer_input_ids": torch.tensor([tokens[::2]]),
        "qformer_attention_mask": torch.ones(1, len(tokens[::2]), dtype=torch.long),
        "cross_attention_mask": torch.ones(1, len(tokens), 1, shape[1], dtype=torch.long),
        "pixel_values": torch.ones(shape),
    }
    return Row(inputs, len(tokens), 8, 0)


TOKENS = st.lists(st.integers(1, PAD - 1), min_size=1, max_size=9)
SHAPES = st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 4))


@given(st.lists(st.tuples(TOKENS, SHAPES), min_size=1, max_size=5), st.sampled_from(SIDES))
def test_padding_adds_nothing_and_loses_nothing(
    rows: list[tuple[list[int], tuple[int, ...]]], side: Side
) -> None:
    batch = collate([row_of(tokens, shape) for tokens, shape in rows], side, PAD)
    longest = max(len(tokens) for tokens, _ in rows)
    assert batch["input_ids"].shape == batch["attention_mask"].shape == (len(rows), longest)
    for number, (tokens, _) in enumerate(rows):
        padding = [PAD] * (longest - len(tokens))
        padded = padding + tokens if side == "left" else tokens + padding
        assert batch["input_ids"][number].tolist() == padded
        assert batch["attention_mask"][number].tolist() == [int(each != PAD) for each in padded]
        # The second reader's words begin where they begin, on whichever side prompts are padded.
        reader = tokens[::2]
        assert batch["qformer_input_ids"][number, : len(reader)].tolist() == reader
        assert int(batch["qformer_attention_mask"][number].sum()) == len(reader)
    assert int(batch["cross_attention_mask"].sum()) == sum(
        len(tokens) * shape[1] for tokens, shape in rows
    )
    pixels = batch["pixel_values"]
    shapes = [shape for _, shape in rows]
    assert pixels.shape == (
        sum(shape[0] for shape in shapes),
        max(shape[1] for shape in shapes),
        max(shape[2] for shape in shapes),
    )
    first = 0
    for pieces, height, width in shapes:
        assert pixels[first : first + pieces, :height, :width].min() == 1
        first += pieces
    assert int(pixels.sum()) == sum(a * b * c for a, b, c in shapes)


def test_numbers_keep_their_type() -> None:
    batch = collate([row_of([1, 2, 3], (1, 1, 1)), row_of([4], (2, 2, 2))], "left", PAD)
    assert batch["input_ids"].dtype == torch.long
    assert batch["pixel_values"].dtype == torch.float32


def test_an_answer_is_put_behind_a_prompt_as_text_that_looks_where_its_end_does() -> None:
    inputs = {
        "input_ids": torch.tensor([[5, 6]]),
        "attention_mask": torch.tensor([[1, 1]]),
        "token_type_ids": torch.tensor([[0, 1]]),
        "cross_attention_mask": torch.tensor([[[[0, 0]], [[1, 0]]]]),
        "pixel_values": torch.ones((1, 3, 2)),
    }
    longer = extended(inputs, [7, 8, 9])
    assert longer["input_ids"].tolist() == [[5, 6, 7, 8, 9]]
    assert longer["attention_mask"].tolist() == [[1, 1, 1, 1, 1]]
    assert longer["token_type_ids"].tolist() == [[0, 1, 0, 0, 0]]
    assert longer["cross_attention_mask"][0, :, 0].tolist() == [[0, 0], *[[1, 0]] * 4]
    assert longer["pixel_values"] is inputs["pixel_values"]
    same = extended(inputs, [])
    assert all(torch.equal(same[name], inputs[name]) for name in inputs)
