from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="local models need torch")
pytest.importorskip("transformers", reason="local models need transformers")

import torch
import transformers
from local_models import open_tiny
from tiny_vlms import make_tiny

from vscbench.models.local.facts import Opened, identity_of, recorded_params
from vscbench.models.local.loading import Machine
from vscbench.models.protocol import ParamValue


@pytest.fixture
def opened(tiny: Callable[[str], Path]) -> Opened:
    return open_tiny(tiny("llava")).opened


def identity(folder: Path, **params: ParamValue) -> Mapping[str, object]:
    return identity_of(open_tiny(folder, **params).opened)  # type: ignore[arg-type]  # a name each


@pytest.mark.parametrize(
    "changed",
    [
        {"max_tokens": 25},
        {"temperature": 0.5},
        {"top_p": 0.5},
        {"top_k": 5},
        {"repetition_penalty": 1.1},
        {"dtype": "bfloat16"},
        {"processor.size": {"shortest_edge": 14}},
    ],
)
def test_whatever_can_change_an_answer_makes_another_model(
    changed: dict[str, ParamValue], tiny: Callable[[str], Path]
) -> None:
    folder = tiny("llava")
    assert identity(folder, **changed) != identity(folder)


def test_other_weights_make_another_model(tiny: Callable[[str], Path], tmp_path: Path) -> None:
    other = make_tiny("llava", tmp_path / "other", seed=1)
    assert identity(other) != identity(tiny("llava"))


def test_a_seed_makes_another_model_only_where_something_is_drawn(
    tiny: Callable[[str], Path],
) -> None:
    folder = tiny("llava")
    assert identity(folder, seed=1) == identity(folder)
    assert identity(folder, seed=1, temperature=1) != identity(folder, temperature=1)


def test_where_and_how_many_at_once_it_is_computed_makes_no_other_model(
    opened: Opened, tiny: Callable[[str], Path]
) -> None:
    elsewhere = replace(opened, machine=Machine("cuda:3", "float32", "flash_attention_2"))
    assert identity_of(elsewhere) == identity_of(opened)
    assert identity(tiny("llava"), batch_tokens=100) == identity(tiny("llava"))
    assert identity(tiny("llava"), attn_implementation="eager") == identity(tiny("llava"))


def test_a_copy_elsewhere_under_another_name_is_the_same_model(
    tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    assert identity(make_tiny("llava", tmp_path / "copy")) == identity(tiny("llava"))


def test_an_identity_says_nothing_of_this_machine(opened: Opened) -> None:
    said = str(dict(identity_of(opened)))
    assert str(opened.checkpoint.folder) not in said
    assert "cpu" not in said


def test_what_a_person_sees_is_what_the_run_did(opened: Opened) -> None:
    params = recorded_params(opened)
    assert params == {
        "max_tokens": 24,
        "temperature": 0.0,
        "dtype": "float32",
        "device": "cpu",
        "weights_sha256": opened.weights_sha256,
        "transformers": transformers.__version__,
        "torch": torch.__version__,
    }
    assert len(opened.weights_sha256) == 64
    assert opened.version == f"sha256:{opened.weights_sha256[:12]}"


def test_what_a_person_gave_and_the_commit_that_it_led_to_are_recorded(opened: Opened) -> None:
    spec = replace(opened.spec, params={**opened.spec.params, "revision": "v1", "top_k": 3})
    checkpoint = replace(opened.checkpoint, commit="c" * 40)
    params = recorded_params(replace(opened, spec=spec, checkpoint=checkpoint))
    assert params["revision"] == "c" * 40
    assert params["top_k"] == 3


def test_the_tokenizer_is_that_of_the_processor_or_the_processor_itself(
    opened: Opened, tiny: Callable[[str], Path]
) -> None:
    assert opened.tokenizer is opened.processor.tokenizer
    blind = open_tiny(tiny("llama"), images=False).opened
    assert blind.tokenizer is blind.processor
