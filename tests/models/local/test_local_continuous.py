import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from local_models import BLIND, finish_all, fresh, generate_alone, open_tiny, some_requests
from tiny_vlms import ARCHITECTURES

from vscbench.models.local.choosing import NO_NUMBER
from vscbench.models.local.continuous import MOST_SCORES, ContinuousBatch, chunks
from vscbench.models.local.ready import load_ready
from vscbench.models.local.rows import Row

REFILLED = [name for name in ARCHITECTURES if name not in {"mllama", "instructblip", "blip2"}]


def opened(folder: Path, name: str, **params: float) -> tuple[ContinuousBatch, int, list[Row]]:
    """Open a checkpoint and make rows for it, longest first, as the scheduler hands them over."""
    model = open_tiny(folder, images=name not in BLIND, **params)
    ready = load_ready(model.opened)
    assert isinstance(ready.batch, ContinuousBatch)
    images = folder.parent / f"images-{name}"
    images.mkdir(exist_ok=True)
    rows = [model.maker.make(request) for request in some_requests(images, 14, name)]
    return ready.batch, ready.tokens, sorted(rows, key=lambda row: -row.length)


@pytest.mark.parametrize("name", REFILLED)
def test_a_row_in_a_refilled_batch_says_what_transformers_says_for_it_alone(
    tiny: Callable[[str], Path], name: str
) -> None:
    batch, tokens, rows = opened(tiny(name), name)
    alone = [generate_alone(batch.model, row, batch) for row in rows]
    batch.most_rows = 5  # so that slots are used again, many times
    finished = list(finish_all(batch, rows, tokens))
    assert len(finished) == len(rows) and set(finished) == set(rows)
    said = [row.tokens for row in rows]
    assert said == alone
    assert len({len(each) for each in said}) > 2


def test_what_is_drawn_is_the_same_alone_as_in_a_batch(tiny: Callable[[str], Path]) -> None:
    drawn = {"temperature": 0.8, "top_p": 0.9, "repetition_penalty": 1.2}
    batch, tokens, rows = opened(tiny("llava"), "llava", **drawn)
    alone = [next(finish_all(batch, [fresh(row)], tokens)).tokens for row in rows]
    batch.most_rows = 4
    assert len(list(finish_all(batch, rows, tokens))) == len(rows)
    assert [row.tokens for row in rows] == alone


def test_rows_that_were_given_up_say_the_same_when_they_begin_anew(
    tiny: Callable[[str], Path],
) -> None:
    batch, tokens, rows = opened(tiny("llava"), "llava")
    with_image = [row for row in rows if row.has_image]
    alone = [generate_alone(batch.model, row, batch) for row in with_image]
    again = [fresh(row) for row in with_image]
    assert batch.room(with_image, tokens).rows >= len(with_image)
    batch.admit(with_image)
    batch.step()
    assert batch.abandon()
    assert not batch.rows
    list(finish_all(batch, again, tokens))
    assert [row.tokens for row in again] == alone


def test_a_longer_row_than_memory_was_divided_for_gets_its_turn(
    tiny: Callable[[str], Path],
) -> None:
    batch, tokens, rows = opened(tiny("llava"), "llava")
    longest, *others = [row for row in rows if not row.has_image]
    batch.room(others, tokens)
    longest.limit += 1000
    batch.admit(others[:1])
    assert batch.room([longest, *others[1:]], tokens).rows == 0
    finished = list(finish_all(batch, [longest, *others[1:]], tokens))
    assert longest in finished


def test_a_model_that_computes_no_numbers_says_no_word(tiny: Callable[[str], Path]) -> None:
    batch, tokens, rows = opened(tiny("llava"), "llava")
    with torch.no_grad():
        batch.model.get_output_embeddings().weight.fill_(float("nan"))
    list(finish_all(batch, rows, tokens))
    assert all(row.tokens == [NO_NUMBER] for row in rows)


def test_a_row_past_its_deadline_is_let_go_with_what_it_has(tiny: Callable[[str], Path]) -> None:
    batch, tokens, rows = opened(tiny("llava"), "llava", max_tokens=400)
    late, other = (row for row in rows[:2])
    late.deadline = time.monotonic()
    finished = list(finish_all(batch, [late, other], tokens))
    assert len(finished) == 2
    assert len(late.tokens) == 1
    assert len(other.tokens) > 1


def test_memory_is_asked_for_by_what_there_is_and_what_is_waiting(
    tiny: Callable[[str], Path],
) -> None:
    batch, _, rows = opened(tiny("llava"), "llava")
    longest = rows[0].most_tokens
    assert batch.room(rows, 10 * longest).rows < 10
    assert batch.room(rows, 1).rows == 1
    assert batch.room(rows, 10**9).rows == batch.most_rows
    assert batch.room(rows, 10**9).most_tokens >= longest


def test_running_rows_are_not_interrupted_for_one_free_slot(tiny: Callable[[str], Path]) -> None:
    batch, tokens, rows = opened(tiny("llava"), "llava")
    batch.most_rows = 16
    batch.room(rows, tokens)
    blind = [row for row in rows if not row.has_image]
    seeing = [row for row in rows if row.has_image]
    batch.admit(seeing)
    batch.admit(blind)
    assert len(batch.rows) == 14
    assert batch.room(rows, tokens).rows == 2
    batch.admit([fresh(blind[0])])
    assert batch.room(rows, tokens).rows == 0


@given(st.lists(st.integers(1, 50), min_size=1, max_size=60), st.integers(1, 3000))
def test_prompts_read_together_keep_to_the_limit_and_none_is_left_out(
    lengths: list[int], most: int
) -> None:
    rows = [Row({}, length, 1, 0) for length in sorted(lengths, reverse=True)]
    parts = chunks(rows, most)
    assert [row for part in parts for row in part] == rows
    for part in parts:
        assert len(part) == 1 or len(part) * max(row.length for row in part) <= most
        assert len(part) * len({row.length for row in part}) <= MOST_SCORES


def test_no_gradients_are_kept(tiny: Callable[[str], Path]) -> None:
    batch, tokens, rows = opened(tiny("llava"), "llava")
    batch.room(rows, tokens)
    batch.admit([row for row in rows if row.has_image])
    assert batch._slots is not None
    assert not any(layer.keys.requires_grad for layer in batch._slots.layers)
    assert torch.is_inference(batch._slots.layers[0].keys)
