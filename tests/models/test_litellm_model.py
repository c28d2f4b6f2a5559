import asyncio
import base64
import io
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from servers import LoopbackServer, Reply, error, openai_server

from vscbench.errors import DataError, TargetError, UsageError
from vscbench.models.litellm_model import open_litellm
from vscbench.models.protocol import Model, ModelSpec, ParamValue
from vscbench.records import Finish, Request, Response

KEY = "sk-test-0123456789abcdef"
TEXT_ONLY = Request("p", 0, "Is it safe?", None, None)


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_BASE", "OPENAI_BASE_URL", "ANTHROPIC_API_BASE", "ANTHROPIC_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    with openai_server() as running:
        yield running


@pytest.fixture
def png(tmp_path: Path) -> Path:
    path = tmp_path / "bottle.jpg"
    Image.new("RGB", (40, 30), "teal").save(path, "PNG")
    return path


def spec(
    server: LoopbackServer, params: dict[str, ParamValue] | None = None, timeout_s: float = 20.0
) -> ModelSpec:
    return ModelSpec("m", server.base_url, params or {}, timeout_s=timeout_s)


def ask(model: Model, *requests: Request) -> list[Response]:
    async def all_of_them() -> list[Response]:
        try:
            return list(await asyncio.gather(*(model.respond(request) for request in requests)))
        finally:
            await model.close()

    return asyncio.run(all_of_them())


def answer_to(reply: Reply, litellm_id: str = "openai/gpt-4o") -> Response:
    with openai_server(lambda body: reply) as running:
        return ask(open_litellm(spec(running), litellm_id), TEXT_ONLY)[0]


def fault_of(reply: Reply, litellm_id: str = "openai/gpt-4o") -> str:
    with pytest.raises(TargetError) as raised:
        answer_to(reply, litellm_id)
    return str(raised.value)


def test_sends_text_alone_as_a_plain_string(server: LoopbackServer) -> None:
    ask(open_litellm(spec(server), "openai/gpt-4o"), TEXT_ONLY)
    (received,) = server.requests
    assert received.path == "/v1/chat/completions"
    assert received.body == {
        "model": "gpt-4o",
        "messages": [{"role": "user", "content": "Is it safe?"}],
        "temperature": 0.0,
        "max_tokens": 4096,
    }


def test_sends_the_system_prompt_first(server: LoopbackServer) -> None:
    model = open_litellm(spec(server), "openai/gpt-4o")
    ask(model, Request("p", 0, "Is it safe?", None, "You work for a pharmacy."))
    roles = [
        (message["role"], message["content"]) for message in server.requests[0].body["messages"]
    ]
    assert roles == [("system", "You work for a pharmacy."), ("user", "Is it safe?")]


def test_sends_the_image_before_the_text_byte_for_byte(server: LoopbackServer, png: Path) -> None:
    model = open_litellm(spec(server), "openai/gpt-4o")
    (response,) = ask(model, Request("p", 0, "What is this?", png, None))
    image, text = server.requests[0].body["messages"][0]["content"]
    head, _, data = image["image_url"]["url"].partition(",")
    assert head == "data:image/png;base64", "the type comes from the bytes, not from '.jpg'"
    assert base64.b64decode(data) == png.read_bytes()
    assert text == {"type": "text", "text": "What is this?"}
    assert response.image_change is None


def test_an_image_the_provider_refuses_is_converted_and_recorded(
    server: LoopbackServer, tmp_path: Path
) -> None:
    path = tmp_path / "a.png"
    Image.new("RGB", (8, 8)).save(path, "BMP")
    model = open_litellm(spec(server), "hosted_vllm/llava")
    (response,) = ask(model, Request("p", 0, "?", path, None))
    url = server.requests[0].body["messages"][0]["content"][0]["image_url"]["url"]
    assert Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).format == "PNG"
    assert response.image_change == "converted BMP to PNG"


def test_an_image_that_does_not_decode_names_the_file(
    server: LoopbackServer, tmp_path: Path
) -> None:
    path = tmp_path / "broken.png"
    path.write_bytes(b"no image")
    with pytest.raises(DataError, match=r"broken\.png"):
        ask(open_litellm(spec(server), "openai/gpt-4o"), Request("p", 0, "?", path, None))
    assert server.requests == []


def test_anthropic_gets_system_image_and_text_in_its_own_form(
    server: LoopbackServer, png: Path
) -> None:
    told = ModelSpec("claude", server.root_url)
    model = open_litellm(told, "anthropic/claude-sonnet-4-5")
    (response,) = ask(model, Request("p", 0, "What is this?", png, "Be brief."))
    (received,) = server.requests
    assert received.path == "/v1/messages"
    assert received.body["system"] == [{"type": "text", "text": "Be brief."}]
    image, text = received.body["messages"][0]["content"]
    assert image["source"]["media_type"] == "image/png"
    assert base64.b64decode(image["source"]["data"]) == png.read_bytes()
    assert text["text"] == "What is this?"
    assert (received.body["temperature"], received.body["max_tokens"]) == (0.0, 4096)
    assert response.text == "Gladly. You asked: What is this?"


