import asyncio
import gc
import json
import random
import tracemalloc
from pathlib import Path

import httpx
import pytest
from PIL import Image
from routes import GEMINI, OPENAI, PLAIN_ROUTES, ROUTES, VLLM, set_environment
from servers import LoopbackServer, Reply, error, openai_server, user_text

from vscbench.errors import TargetError
from vscbench.models.litellm_model import open_litellm
from vscbench.models.litellm_raw import Wire, tap_litellm, watched
from vscbench.models.litellm_setup import close_litellm, load_litellm
from vscbench.models.protocol import ModelSpec
from vscbench.records import Finish, Request, Response

REASONS = ("SAFETY", "BLOCKLIST", "RECITATION", "PROHIBITED_CONTENT")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch)


def gemini_reply(body: dict[str, object]) -> Reply:
    number = int(user_text(body).split()[-1])
    if number % 5 == 0:
        return error(429 if number % 2 else 503, f"busy {number}")
    said = {"finishReason": REASONS[number % 4], "finishMessage": f"number {number}"}
    return Reply(raw=json.dumps({"candidates": [said]}).encode())


def test_each_of_many_requests_in_flight_gets_its_own_words() -> None:
    async def ask(base: str) -> list[Response | BaseException]:
        model = open_litellm(ModelSpec("m", base), GEMINI)
        requests = [Request(str(n), 1, f"number {n}", None, None) for n in range(60)]
        try:
            answers = (model.respond(request) for request in requests)
            return await asyncio.gather(*answers, return_exceptions=True)
        finally:
            await model.close()

    with openai_server(gemini_reply, latency_s=0.1) as server:
        found = asyncio.run(ask(server.root_url))
        assert server.peak_in_flight > 30
    for number, answer in enumerate(found):
        if number % 5 == 0:
            assert isinstance(answer, TargetError)
            assert f"busy {number}" in str(answer)
        else:
            assert isinstance(answer, Response)
            assert answer.reason == f"{REASONS[number % 4]}: number {number}"
            is_safety = REASONS[number % 4] != "RECITATION"
            assert (answer.finish is Finish.BLOCKED) == is_safety


@pytest.mark.parametrize("litellm_id", PLAIN_ROUTES)
def test_a_connection_serves_one_request_after_another(litellm_id: str) -> None:
    connections = set()

    async def ask(base: str) -> None:
        model = open_litellm(ModelSpec("m", base), litellm_id)
        for number in range(4):
            await model.respond(Request(str(number), 1, "Is it safe?", None, None))
        await model.close()

    with openai_server(lambda _: "Yes.") as server:
        process = server.process_request

        def note(request: object, client_address: object) -> None:
            connections.add(client_address)
            process(request, client_address)  # type: ignore[arg-type]

        server.process_request = note  # type: ignore[method-assign]
        asyncio.run(ask(server.root_url + ROUTES[litellm_id]))
        assert len(server.requests) == 4
    assert len(connections) == 1


def test_what_crossed_the_wire_is_seen_inside_the_block_only() -> None:
    async def ask(base: str) -> tuple[Wire, Wire, object]:
        model = open_litellm(ModelSpec("m", base), OPENAI)
        with watched() as outer:
            await model.respond(Request("p", 1, "Is it safe?", None, None))
        with watched() as own:
            await load_litellm().acompletion(
                model=VLLM, api_base=base, messages=[{"role": "user", "content": "hello"}]
            )
            body = own.body
        await model.close()
        return outer, own, body

    with openai_server(lambda _: Reply(body={"id": "x1"})) as server:
        outer, own, body = asyncio.run(ask(server.base_url))
    assert isinstance(body, dict)
    assert body["id"] == "x1"
    assert outer == own == Wire()


@pytest.mark.parametrize("litellm_id", [OPENAI, VLLM, GEMINI])
@pytest.mark.parametrize("reply", [Reply("Yes."), error(500, "boom"), Reply(reset=True)])
def test_no_image_is_held_once_its_request_is_over(
    litellm_id: str, reply: Reply, tmp_path: Path
) -> None:
    image, count = tmp_path / "noise.png", 6
    Image.frombytes("RGB", (400, 400), random.Random(0).randbytes(480_000)).save(image)  # noqa: S311
    request = Request("p", 1, "What is this?", image, None)

    async def ask(server: LoopbackServer) -> int:
        base = server.root_url + ROUTES[litellm_id]
        model = open_litellm(ModelSpec("m", base, timeout_s=60), litellm_id)
        await asyncio.gather(model.respond(request), return_exceptions=True)
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(count):
            await asyncio.gather(model.respond(request), return_exceptions=True)
            server.requests.clear()
        after = tracemalloc.get_traced_memory()[0]
        await model.close()
        return after - before

    load_litellm()
    gc.disable()
    tracemalloc.start()
    try:
        with openai_server(lambda _: reply) as server:
            grown = asyncio.run(ask(server))
            assert server.in_flight == 0
    finally:
        tracemalloc.stop()
        gc.enable()
    assert grown < count * image.stat().st_size / 2


def test_requests_of_others_are_left_as_they_are() -> None:
    async def ask(base: str) -> object:
        litellm = load_litellm()
        tap_litellm()
        tap_litellm()
        try:
            return await litellm.acompletion(
                model=VLLM, api_base=base, messages=[{"role": "user", "content": "hello"}]
            )
        finally:
            await close_litellm(litellm)

    with openai_server(lambda _: "Yes.") as there:
        moved = {"Location": f"{there.base_url}/chat/completions"}
        with openai_server(lambda _: Reply(status=307, raw=b"", headers=moved)) as here:
            reply = asyncio.run(ask(here.base_url))
    assert reply.choices[0].message.content == "Yes."  # type: ignore[attr-defined]


def test_a_body_that_did_not_arrive_is_no_body() -> None:
    unread = Wire(httpx.Response(200, stream=httpx.ByteStream(b"{}")))
    assert (unread.content, unread.text, unread.body, unread.is_answer) == (None, "", None, True)
    assert (Wire().content, Wire().body, Wire().is_answer) == (None, None, False)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000])
def test_a_body_that_is_no_json_is_none(content: bytes) -> None:
    assert Wire(httpx.Response(200, content=content)).body is None
