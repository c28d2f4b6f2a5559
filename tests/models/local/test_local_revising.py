import asyncio
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="local models need torch")
pytest.importorskip("transformers", reason="local models need transformers")

import torch
from local_models import BLIND, answer_all, fresh, generate_alone, open_tiny, some_requests
from tiny_vlms.vectors import make_revision

from vscbench.methods.vectors import read_vector_file, read_vectors
from vscbench.models.local.generation import Generator
from vscbench.models.local.loading import load_model
from vscbench.models.local.model import LocalModel
from vscbench.models.local.places import Places, find_places
from vscbench.models.local.ready import generator_of
from vscbench.models.local.revising import Reviser
from vscbench.models.local.rows import Row
from vscbench.records import Request, Response, Revision

NAMES = ("llava", "llava-next", "idefics3", "gemma3", "janus", "llama", "mllama", "instructblip")
FEW = ("llava", "mllama")


class World:
    """A tiny model, loaded, with requests for it; what it is asked by hand, and in a batch."""

    def __init__(self, folder: Path, name: str, images: Path, number: int = 9) -> None:
        self.model: LocalModel = open_tiny(folder, images=name not in BLIND)
        self.generator = loaded(self.model)
        self.weights: Any = self.generator.model
        self.places: Places = find_places(self.weights)
        self.requests = some_requests(images, number, name)
        self.folder = images

    def row(self, request: Request, revision: Revision | None = None) -> Row:
        return self.model.maker.make(dataclasses.replace(request, revision=revision))

    def revision(self, level: Any, at: Any, **more: Any) -> Revision:  # noqa: ANN401 - handed on
        path = self.folder / f"{level}-{len(list(self.folder.iterdir()))}.safetensors"
        return make_revision(path, self.weights.config, level, at, **more)

    def revisions(self) -> list[Revision | None]:
        """Different files, levels, places and strengths, and none at all."""
        last = self.places.shape.layers - 1
        layers = [(number, None) for number in range(last + 1)]
        return [
            self.revision("layer", layers, alpha=0.5),
            None,
            self.revision("head", [(0, 1), (last, 3), (0, 2)], alpha=2.0, seed=1),
            self.revision("layer", [(last, None)], alpha=-1.5, seed=2),
            self.revision("head", [(last, 0)], alpha=4.0, seed=3),
            self.revision("layer", layers, alpha=0.0, seed=4),
        ]

    def alone(self, row: Row, revision: Revision | None) -> list[int]:
        """What is generated for one row by transformers, with the addition written out anew."""
        with added_by_hand(self.places, revision):
            return generate_alone(self.weights, row, self.generator.ends)

    def hooks(self) -> int:
        """How many there are in the decoder; transformers has some of its own in image encoders."""
        return sum(
            len(each._forward_hooks) + len(each._forward_pre_hooks)
            for layer in self.places.layers
            for each in layer.modules()
        )


@contextmanager
def added_by_hand(places: Places, revision: Revision | None) -> Iterator[None]:
    """Add alpha times the spread times the direction to the last token of each forward pass."""
    handles = []
    file = None if revision is None else read_vector_file(revision.file)
    for number, place in enumerate(file.places if file else ()):
        assert file and revision
        direction = torch.from_numpy(read_vectors(file).directions[number])
        vector = revision.alpha * place.spread * direction
        if place.head is None:
            handles.append(places.layers[place.layer].register_forward_hook(on_output(vector)))
        else:
            projection = places.projections[place.layer]
            assert projection is not None
            start = place.head * file.head_size
            handles.append(projection.register_forward_pre_hook(on_input(vector, start)))
    yield
    for handle in handles:
        handle.remove()


def on_output(vector: torch.Tensor) -> Callable[..., Any]:
    def hook(_: object, __: object, output: Any) -> Any:  # noqa: ANN401 - a tensor or a tuple
        states = output[0] if isinstance(output, tuple) else output
        revised = torch.cat([states[:, :-1], states[:, -1:] + vector], dim=1)
        return (revised, *output[1:]) if isinstance(output, tuple) else revised

    return hook


