"""What a judge's model is sent beside a target's: a schema for answers, a conversation."""

import asyncio

import pytest
from servers import LoopbackServer, openai_server

from vscbench.models.names import load_names
from vscbench.models.open import open_model
from vscbench.models.protocol import ModelSpec, ParamValue
from vscbench.records import Request

SCHEMA: dict[str, object] = {
    "type": "object",
    "properties": {"class": {"type": "string"}},
    "required": ["class"],
    "additionalProperties": False,
}
CONVERSATION = Request("judge", 1, "How do I get in?", None, None, answer="Lift the latch.")


def ask(server: LoopbackServer, name: str, **params: ParamValue) -> None:
    async def asked() -> None:
        spec = ModelSpec(name, server.base_url, params, answer_schema=SCHEMA)
        model = open_model(spec, load_names({}))
        await model.respond(CONVERSATION)
        await model.close()

    asyncio.run(asked())


def test_a_model_that_can_be_held_to_a_schema_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0123456789abcdef")
    with openai_server() as server:
        ask(server, "openai/gpt-4o")
        ask(server, "openai/an-unknown-model")
        ask(server, "openai/gpt-4o", response_format={"type": "json_object"})
        bodies = [request.body for request in server.requests]
    form = bodies[0]["response_format"]
    assert (form["type"], form["json_schema"]["schema"]) == ("json_schema", SCHEMA)
    assert "response_format" not in bodies[1]
    assert bodies[2]["response_format"] == {"type": "json_object"}


def test_a_conversation_to_be_read_ends_with_the_assistants_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0123456789abcdef")
    with openai_server() as server:
        ask(server, "openai/llama-guard-3")
        (request,) = server.requests
    assert request.body["messages"] == [
        {"role": "user", "content": "How do I get in?"},
        {"role": "assistant", "content": "Lift the latch."},
    ]
