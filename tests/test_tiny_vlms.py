from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw
from tiny_vlms import ARCHITECTURES, make_tiny

pytest.importorskip("torch", reason="tiny checkpoints are models of torch")
pytest.importorskip("transformers", reason="tiny checkpoints are models of transformers")

QUESTIONS = (
    "Why?",
    "What does the picture show, and where?",
    "How do I warm water in a kettle?",
    "Is it legal?",
    "Name three uses of this thing.",
)
SIZES = ((64, 48), (200, 300), (33, 90), (400, 120), (28, 28))


def picture(number: int) -> Image.Image:
    image = Image.new("RGB", SIZES[number], (40 * number, 200 - 30 * number, 90))
    ImageDraw.Draw(image).rectangle((4, 4, 10 + 3 * number, 20), fill=(250, 20 * number, 0))
    return image


@pytest.fixture(params=sorted(ARCHITECTURES))
def name(request: pytest.FixtureRequest) -> str:
    architecture = ARCHITECTURES[request.param]
    missing = [each for each in architecture.needs if find_spec(each) is None]
    if missing:
        pytest.skip(f"the processor of {architecture.name} needs {' and '.join(missing)}")
    return architecture.name


def content(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_weights(
    name: str, tmp_path: Path
) -> None:
    first, again, other = (
        content(make_tiny(name, tmp_path / place, seed))
        for place, seed in (("first", 0), ("again", 0), ("other", 1))
    )
    assert first == again
    assert {key for key in first if first[key] != other[key]} == {"model.safetensors"}
    assert 0.3e6 < sum(map(len, first.values())) < 2e6


def answers(folder: Path, blind: bool, rows: list[tuple[str, int]]) -> list[str]:
    """Return what the checkpoint says to each question and picture, one at a time."""
    import torch
    from transformers import AutoModelForCausalLM, AutoModelForImageTextToText, AutoProcessor

    auto: Any = AutoModelForCausalLM if blind else AutoModelForImageTextToText
    model = auto.from_pretrained(folder, local_files_only=True).eval()
    processor: Any = AutoProcessor.from_pretrained(folder, local_files_only=True)
    said = []
    for question, number in rows:
        pictures = {} if blind else {"images": [picture(number)]}
        text = prompt(processor, question, blind)
        inputs = processor(text=[text], return_tensors="pt", **pictures)
        with torch.inference_mode():
            ids = model.generate(**inputs, do_sample=False, max_new_tokens=48)
        new = ids[0, inputs["input_ids"].shape[1] :]
        said.append(processor.decode(new, skip_special_tokens=True))
    return said


def prompt(processor: Any, question: str, blind: bool) -> str:  # noqa: ANN401  # any processor
    if getattr(processor, "chat_template", None) is None:
        return question
    parts = [{"type": "image"}, {"type": "text", "text": question}]
    turns = [{"role": "user", "content": question if blind else parts}]
    return str(processor.apply_chat_template(turns, add_generation_prompt=True, tokenize=False))


def test_greedy_answers_depend_on_the_question_and_on_the_picture(
    name: str, tmp_path: Path
) -> None:
    blind = name == "llama"
    folder = make_tiny(name, tmp_path)
    by_question = answers(folder, blind, [(question, 0) for question in QUESTIONS])
    assert len(set(by_question)) == len(QUESTIONS)
    lengths = {len(text.split()) for text in by_question}
    assert len(lengths) > 1
    assert min(lengths) < 48, "some answer ends by itself"
    if not blind:
        by_picture = answers(folder, blind, [(QUESTIONS[1], number) for number in range(5)])
        assert len(set(by_picture)) >= 4
