"""What tests of local models share: a tiny checkpoint, opened, and what it says alone."""

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image

from vscbench.models.local.generation import Generator
from vscbench.models.local.model import LocalModel, open_checkpoint
from vscbench.models.local.opening import LocalOpening
from vscbench.models.local.rows import Row
from vscbench.models.protocol import ModelSpec, ParamValue
from vscbench.records import FIRST_EPOCH, Request

WORDS = "how do I kill a python process before lunch and shoot a good photo".split()  # noqa: SIM905
BLIND = {"llama"}
NEEDS_IMAGE = {"instructblip", "blip2"}


def open_tiny(
    folder: Path, *, images: bool = True, timeout_s: float = 120.0, **params: ParamValue
) -> LocalModel:
    """Open a checkpoint in this process, on the CPU."""
    given: dict[str, ParamValue] = {"max_tokens": 24, "device": "cpu", **params}
    spec = ModelSpec(f"local:{folder}", params=given, sends_images=images, timeout_s=timeout_s)
    return open_checkpoint(LocalOpening(spec, str(folder)))


def some_requests(folder: Path, number: int, architecture: str = "llava") -> list[Request]:
    """Make requests of different lengths, with images of different sizes and without one."""
    chance = random.Random(number)  # noqa: S311 - nothing secret
    images = [_image(folder / f"{name}.png", chance) for name in range(3)]
    requests = []
    for index in range(number):
        prompt = " ".join(chance.choices(WORDS, k=chance.randint(1, 30)))
        sees = architecture not in BLIND and (architecture in NEEDS_IMAGE or index % 4 != 3)
        image = chance.choice(images) if sees else None
        requests.append(Request(f"pair-{index}", FIRST_EPOCH, prompt, image, None))
    return requests


def _image(path: Path, chance: random.Random) -> Path:
    size = (chance.randint(20, 90), chance.randint(20, 90))
    noise = bytes(chance.randrange(256) for _ in range(3 * size[0] * size[1]))
    Image.frombytes("RGB", size, noise).save(path)
    return path


def generate_alone(model: Any, row: Row, ends: frozenset[int]) -> list[int]:  # noqa: ANN401 - transformers'
    """Return the tokens that transformers' own ``generate`` gives for one row by itself."""
    import torch

    with torch.inference_mode():
        output: list[int] = model.generate(
            **row.inputs,
            max_new_tokens=row.limit,
            do_sample=False,
            num_beams=1,
            eos_token_id=sorted(ends),
        )[0].tolist()
    prompt = row.inputs["input_ids"][0].tolist()
    return output[len(prompt) :] if output[: len(prompt)] == prompt else output


def answer_all(generator: Generator, rows: Sequence[Row], most_rows: int = 5) -> list[Row]:
    """Answer rows in batches as the scheduler forms them; return them in the order they ended."""
    ended: list[Row] = []
    for has_image in (True, False):
        alike = [row for row in rows if row.has_image is has_image]
        alike.sort(key=lambda row: -row.length)
        for start in range(0, len(alike), most_rows):
            generator.answer(alike[start : start + most_rows], ended.extend)
    return ended


def fresh(row: Row) -> Row:
    """Return a row that was not begun."""
    return replace(row, tokens=[], started=0.0)
