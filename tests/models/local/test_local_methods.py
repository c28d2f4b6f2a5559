"""The same method through an API and through weights loaded here says the same to a model."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from servers import openai_server

pytest.importorskip("torch", reason="local models need torch")
pytest.importorskip("transformers", reason="local models need transformers")

from local_models import open_tiny

from vscbench.methods.open import open_method
from vscbench.methods.protocol import MethodSpec
from vscbench.models.litellm_model import open_litellm
from vscbench.models.local.prompts import ChatTemplate
from vscbench.models.protocol import ModelSpec
from vscbench.records import Request

METHODS = [
    MethodSpec("none"),
    MethodSpec("safety-prompt"),
    MethodSpec("safety-prompt", params={"place": "user"}),
    MethodSpec("few-shot"),
    MethodSpec("few-shot", params={"count": 2, "seed": 3}),
    MethodSpec("chain-of-thought"),
]


def sent_to_a_provider(request: Request) -> list[dict[str, Any]]:
    """Return the messages that arrive at a server, images as places."""
    with openai_server() as server:
        spec = ModelSpec("openai/a-model", server.base_url)
        asyncio.run(open_litellm(spec, "openai/a-model").respond(request))
        (received,) = server.requests
    messages: list[dict[str, Any]] = received.body["messages"]
    return [{**each, "content": _parts(each["content"])} for each in messages]


def _parts(content: str | list[dict[str, Any]]) -> list[dict[str, str]]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [{"type": "image"} if part["type"] == "image_url" else part for part in content]


@pytest.mark.parametrize("has_image", [True, False])
@pytest.mark.parametrize("spec", METHODS, ids=lambda spec: f"{spec.name}{spec.params or ''}")
def test_both_ways_fill_a_template_alike(
    spec: MethodSpec, has_image: bool, tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    Image.new("RGB", (32, 32), "blue").save(tmp_path / "a.png")
    image = tmp_path / "a.png" if has_image else None
    request = open_method(spec).prepare(Request("p", 1, "What is this?", image, "Be brief."))
    prompting = open_tiny(tiny("llava-next")).maker.prompting
    assert isinstance(prompting, ChatTemplate)
    messages = sent_to_a_provider(request)
    by_provider = prompting.processor.apply_chat_template(
        messages, tokenize=False, add_generation_prompt=True
    )
    assert prompting.text(request) == by_provider


@pytest.mark.parametrize("name", ["llava", "llava-next", "idefics3", "gemma3", "mllama", "janus"])
def test_demonstrations_with_images_get_into_a_batch_of_weights_loaded_here(
    name: str, tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    Image.new("RGB", (40, 32), "green").save(tmp_path / "a.png")
    asked = Request("p", 1, "What is this?", tmp_path / "a.png", None)
    model = open_tiny(tiny(name))
    plain, shown = model.maker.make(asked), open_method(MethodSpec("few-shot")).prepare(asked)
    row = model.maker.make(shown)
    assert row.length > 2 * plain.length
    images = [row.inputs[key] for key in row.inputs if key.startswith("pixel_values")]
    assert images
    response = asyncio.run(model.respond(shown))
    assert response.prompt_tokens == row.length