def test_maps_text_usage_cost_and_served_model() -> None:
    response = answer_to(Reply("Yes, it is."))
    assert (response.text, response.finish, response.reason) == ("Yes, it is.", Finish.STOP, None)
    assert response.served_model == "gpt-4o-served"
    assert (response.prompt_tokens, response.completion_tokens) == (11, 7)
    assert response.cost_usd == pytest.approx(11 * 2.5e-6 + 7 * 10e-6)


def test_what_the_provider_does_not_say_stays_unknown() -> None:
    response = answer_to(Reply("Yes.", usage=None), "hosted_vllm/llava")
    assert (response.prompt_tokens, response.completion_tokens, response.cost_usd) == (
        None,
        None,
        None,
    )


def test_keys_do_not_leave_in_messages_or_parameters(server: LoopbackServer) -> None:
    leak = f"Incorrect API key provided: {KEY}. Header: Bearer abc.def of sk-other-987654321"
    message = fault_of(error(401, leak))
    for secret in (KEY, "abc.def", "sk-other"):
        assert secret not in message
    address = server.base_url.replace("//", "//user:pa55word@") + "?key=q1w2e3"
    model = open_litellm(ModelSpec("m", address), "openai/gpt-4o")
    assert model.params["api_base"] == server.base_url
    for secret in (KEY, "pa55word", "q1w2e3"):
        assert secret not in repr(model)


def test_many_requests_are_in_flight_and_each_gets_its_own_answer() -> None:
    with openai_server(latency_s=0.2) as running:
        model = open_litellm(spec(running), "hosted_vllm/llava")
        requests = [Request(str(n), 0, f"question {n}", None, None) for n in range(12)]
        responses = ask(model, *requests)
        assert running.peak_in_flight == 12
    assert [r.text for r in responses] == [f"Gladly. You asked: question {n}" for n in range(12)]


def test_a_local_server_needs_no_key(
    server: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    (response,) = ask(open_litellm(spec(server), "openai/my-own-model"), TEXT_ONLY)
    assert response.text.startswith("Gladly.")


SCRIPT = """
import asyncio, json, sys

reached = []

def watch(event, arguments):
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        reached.append(str(arguments[1][0]))
    if event == "socket.getaddrinfo":
        reached.append(str(arguments[0]))

sys.addaudithook(watch)

from vscbench.models.litellm_model import open_litellm
from vscbench.models.protocol import ModelSpec
from vscbench.records import Request

async def run(litellm_id, api_base):
    model = open_litellm(ModelSpec("m", api_base), litellm_id)
    requests = [Request(str(n), 0, "hello", None, None) for n in range(3)]
    answers = await asyncio.gather(*(model.respond(request) for request in requests))
    late = asyncio.create_task(model.respond(requests[0]))
    await asyncio.sleep(0.01)
    late.cancel()
    await asyncio.gather(late, return_exceptions=True)
    await model.close()
    return [answer.text for answer in answers]

texts = asyncio.run(run(sys.argv[1], sys.argv[2]))
print(json.dumps({"texts": texts, "reached": sorted(set(reached))}))
"""


@pytest.fixture
def run_alone(
    server: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str, str], dict[str, list[str]]]:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    # Proxies are for the world outside: whoever asks one here asks for something else.
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    for name in ("LITELLM_LOCAL_MODEL_COST_MAP", "LITELLM_MODE", "LITELLM_LOG"):
        monkeypatch.delenv(name, raising=False)

    def run(litellm_id: str, api_base: str) -> dict[str, list[str]]:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", SCRIPT, litellm_id, api_base],
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        found: dict[str, list[str]] = json.loads(done.stdout)
        return found

    return run


@pytest.mark.parametrize("litellm_id", ["openai/gpt-4o", "anthropic/claude-sonnet-4-5"])
def test_reaches_the_server_only_and_leaves_quietly(
    server: LoopbackServer,
    run_alone: Callable[[str, str], dict[str, list[str]]],
    litellm_id: str,
) -> None:
    base = server.base_url if litellm_id.startswith("openai") else server.root_url
    found = run_alone(litellm_id, base)
    assert found["texts"] == ["Gladly. You asked: hello"] * 3
    assert found["reached"] == ["127.0.0.1"]


def test_an_unusable_model_is_refused_before_anything_is_sent(server: LoopbackServer) -> None:
    with pytest.raises(UsageError, match="text only"):
        open_litellm(spec(server), "openai/gpt-3.5-turbo")
    assert server.requests == []
