import asyncio

import pytest
from servers import openai_server

from vscbench.errors import UsageError
from vscbench.models.litellm_model import open_litellm
from vscbench.models.litellm_parameters import RESERVED, choose_parameters
from vscbench.models.litellm_route import find_route
from vscbench.models.litellm_setup import load_litellm
from vscbench.models.protocol import ModelSpec, ParamValue
from vscbench.records import Request

LITELLM = load_litellm()


def chosen(litellm_id: str, **asked: ParamValue) -> dict[str, ParamValue]:
    spec = ModelSpec(litellm_id, "http://localhost:8000/v1")
    return choose_parameters(LITELLM, find_route(LITELLM, litellm_id, spec), asked)


def refusal(litellm_id: str, **asked: ParamValue) -> str:
    with pytest.raises(UsageError) as raised:
        chosen(litellm_id, **asked)
    return str(raised.value)


@pytest.mark.parametrize(
    ("litellm_id", "expected"),
    [
        ("openai/gpt-4o", {"temperature": 0.0, "max_tokens": 4096}),
        ("openai/gpt-5.1", {"temperature": 0.0, "max_completion_tokens": 4096}),
        ("openai/gpt-5", {"max_completion_tokens": 4096}),
        ("openai/o3", {"max_completion_tokens": 4096}),
        ("azure/o3", {"max_completion_tokens": 4096}),
        ("anthropic/claude-sonnet-4-5", {"temperature": 0.0, "max_tokens": 4096}),
        ("gemini/gemini-2.5-flash", {"temperature": 0.0, "max_tokens": 4096}),
        ("hosted_vllm/llava", {"temperature": 0.0, "max_tokens": 4096}),
        ("openai/of-our-own", {"temperature": 0.0, "max_tokens": 4096}),
    ],
)
def test_defaults_are_those_the_model_takes(
    litellm_id: str, expected: dict[str, ParamValue]
) -> None:
    assert chosen(litellm_id) == expected


def test_no_more_tokens_are_asked_for_than_the_model_can_write() -> None:
    assert chosen("openai/gpt-4-turbo")["max_tokens"] == 4096
    known = {
        name: entry["max_output_tokens"]
        for name, entry in LITELLM.model_cost.items()
        if entry.get("litellm_provider") == "mistral" and entry.get("max_output_tokens")
    }
    name, most = min(known.items(), key=lambda entry: int(entry[1]))
    assert chosen(name)["max_tokens"] == min(4096, most)


def test_what_is_asked_for_overrides_and_none_takes_away() -> None:
    assert chosen("openai/gpt-4o", temperature=0.7, max_tokens=20, top_p=0.9, seed=1) == {
        "temperature": 0.7,
        "max_tokens": 20,
        "top_p": 0.9,
        "seed": 1,
    }
    assert chosen("openai/gpt-4o", temperature=None, max_tokens=None) == {}
    assert chosen("openai/o3", max_completion_tokens=99) == {"max_completion_tokens": 99}


def test_temperature_is_left_out_where_thinking_forbids_it() -> None:
    assert "temperature" not in chosen("openai/gpt-5.1", reasoning_effort="high")
    assert "temperature" not in chosen("anthropic/claude-sonnet-4-5", reasoning_effort="low")
    assert chosen("openai/gpt-5.1", reasoning_effort="none")["temperature"] == 0.0


def test_what_the_model_does_not_take_is_named() -> None:
    assert "temperature=0.5: openai/o3 does not take this" in refusal("openai/o3", temperature=0.5)
    said = refusal("openai/gpt-4o", top_p=0.5, reasoning_effort="high")
    assert "reasoning_effort=high" in said
    assert "top_p" not in said


def test_a_servers_own_parameter_passes_through() -> None:
    assert chosen("hosted_vllm/llava", top_k=5)["top_k"] == 5


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_what_is_ours_to_say_is_refused(name: str) -> None:
    assert f"--vsc-param {name}: not a parameter to set here" in refusal(
        "openai/gpt-4o", **{name: 1}
    )


@pytest.mark.parametrize(
    "asked",
    [
        {"api_key": "x"},
        {"aws_secret_access_key": "x"},
        {"azure_ad_token": "x"},
        {"extra_headers": {"Authorization": "Basic abc"}},
        {"extra_headers": {"x-api-key": "x"}},
        {"user": "sk-abcdef123456"},
    ],
)
def test_a_secret_is_refused_without_repeating_it(asked: dict[str, ParamValue]) -> None:
    said = refusal("openai/gpt-4o", **asked)
    assert "looks like a secret" in said
    assert "abc" not in said


def test_the_wire_carries_what_is_printed() -> None:
    async def ask(spec: ModelSpec, litellm_id: str) -> dict[str, ParamValue]:
        model = open_litellm(spec, litellm_id)
        await model.respond(Request("p", 0, "hello", None, None))
        await model.close()
        return dict(model.params)

    asked: dict[str, ParamValue] = {
        "top_p": 0.9,
        "seed": 3,
        "extra_headers": {"x-team": "red"},
        "extra_body": {"top_k": 4},
    }
    with openai_server() as server:
        for litellm_id in ("openai/gpt-4o", "openai/o3", "hosted_vllm/llava"):
            params = {} if litellm_id == "openai/o3" else asked
            shown = asyncio.run(ask(ModelSpec("m", server.base_url, params), litellm_id))
            received = server.requests[-1]
            assert shown.pop("api_base") == server.base_url
            assert shown.pop("model") == litellm_id
            headers = shown.pop("extra_headers", {})
            assert isinstance(headers, dict)
            assert headers.items() <= received.headers.items()
            body = shown.pop("extra_body", {})
            assert isinstance(body, dict)
            sent = {key: received.body[key] for key in received.body.keys() - {"model", "messages"}}
            assert sent == {**shown, **body}
