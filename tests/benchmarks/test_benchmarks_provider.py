import http.client
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from benchmarks import provider
from benchmarks.provider import ANSWERED, DECLINE, REFUSED, RunningProvider, running_provider

LATENCY_S = 0.02


@pytest.fixture(scope="module")
def running() -> Iterator[RunningProvider]:
    with running_provider(LATENCY_S) as started:
        yield started


@pytest.fixture
def connection(running: RunningProvider) -> Iterator[http.client.HTTPConnection]:
    opened = http.client.HTTPConnection(urlsplit(running.base_url).netloc, timeout=30)
    yield opened
    opened.close()


def body_of(text: str, image: str = "", *, text_first: bool = False) -> bytes:
    content = [{"type": "image_url", "image_url": {"url": image}}, {"type": "text", "text": text}]
    content = content[::-1] if text_first else content
    return json.dumps({"model": "m", "messages": [{"role": "user", "content": content}]}).encode()


def wait_until(condition: Callable[[], bool], within_s: float = 30.0) -> None:
    ending = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < ending


def ask(connection: http.client.HTTPConnection, body: bytes) -> str:
    connection.request("POST", "/v1/chat/completions", body)
    answer = connection.getresponse()
    assert answer.status == 200
    return str(json.load(answer)["choices"][0]["message"]["content"])


@pytest.mark.parametrize("size", [0, 10, 70_000, 400_000])
def test_the_text_of_a_request_decides_on_the_answer_whatever_its_size(
    connection: http.client.HTTPConnection, size: int
) -> None:
    image = "x" * size
    assert ask(connection, body_of("What is this?", image)) == ANSWERED
    assert ask(connection, body_of(f"What is this, and {DECLINE}?", image)) == REFUSED
    assert ask(connection, body_of(f"Well, {DECLINE}.", image, text_first=True)) == REFUSED


def test_one_connection_serves_requests_that_are_sent_before_the_answers_come(
    running: RunningProvider, connection: http.client.HTTPConnection
) -> None:
    before = running.stats()["answered"]
    body = body_of("What is this?", "y" * 90_000)
    head = f"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    connection.connect()
    connection.sock.sendall((head + body) * 5)
    with connection.sock.makefile("rb") as answers:
        for _ in range(5):
            assert answers.readline() == b"HTTP/1.1 200 OK\r\n"
            length = 0
            while (line := answers.readline()) != b"\r\n":
                name, _, value = line.partition(b":")
                length = int(value) if name == b"Content-Length" else length
            assert json.loads(answers.read(length))["model"] == "bench-served"
    assert running.stats()["answered"] == before + 5


def test_the_stats_count_requests_images_bytes_and_how_many_were_in_flight_at_once() -> None:
    bodies = [body_of("What is this?", str(number) * 5_000) for number in (1, 1, 2, 3)]
    with running_provider(0.0) as running:
        place = urlsplit(running.base_url).netloc
        connections = [http.client.HTTPConnection(place, timeout=30) for _ in bodies]
        for connection, body in zip(connections, bodies, strict=True):
            connection.putrequest("POST", "/v1/chat/completions")
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body[:-1])
        wait_until(lambda: running.stats()["in_flight"] == 4)
        for connection in connections:
            connection.send(b"}")
            assert connection.getresponse().status == 200
            connection.close()
        stats = running.stats()
    assert stats["requests"] == stats["answered"] == stats["peak_in_flight"] == 4
    assert stats["distinct"] == 3
    assert stats["bytes"] == sum(map(len, bodies))
    assert stats["in_flight"] == 0
    assert stats["cpu_s"] > 0


@pytest.mark.parametrize(
    ("asked", "header", "status"),
    [
        ("GET /v1/models", ("Accept", "*/*"), 404),
        ("POST /v1/responses", ("Content-Length", "2"), 404),
        ("POST /v1/chat/completions", ("Transfer-Encoding", "chunked"), 411),
        ("POST /v1/chat/completions", ("Filler", "z" * 70_000), 431),
    ],
)
def test_what_is_not_served_is_said_and_asks_nothing(
    running: RunningProvider,
    connection: http.client.HTTPConnection,
    asked: str,
    header: tuple[str, str],
    status: int,
) -> None:
    before = running.stats()["requests"]
    method, path = asked.split()
    connection.putrequest(method, path)
    connection.putheader(*header)
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status == status
    assert json.load(answer)["error"]["message"]
    assert running.stats()["requests"] == before


def test_a_client_that_goes_away_leaves_nothing_in_flight() -> None:
    with running_provider(30.0) as running:
        gone = http.client.HTTPConnection(urlsplit(running.base_url).netloc, timeout=30)
        gone.request("POST", "/v1/chat/completions", body_of("What is this?"))
        wait_until(lambda: running.stats()["requests"] == 1)
        gone.close()
        wait_until(lambda: running.stats()["in_flight"] == 0)
        assert running.stats()["answered"] == 0


@pytest.mark.skipif(sys.platform == "win32", reason="a process is ended there without a word")
def test_a_provider_that_is_told_to_stop_prints_what_it_served() -> None:
    command = [sys.executable, str(Path(provider.__file__))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("http://127.0.0.1:")
        process.terminate()
        printed, _ = process.communicate(timeout=30)
    assert json.loads(printed)["requests"] == 0
    assert process.returncode == 0