def on_input(vector: torch.Tensor, start: int) -> Callable[..., Any]:
    def hook(_: object, arguments: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        states = arguments[0].clone()
        states[:, -1, start : start + len(vector)] += vector
        return (states, *arguments[1:])

    return hook


@pytest.fixture
def world(tiny: Callable[[str], Path], tmp_path: Path) -> Callable[[str], World]:
    return lambda name: World(tiny(name), name, tmp_path)


def loaded(model: LocalModel) -> Generator:
    opened = model.opened
    weights = load_model(opened.checkpoint, opened.parameters, opened.machine)
    return generator_of(opened, weights)


def finished(world: World, rows: Sequence[Row]) -> list[list[int]]:
    assert len(answer_all(world.generator, rows)) == len(rows)
    return [row.tokens for row in rows]


@pytest.mark.parametrize("name", NAMES)
def test_a_row_is_revised_alike_beside_rows_that_are_revised_otherwise(
    world: Callable[[str], World], name: str
) -> None:
    here = world(name)
    revisions = here.revisions()
    chosen = [revisions[number % len(revisions)] for number in range(len(here.requests))]
    rows = [here.row(*each) for each in zip(here.requests, chosen, strict=True)]
    plain = [generate_alone(here.weights, row, here.generator.ends) for row in rows]
    alone = [here.alone(row, revision) for row, revision in zip(rows, chosen, strict=True)]
    said = finished(here, rows)
    assert said == alone
    pushed = [revision is not None and revision.alpha != 0 for revision in chosen]
    changed = [now != before for now, before in zip(said, plain, strict=True)]
    assert sum(changed) > sum(pushed) // 2
    assert not any(now and not push for now, push in zip(changed, pushed, strict=True))
    assert here.hooks() == 0


@pytest.mark.parametrize("name", FEW)
def test_alpha_zero_says_what_no_method_says(world: Callable[[str], World], name: str) -> None:
    here = world(name)
    layers = [(number, None) for number in range(here.places.shape.layers)]
    zero = here.revision("layer", layers, alpha=0.0, gate_layer=1, threshold=0.0)
    said = finished(here, [here.row(each, zero) for each in here.requests])
    assert said == finished(here, [here.row(each) for each in here.requests])


@pytest.mark.parametrize("name", FEW)
def test_a_gate_decides_by_the_prompt_alone_and_for_each_row(
    world: Callable[[str], World], name: str
) -> None:
    here = world(name)
    gate = here.places.shape.layers - 1
    asked = {"alpha": 2.0, "gate_layer": gate}
    always = here.revision("layer", [(0, None)], **asked, threshold=0.0)
    shares = [probability(here, here.row(each), always, gate) for each in here.requests]
    between = sorted(shares)[len(shares) // 2] - 1e-6
    gated = dataclasses.replace(always, threshold=between)
    rows = [here.row(each, gated) for each in here.requests]
    expected = [share > between for share in shares]
    alone = [
        here.alone(row, gated if opens else None) for row, opens in zip(rows, expected, strict=True)
    ]
    assert finished(here, rows) == alone
    assert [row.is_revised for row in rows] == expected
    assert any(expected) and not all(expected)
    assert here.hooks() == 0


def probability(world: World, row: Row, revision: Revision, gate: int) -> float:
    """What the gate's probe says, by the activations that transformers itself gives out."""
    vectors = read_vectors(read_vector_file(revision.file))
    assert vectors.gate_weight is not None and vectors.gate_bias is not None
    kept: list[torch.Tensor] = []

    def keep(_: object, __: object, output: Any) -> None:  # noqa: ANN401 - a tensor or a tuple
        states = output[0] if isinstance(output, tuple) else output
        kept.append(states[0, -1])

    handle = world.places.layers[gate].register_forward_hook(keep)
    with torch.inference_mode():
        world.weights(**row.inputs)
    handle.remove()
    score = kept[0] @ torch.from_numpy(vectors.gate_weight) + float(vectors.gate_bias[0])
    return float(score.sigmoid())


def test_what_a_gate_said_once_it_is_not_asked_again(world: Callable[[str], World]) -> None:
    here = world("llava")
    gated = here.revision("layer", [(0, None)], alpha=2.0, gate_layer=1, threshold=0.0)
    rows = [here.row(each, gated) for each in here.requests]
    for row in rows:
        row.is_revised = False
    plain = [generate_alone(here.weights, row, here.generator.ends) for row in rows]
    assert finished(here, rows) == plain


@pytest.mark.parametrize("level", ["layer", "head"])
def test_no_row_that_is_not_revised_sees_a_hook(world: Callable[[str], World], level: str) -> None:
    here = world("llava")
    reviser = Reviser(here.weights, 0)
    at = [(1, None)] if level == "layer" else [(1, 0)]
    rows = [here.row(each) for each in here.requests[:3]]
    with reviser.revising(rows):
        assert here.hooks() == 0
    rows[1] = here.row(here.requests[1], here.revision(level, at))
    with reviser.revising(rows):
        assert here.hooks() == 1
    assert here.hooks() == 0


def test_hooks_are_gone_after_a_forward_pass_that_failed(world: Callable[[str], World]) -> None:
    here = world("llava")
    row = here.row(here.requests[0], here.revision("layer", [(0, None), (1, None)]))
    reviser = Reviser(here.weights, 0)
    with pytest.raises(RuntimeError, match="no memory"), reviser.revising([row]):
        assert here.hooks() == 2
        raise RuntimeError("no memory")
    assert here.hooks() == 0


@pytest.mark.parametrize("name", FEW)
def test_rows_that_were_given_up_are_revised_alike_when_they_begin_anew(
    world: Callable[[str], World], name: str
) -> None:
    here = world(name)
    revision = here.revision("head", [(0, 0), (0, 3)], alpha=3.0)
    rows = [here.row(each, revision) for each in here.requests if each.image]
    again = [fresh(row) for row in rows]
    alone = [here.alone(row, revision) for row in rows]

    def fail(ended: Sequence[Row]) -> None:
        raise RuntimeError("no memory")

    with pytest.raises(RuntimeError, match="no memory"):
        here.generator.answer(rows, fail)
    assert here.hooks() == 0
    assert finished(here, again) == alone


def test_half_the_numbers_are_revised_in_their_own_kind(
    tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    model = open_tiny(tiny("llava"), dtype="bfloat16")
    generator = loaded(model)
    weights = generator.model
    request = some_requests(tmp_path, 1)[0]
    said = []
    for alpha in (0.0, 3.0):
        revision = make_revision(
            tmp_path / f"{alpha}", weights.config, "layer", [(1, None)], alpha=alpha
        )
        row = model.maker.make(dataclasses.replace(request, revision=revision))
        assert answer_all(generator, [row]) == [row]
        said.append(row.tokens)
    assert said[0] != said[1]


def test_a_whole_model_answers_revised_and_unrevised_side_by_side(
    tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    def said(*requests: Request) -> list[str]:
        model = open_tiny(tiny("llava"))

        async def ask() -> list[Response]:
            return await asyncio.gather(*map(model.respond, requests))

        return [response.text for response in asyncio.run(ask())]

    plain = some_requests(tmp_path, 6)
    config = World(tiny("llava"), "llava", tmp_path, 1).weights.config
    revision = make_revision(tmp_path / "v", config, "layer", [(0, None)], alpha=2.0)
    pushed = [dataclasses.replace(each, revision=revision) for each in plain]
    together = said(*plain, *pushed)
    assert together == said(*plain) + said(*pushed)
    assert together[:6] != together[6:]
