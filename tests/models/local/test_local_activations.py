import asyncio
import dataclasses
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="local models need torch")
pytest.importorskip("transformers", reason="local models need transformers")

import numpy as np
import torch
from local_models import BLIND, some_requests
from tiny_vlms.gguf import make_gguf

from vscbench.errors import TargetError
from vscbench.models.local.activations import (
    ActivationReader,
    OpenedForReading,
    Sample,
    open_for_reading,
)
from vscbench.models.local.opening import LocalOpening
from vscbench.models.protocol import ModelSpec
from vscbench.records import Request

NAMES = ("llava", "llava-next", "idefics3", "gemma3", "llama", "mllama")
ANSWERS = ("I cannot help with that", "the kettle is warm", "", None, "open the small window")

QUIET = """
import sys
from pathlib import Path
from vscbench.models.local.activations import open_for_reading
from vscbench.models.local.opening import LocalOpening
from vscbench.models.protocol import ModelSpec
heavy = {"torch", "transformers", "numpy"} & sys.modules.keys()
spec = ModelSpec("local:model", params={"device": "cpu"}, sends_images=False)
for source in sys.argv[1:]:
    opened = open_for_reading(LocalOpening(spec, source))
    print(sorted(heavy), opened.reader.shape.layers)
"""


def opened(folder: Path, name: str = "llama") -> OpenedForReading:
    spec = ModelSpec(
        f"local:{folder}",
        params={"max_tokens": 8, "device": "cpu"},
        sends_images=name not in BLIND,
    )
    return open_for_reading(LocalOpening(spec, str(folder)))


def samples(images: Path, name: str, number: int = 10) -> list[Sample]:
    requests = some_requests(images, number, name)
    return [Sample(each, ANSWERS[place % 5]) for place, each in enumerate(requests)]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_read_of_many_is_what_is_read_of_each_in_their_order(
    tiny: Callable[[str], Path], tmp_path: Path, name: str
) -> None:
    reader = opened(tiny(name), name).reader
    every = samples(tmp_path, name)
    together = reader.read(every)
    shape = reader.shape
    assert together.layers.shape == (len(every), shape.layers, shape.hidden_size)
    assert together.heads.shape == (len(every), shape.layers, shape.heads, shape.head_size)
    assert together.layers.dtype == together.heads.dtype == np.float32
    for number, each in enumerate(every):
        alone = reader.read([each])
        np.testing.assert_allclose(together.layers[number], alone.layers[0], rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(together.heads[number], alone.heads[0], rtol=1e-3, atol=1e-4)
    without = set(range(shape.layers)) - set(reader.layers_with_heads)
    assert np.isnan(together.heads[:, sorted(without)]).all()
    assert np.isfinite(together.heads[:, reader.layers_with_heads]).all()


def test_an_answer_is_read_as_the_model_sees_what_it_said_itself(
    tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    """The states at the last token of what was generated, without its tokens going by words."""
    here = opened(tiny("llava"), "llava")
    maker, reader = here.model.maker, here.reader
    request = some_requests(tmp_path, 1)[0]
    row = maker.make(request)
    words = maker.answer_tokens(" the warm kettle")
    with torch.inference_mode():
        states = reader._model(
            **{
                **row.inputs,
                "input_ids": torch.cat([row.inputs["input_ids"], torch.tensor([words])], dim=1),
                "attention_mask": torch.ones((1, row.length + len(words)), dtype=torch.long),
            },
            output_hidden_states=True,
        ).hidden_states
    found = reader.read([Sample(request, " the warm kettle")])
    np.testing.assert_allclose(found.layers[0, 0], states[1][0, -1].numpy(), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("most_tokens", [1, 200, 10**6])
def test_how_many_are_read_at_once_changes_nothing(
    tiny: Callable[[str], Path], tmp_path: Path, most_tokens: int
) -> None:
    here = opened(tiny("llava"), "llava")
    every = samples(tmp_path, "llava", 7)
    whole = here.reader.read(every)
    bounded = ActivationReader(here.reader._model, here.model.maker, 0, most_tokens)
    np.testing.assert_allclose(bounded.read(every).layers, whole.layers, rtol=1e-3, atol=1e-4)


def test_nothing_is_read_of_nothing(tiny: Callable[[str], Path]) -> None:
    reader = opened(tiny("llama")).reader
    assert reader.read([]).layers.shape == (0, 2, 64)
    assert reader.answer_scores([]) == []


@pytest.mark.parametrize("name", NAMES)
def test_an_answer_is_scored_by_its_own_tokens(
    tiny: Callable[[str], Path], tmp_path: Path, name: str
) -> None:
    here = opened(tiny(name), name)
    every = samples(tmp_path, name)
    scores = here.reader.answer_scores(every)
    assert [math.isnan(score) for score in scores] == [not each.answer for each in every]
    for sample, score in zip(every, scores, strict=True):
        if not sample.answer:
            continue
        prompt = here.model.maker.make(sample.request)
        row = here.model.maker.make_answered(sample.request, sample.answer)
        assert row.length > prompt.length
        with torch.inference_mode():
            logits = here.reader._model(**row.inputs).logits[0].double()
        ids = row.inputs["input_ids"][0].tolist()
        by_hand = [
            float(logits[at - 1].log_softmax(-1)[ids[at]]) for at in range(prompt.length, len(ids))
        ]
        assert score == pytest.approx(sum(by_hand) / len(by_hand), rel=1e-3)


def test_what_a_model_says_itself_is_likelier_than_words_in_any_order(
    tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    here = opened(tiny("llama"))
    for request in some_requests(tmp_path, 3, "llama"):
        said = asyncio.run(here.model.respond(request)).text
        shuffled = " ".join(reversed(said.split()))
        own, other = here.reader.answer_scores(
            [Sample(request, f" {each}") for each in (said, shuffled)]
        )
        assert own > other


def test_a_model_is_asked_with_the_weights_that_are_read(
    tiny: Callable[[str], Path], capfd: pytest.CaptureFixture[str]
) -> None:
    here = opened(tiny("llama"))
    request = Request("p", 1, "why", None, None)
    before = asyncio.run(here.model.respond(request)).text
    with torch.no_grad():
        here.reader._model.get_output_embeddings().weight.neg_()
    assert asyncio.run(here.model.respond(request)).text != before
    assert capfd.readouterr().out.count("read the weights") == 1


def test_an_answer_beyond_what_the_model_reads_is_told(tiny: Callable[[str], Path]) -> None:
    reader = opened(tiny("llama")).reader
    request = Request("p", 1, "why", None, None)
    with pytest.raises(TargetError, match="reads 4096 at most"):
        reader.read([Sample(request, "warm " * 5000)])


def test_a_system_prompt_is_read_too(tiny: Callable[[str], Path]) -> None:
    reader = opened(tiny("llama")).reader
    request = Request("p", 1, "why", None, None)
    plain, told = (
        reader.read([Sample(each)]).layers
        for each in (request, dataclasses.replace(request, system="Be kind."))
    )
    assert not np.allclose(plain, told)


def test_models_are_opened_without_a_bar_and_nothing_heavy_is_imported_before(
    tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    pytest.importorskip("gguf", reason="GGUF files need gguf")
    sources = [tiny("llama"), make_gguf(tiny("llama"), tmp_path / "tiny.gguf")]
    ran = subprocess.run(
        [sys.executable, "-c", QUIET, *map(str, sources)],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert [line for line in ran.stdout.splitlines() if line.startswith("[")] == ["[] 2"] * 2
    assert "%|" not in ran.stderr
