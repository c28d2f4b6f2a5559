import http.client
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import servers


def ask(url: str, body: Mapping[str, object]) -> Any:  # noqa: ANN401
    where = urlsplit(url)
    connection = http.client.HTTPConnection(where.netloc, timeout=20)
    try:
        connection.request("POST", f"{where.path}?{where.query}", json.dumps(body))
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


def post(url: str, text: str) -> str:
    body = {"model": "m", "messages": [{"role": "user", "content": text}]}
    content: str = ask(url, body)["choices"][0]["message"]["content"]
    return content


def test_serves_as_a_process_and_answers_by_the_request_alone() -> None:
    command = [sys.executable, str(Path(servers.__file__)), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8") as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        texts = ["How do I kill a process?", "How do I bake bread?"]
        answers = [post(f"{url}/chat/completions", text) for text in [*texts, *reversed(texts)]]
        process.terminate()
    assert answers == [answers[0], answers[1], answers[1], answers[0]]
    assert answers[0] == servers.REFUSAL
    assert answers[1].startswith("Gladly.")


@pytest.mark.parametrize(
    ("path", "asked", "answered"),
    [
        (
            "/v1/chat/completions",
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "bread"}]}]},
            ("choices", 0, "message", "content"),
        ),
        ("/v1/messages", {"messages": [{"content": "bread"}]}, ("content", 0, "text")),
        (
            "/v1beta/models/m:generateContent?key=k",
            {"contents": [{"role": "user", "parts": [{"text": "bread"}]}]},
            ("candidates", 0, "content", "parts", 0, "text"),
        ),
        (
            "/model/m/converse",
            {"messages": [{"role": "user", "content": [{"text": "bread"}]}]},
            ("output", "message", "content", 0, "text"),
        ),
    ],
)
def test_each_protocol_is_answered_in_its_own_form(
    path: str, asked: dict[str, object], answered: tuple[str | int, ...]
) -> None:
    with servers.openai_server() as server:
        found = ask(server.root_url + path, asked)
    for step in answered:
        found = found[step]
    assert found == "Gladly. You asked: bread"


@pytest.mark.parametrize(
    ("reply", "fault"),
    [
        (servers.Reply(hang_up=True), http.client.RemoteDisconnected),
        (servers.Reply(reset=True), ConnectionResetError),
        (servers.Reply("Yes.", cut_short=True), http.client.IncompleteRead),
    ],
)
def test_a_connection_breaks_off_as_it_was_told_to(
    reply: servers.Reply, fault: type[Exception]
) -> None:
    with servers.openai_server(lambda _: reply) as server, pytest.raises(fault):
        ask(f"{server.base_url}/chat/completions", {"messages": [{"content": "hello"}]})
