import dataclasses
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torch", reason="local models need torch")
pytest.importorskip("transformers", reason="local models need transformers")

import torch
from local_models import BLIND, NEEDS_IMAGE, open_tiny, some_requests
from PIL import Image
from tiny_vlms import ARCHITECTURES

from vscbench.errors import DataError, TargetError
from vscbench.models.images import read_rgb
from vscbench.models.local.model import LocalModel
from vscbench.models.local.rows import Bounds, Row, RowMaker, image_markers, seed_of
from vscbench.records import Cause, Request

ORIENTATION = 0x0112
UPSIDE_DOWN = 3


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "picture.png"
    Image.linear_gradient("L").resize((60, 40)).convert("RGB").save(path)
    return path


def asked(prompt: str, image: Path | None = None, system: str | None = None) -> Request:
    return Request("p", 1, prompt, image, system)


def same(one: Row, other: Row) -> bool:
    return (
        (one.length, one.limit, one.seed) == (other.length, other.limit, other.seed)
        and one.inputs.keys() == other.inputs.keys()
        and all(torch.equal(one.inputs[name], other.inputs[name]) for name in one.inputs)
    )


def alone(model: LocalModel, bounds: Bounds) -> RowMaker:
    """A maker like a model's own, for a model that reads no more than this."""
    from vscbench.models.local.prompts import choose_prompting

    opened = model.opened
    prompting = choose_prompting("tiny", "instructblip", opened.processor, sees_images=True)
    return RowMaker(opened.processor, prompting, opened.parameters, sees_images=True, bounds=bounds)


@pytest.mark.parametrize("name", sorted(ARCHITECTURES.keys() - NEEDS_IMAGE))
@pytest.mark.parametrize("sees", [True, False])
def test_a_row_is_what_transformers_makes_of_the_chat_the_first_token_once(
    name: str, sees: bool, tiny: Callable[[str], Path], picture: Path
) -> None:
    sees = sees and name not in BLIND
    model = open_tiny(tiny(name), images=sees)
    words: Any = "Is it safe?" if name in BLIND else [{"type": "text", "text": "Is it safe?"}]
    if sees:
        words.insert(0, {"type": "image", "image": read_rgb(picture)})
    by_hand = model.opened.processor.apply_chat_template(
        [{"role": "user", "content": words}],
        tokenize=True,
        add_generation_prompt=True,
        return_dict=True,
        return_tensors="pt",
    )
    row = model.maker.make(asked("Is it safe?", picture if sees else None))
    assert row.inputs.keys() == by_hand.keys()
    assert [key for key in by_hand if not torch.equal(row.inputs[key], by_hand[key])] == []
    assert row.has_image is sees
    begin = model.opened.tokenizer.bos_token_id
    if begin is not None:
        assert row.inputs["input_ids"][0].tolist().count(begin) == 1


@pytest.mark.parametrize("name", sorted(NEEDS_IMAGE))
def test_a_row_of_a_model_without_a_chat_is_the_bare_question(
    name: str, tiny: Callable[[str], Path], picture: Path
) -> None:
    model = open_tiny(tiny(name))
    frame = {"instructblip": "Why?", "blip2": "Question: Why? Answer:"}[name]
    by_hand = model.opened.processor(text=[frame], images=[read_rgb(picture)], return_tensors="pt")
    row = model.maker.make(asked("Why?", picture))
    assert row.inputs.keys() == by_hand.keys()
    assert [key for key in by_hand if not torch.equal(row.inputs[key], by_hand[key])] == []


def test_a_row_counts_the_tokens_of_its_image_and_those_it_may_still_get(
    tiny: Callable[[str], Path], picture: Path
) -> None:
    model = open_tiny(tiny("llava"), max_tokens=9)
    plain, seen = (model.maker.make(asked("Why?", image)) for image in (None, picture))
    # 16 patches, and the line break behind them.
    assert seen.length == plain.length + 17
    assert seen.inputs["input_ids"].shape == (1, seen.length)
    assert (plain.limit, plain.most_tokens) == (9, plain.length + 9)
    assert seen.bytes > plain.bytes > 0


def test_a_row_whose_prompt_was_read_keeps_its_words_and_not_its_image(
    tiny: Callable[[str], Path], picture: Path
) -> None:
    row = open_tiny(tiny("llava")).maker.make(asked("Why?", picture))
    before, words = row.bytes, row.inputs["input_ids"]
    row.let_image_go()
    assert row.has_image
    assert row.bytes < before
    assert row.inputs["input_ids"] is words


def test_a_prompt_longer_than_the_context_is_its_own_case_only(
    tiny: Callable[[str], Path],
) -> None:
    maker = open_tiny(tiny("llava"), max_tokens=5000).maker
    short = maker.make(asked("why " * 10))
    assert short.most_tokens == 4096
    with pytest.raises(TargetError, match=r"has \d+ tokens, and the model reads 4096 at") as raised:
        maker.make(asked("why " * 5000))
    assert raised.value.cause is Cause.BAD_REQUEST


