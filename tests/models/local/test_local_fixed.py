import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from local_models import finish_all, fresh, generate_alone, open_tiny, some_requests

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
