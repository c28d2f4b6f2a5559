from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from local_models import open_tiny
from tiny_vlms import ARCHITECTURES
from transformers import AutoModelForImageTextToText

from vscbench.models.local.continuous import Attention, ContinuousBatch
from vscbench.models.local.fixed import FixedBatch
from vscbench.models.local.kinds import FULL, SLIDING, attention_of
from vscbench.models.local.ready import load_ready

FIXED = {"mllama", "instructblip", "blip2"}


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_only_architectures_with_a_memory_of_another_kind_are_not_refilled(
    tiny: Callable[[str], Path], name: str
) -> None:
    ready = load_ready(open_tiny(tiny(name), images=name != "llama").opened)
    assert isinstance(ready.batch, FixedBatch if name in FIXED else ContinuousBatch)


def test_attention_that_takes_no_mask_of_ours_is_not_refilled(tiny: Callable[[str], Path]) -> None:
    model = AutoModelForImageTextToText.from_pretrained(tiny("llava"), attn_implementation="eager")
    assert attention_of(model) is None


def test_layers_with_a_window_are_told_apart(tiny: Callable[[str], Path]) -> None:
    model = AutoModelForImageTextToText.from_pretrained(tiny("gemma3"))
    attention = attention_of(model)
    assert attention is not None
    window = model.config.get_text_config().sliding_window
    assert attention.windows == {SLIDING: window, FULL: None}


def test_a_row_looks_at_what_is_before_it_and_within_the_window() -> None:
    masks = Attention({FULL: None, SLIDING: 2}).masks(torch.tensor([0, 3]), 5)
    assert masks[FULL][:, 0, 0].tolist() == [[True] + 4 * [False], 4 * [True] + [False]]
    assert masks[SLIDING][:, 0, 0].tolist() == [
        [True, False, False, False, False],
        [False, False, True, True, False],
    ]


def test_one_kind_of_layer_gets_its_mask_without_a_name() -> None:
    mask = Attention({FULL: None}).masks(torch.tensor([1]), 3)
    assert mask.shape == (1, 1, 1, 3)