@pytest.mark.parametrize(("room", "limit"), [(0, None), (1, 1), (3, 3), (24, 24), (25, 24)])
def test_an_answer_gets_what_the_context_leaves_it(
    room: int, limit: int | None, tiny: Callable[[str], Path]
) -> None:
    model = open_tiny(tiny("llava"))
    length = model.maker.make(asked("Why?")).length
    maker = alone(model, Bounds(tokens=length + room))
    if limit is None:
        with pytest.raises(TargetError, match=f"reads {length} at most"):
            maker.make(asked("Why?"))
    else:
        assert maker.make(asked("Why?")).limit == limit


def test_a_question_too_long_for_the_reader_beside_the_image_is_its_own_case_only(
    tiny: Callable[[str], Path], picture: Path
) -> None:
    model = open_tiny(tiny("instructblip"))
    assert model.maker.make(asked("why " * 100, picture)).length < 512
    with pytest.raises(TargetError, match="the model reads 512 at most"):
        model.maker.make(asked("why " * 600, picture))


@pytest.mark.parametrize("name", sorted(ARCHITECTURES.keys() - BLIND))
def test_text_that_the_model_would_take_for_an_image_is_its_own_case_only(
    name: str, tiny: Callable[[str], Path], picture: Path
) -> None:
    model = open_tiny(tiny(name))
    markers = image_markers(model.opened.processor)
    assert markers
    for marker in markers:
        for request in (
            asked(f"What is {marker} here?", picture),
            asked("Why?", picture, f"See {marker}."),
        ):
            with pytest.raises(TargetError, match="reads as an image") as raised:
                model.maker.make(request)
            assert raised.value.cause is Cause.BAD_REQUEST


def test_a_text_only_model_is_not_shown_an_image(
    tiny: Callable[[str], Path], picture: Path
) -> None:
    model = open_tiny(tiny("llama"), images=False)
    with pytest.raises(TargetError, match="text-only") as raised:
        model.maker.make(asked("What is it?", picture))
    assert raised.value.cause is Cause.BAD_REQUEST


def test_what_a_processor_refuses_is_told_in_one_line(tiny: Callable[[str], Path]) -> None:
    maker = open_tiny(tiny("llava")).maker
    with pytest.raises(TargetError, match="its processor refuses: TypeError: ") as raised:
        maker.make(asked("half a character: \ud800"))
    assert "\n" not in str(raised.value)


def test_an_image_that_cannot_be_read_is_named(tiny: Callable[[str], Path], tmp_path: Path) -> None:
    maker = open_tiny(tiny("llava")).maker
    with pytest.raises(DataError, match=r"gone\.png"):
        maker.make(asked("What is it?", tmp_path / "gone.png"))


def test_a_model_sees_an_image_upright(tiny: Callable[[str], Path], tmp_path: Path) -> None:
    gradient = Image.linear_gradient("L").convert("RGB")
    gradient.save(tmp_path / "upright.png")
    turned = Image.Exif()
    turned[ORIENTATION] = UPSIDE_DOWN
    gradient.transpose(Image.Transpose.ROTATE_180).save(tmp_path / "turned.png", exif=turned)
    maker = open_tiny(tiny("llava")).maker
    upright, seen = (
        maker.make(asked("What?", tmp_path / f"{name}.png")) for name in ("upright", "turned")
    )
    assert same(upright, seen)


@pytest.mark.parametrize("name", ["llava", "idefics3", "llama", "mllama"])
def test_several_threads_at_once_make_the_rows_that_one_makes(
    name: str, tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    sees = name not in BLIND
    requests = some_requests(tmp_path, 40, name)
    one_by_one = [open_tiny(tiny(name), images=sees).maker.make(each) for each in requests]
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(open_tiny(tiny(name), images=sees).maker.make, requests))
    assert all(map(same, one_by_one, together))


IDS = st.text(max_size=8)


@given(pair=IDS, epoch=st.integers(1, 99), seed=st.integers(0, 2**40), other=IDS)
def test_a_seed_is_another_for_each_pair_and_epoch_and_for_nothing_else(
    pair: str, epoch: int, seed: int, other: str
) -> None:
    request = Request(pair, epoch, "a prompt", Path("a.png"), "a system prompt")
    found = seed_of(request, seed)
    assert 0 <= found < 2**64
    assert seed_of(Request(pair, epoch, "another", None, None), seed) == found
    changed = [
        seed_of(dataclasses.replace(request, epoch=epoch + 1), seed),
        seed_of(dataclasses.replace(request, pair_id=f"{pair}{other}!"), seed),
        seed_of(request, seed + 1),
    ]
    assert len({found, *changed}) == 4


def test_seeds_are_the_same_on_every_machine() -> None:
    assert seed_of(Request("pair-1", 2, "?", None, None), 3) == 14530907062143433142
