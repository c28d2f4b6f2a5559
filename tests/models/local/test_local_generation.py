import json
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="local models need torch")
pytest.importorskip("transformers", reason="local models need transformers")

import torch
from hypothesis import given
from hypothesis import strategies as st
from local_models import BLIND, answer_all, fresh, generate_alone, open_tiny, some_requests
from tiny_vlms import ARCHITECTURES
from transformers import DynamicCache

from vscbench.errors import VscbenchError
from vscbench.models.local.choosing import NO_NUMBER
from vscbench.models.local.generation import Generator, with_rows
from vscbench.models.local.loading import load_model
from vscbench.models.local.model import LocalModel
from vscbench.models.local.ready import generator_of
from vscbench.models.local.rows import Row


def opened(folder: Path, name: str, **params: Any) -> tuple[Generator, list[Row]]:  # noqa: ANN401
    """Open a checkpoint and make rows for it: of several lengths, with an image and without."""
    model = open_tiny(folder, images=name not in BLIND, **params)
    images = folder.parent / f"images-{name}"
    images.mkdir(exist_ok=True)
    rows = [model.maker.make(request) for request in some_requests(images, 10, name)]
    return loaded(model), rows


def loaded(model: LocalModel) -> Generator:
    opened = model.opened
    weights = load_model(opened.checkpoint, opened.parameters, opened.machine)
    return generator_of(opened, weights)


def said_alone(generator: Generator, rows: Sequence[Row]) -> list[list[int]]:
    return [generate_alone(generator.model, row, generator.ends) for row in rows]


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_row_in_a_batch_says_what_transformers_says_for_it_alone(
    tiny: Callable[[str], Path], name: str
) -> None:
    generator, rows = opened(tiny(name), name)
    alone = said_alone(generator, rows)
    ended = answer_all(generator, rows)
    assert len(ended) == len(rows) and set(ended) == set(rows)
    assert [row.tokens for row in rows] == alone
    assert len({len(row.tokens) for row in rows}) > 2  # so that rows left before others


@pytest.mark.parametrize("name", ["llava", "mllama", "instructblip"])
def test_a_row_that_has_ended_is_handed_over_and_costs_no_step_more(
    tiny: Callable[[str], Path], name: str
) -> None:
    generator, rows = opened(tiny(name), name)
    seeing = [row for row in rows if row.has_image]
    sizes: list[int] = []
    decoder = generator.model.get_output_embeddings()
    hook = decoder.register_forward_hook(lambda _, __, output: sizes.append(len(output)))
    left: list[int] = []
    generator.answer(seeing, lambda ended: left.extend(len(row.tokens) for row in ended))
    hook.remove()
    assert left == sorted(left) and len(set(left)) > 1
    assert sizes == [sum(len(row.tokens) > step for row in seeing) for step in range(max(left))]


def test_what_else_a_checkpoint_says_of_generation_is_left_aside(
    tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    plain = shutil.copytree(tiny("mllama"), tmp_path / "plain")
    settings = json.loads((plain / "generation_config.json").read_text())
    full = shutil.copytree(plain, tmp_path / "full")
    more = {
        "no_repeat_ngram_size": 1,
        "min_new_tokens": 30,
        "suppress_tokens": list(range(200)),
        "num_beams": 3,
        "do_sample": True,
        "temperature": 0.3,
        "use_cache": False,
    }
    (full / "generation_config.json").write_text(json.dumps({**settings, **more}))

    def said(folder: Path, **params: float) -> list[list[int]]:
        generator, rows = opened(folder, "mllama", **params)
        answer_all(generator, rows)
        return [row.tokens for row in rows]

    assert said(full) == said(plain)
    (full / "generation_config.json").write_text(
        json.dumps({**settings, **more, "repetition_penalty": 1.3})
    )
    assert said(full) == said(plain, repetition_penalty=1.3)
    assert said(full, repetition_penalty=1.0) == said(plain)


@pytest.mark.parametrize("name", ["llava", "mllama"])
def test_a_model_that_computes_no_numbers_says_no_word(
    tiny: Callable[[str], Path], name: str
) -> None:
    generator, rows = opened(tiny(name), name)
    with torch.no_grad():
        generator.model.get_output_embeddings().weight.fill_(float("nan"))
    answer_all(generator, rows)
    assert all(row.tokens == [NO_NUMBER] for row in rows)


@pytest.mark.parametrize("name", ["llava", "mllama"])
def test_what_is_drawn_is_the_same_alone_as_in_a_batch_and_begun_anew(
    tiny: Callable[[str], Path], name: str
) -> None:
    drawn = {"temperature": 0.8, "top_p": 0.9, "top_k": 20, "repetition_penalty": 1.2}
    generator, rows = opened(tiny(name), name, **drawn)
    again = [fresh(row) for row in rows]
    answer_all(generator, rows, most_rows=1)
    answer_all(generator, again)
    assert [row.tokens for row in again] == [row.tokens for row in rows]


@pytest.mark.parametrize("name", ["llava", "mllama"])
def test_a_row_past_its_deadline_is_let_go_with_what_it_has(
    tiny: Callable[[str], Path], name: str
) -> None:
    generator, rows = opened(tiny(name), name, max_tokens=400)
    late, other = [row for row in rows if row.has_image][:2]
    late.deadline = time.monotonic()
    assert answer_all(generator, [late, other]) == [late, other]
    assert len(late.tokens) == 1
    assert len(other.tokens) > 1


def test_a_model_whose_generate_takes_no_loop_is_refused_and_not_taken_for_a_slow_one(
    tiny: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    generator, rows = opened(tiny("llava"), "llava")
    whole = type(generator.model).generate

    def own(self: object, custom_generate: object = None, **inputs: Any) -> object:  # noqa: ANN401
        return whole(self, **inputs)

    monkeypatch.setattr(type(generator.model), "generate", own)
    with pytest.raises(VscbenchError, match=r"generate\(\) of its own that ignores"):
        generator.answer(rows[:1], lambda ended: None)


@given(st.integers(1, 6), st.data())
def test_what_is_kept_of_a_batch_is_what_its_rows_had(rows: int, data: st.DataObject) -> None:
    kept = sorted(data.draw(st.sets(st.integers(0, rows - 1), min_size=1)))
    whole = torch.arange(float(rows * 8)).reshape(rows, 2, 2, 2)
    cache = DynamicCache()
    cache.update(whole, -whole, 0)
    places = torch.arange(3 * rows * 4).reshape(3, rows, 4)
    inputs = {
        "cache": cache,
        "attention_mask": whole[:, 0, 0],
        "position_ids": places,
        "encoder_outputs": {"last_hidden_state": whole},
        "patches": torch.zeros(rows + 1, 2),
        "use_cache": True,
    }
    found = with_rows(inputs, torch.tensor(kept), rows)
    assert torch.equal(found["attention_mask"], whole[kept, 0, 0])
    assert torch.equal(found["position_ids"], places[:, kept])
    assert torch.equal(found["encoder_outputs"]["last_hidden_state"], whole[kept])
    assert found["patches"] is inputs["patches"]
    assert found["use_cache"] is True
    keys, values = found["cache"].update(whole[kept], whole[kept], 0)
    assert torch.equal(keys[:, :, :2], whole[kept])
    assert torch.equal(values[:, :, :2], -whole[kept])
