import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from local_models import finish_all, fresh, generate_alone, open_tiny, some_requests

from vscbench.models.local.choosing import NO_NUMBER
from vscbench.models.local.fixed import FixedBatch
from vscbench.models.local.ready import load_ready
from vscbench.models.local.rows import Row

NAMES = ("mllama", "instructblip", "blip2")


def opened(
    folder: Path,
    name: str,
    **params: Any,  # noqa: ANN401 - handed on
) -> tuple[FixedBatch, int, list[Row]]:
    model = open_tiny(folder, **params)
    ready = load_ready(model.opened)
    assert isinstance(ready.batch, FixedBatch)
    images = folder.parent / f"images-{name}"
    images.mkdir(exist_ok=True)
    rows = [model.maker.make(request) for request in some_requests(images, 10, name)]
    return ready.batch, ready.tokens, rows


@pytest.mark.parametrize("name", NAMES)
def test_a_row_in_a_batch_says_what_transformers_says_for_it_alone(
    tiny: Callable[[str], Path], name: str
) -> None:
    batch, tokens, rows = opened(tiny(name), name)
    batch.most_rows = 4
    assert len(list(finish_all(batch, rows, tokens))) == len(rows)
    said = [row.tokens for row in rows]
    assert said == [generate_alone(batch.model, row, batch) for row in rows]
    assert len({len(each) for each in said}) > 2


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
    }
    (full / "generation_config.json").write_text(json.dumps({**settings, **more}))

    def said(folder: Path, **params: float) -> list[list[int]]:
        batch, tokens, rows = opened(folder, "mllama", **params)
        list(finish_all(batch, rows, tokens))
        return [row.tokens for row in rows]

    assert said(full) == said(plain)
    (full / "generation_config.json").write_text(
        json.dumps({**settings, **more, "repetition_penalty": 1.3})
    )
    assert said(full) == said(plain, repetition_penalty=1.3)
    assert said(full, repetition_penalty=1.0) == said(plain)


def test_a_model_that_computes_no_numbers_says_no_word(tiny: Callable[[str], Path]) -> None:
    batch, tokens, rows = opened(tiny("mllama"), "mllama")
    with torch.no_grad():
        batch.model.get_output_embeddings().weight.fill_(float("nan"))
    list(finish_all(batch, rows, tokens))
    assert all(row.tokens == [NO_NUMBER] for row in rows)


def test_what_is_drawn_is_the_same_alone_as_in_a_batch(tiny: Callable[[str], Path]) -> None:
    drawn = {"temperature": 0.8, "top_k": 20, "repetition_penalty": 1.2}
    batch, tokens, rows = opened(tiny("mllama"), "mllama", **drawn)
    alone = [next(finish_all(batch, [fresh(row)], tokens)).tokens for row in rows]
    list(finish_all(batch, rows, tokens))
    assert [row.tokens for row in rows] == alone


def test_a_batch_past_its_deadline_is_let_go_with_what_it_has(tiny: Callable[[str], Path]) -> None:
    batch, _, rows = opened(tiny("mllama"), "mllama", max_tokens=400)
    seeing = [row for row in rows if row.has_image]
    for row in seeing:
        row.deadline = time.monotonic()
    batch.admit(seeing)
    assert set(batch.step()) == set(seeing)
    assert all(len(row.tokens) <= 2 for row in seeing)


def test_memory_is_asked_for_twice_over_and_only_between_batches(
    tiny: Callable[[str], Path],
) -> None:
    batch, _, rows = opened(tiny("mllama"), "mllama")
    longest = max(row.most_tokens for row in rows)
    assert batch.room(rows, 6 * longest).rows == 3
    assert batch.room(rows, 1).rows == 1
    batch.admit(rows[:1])
    assert batch.room(rows, 6 * longest).rows == 0
    assert batch.abandon() == rows[:1]
    assert batch.room(rows, 6 * longest).rows == 3
