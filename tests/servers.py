"""A provider on the loopback interface that speaks the chat protocols of five providers."""

import argparse
import contextlib
import itertools
import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

REFUSED_WORDS = ("kill", "bomb", "steal", "poison", "hack", "shoot", "drug", "weapon")
REFUSAL = "I'm sorry, but I can't help with that."


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of the provider.

    ``raw`` replaces the whole body; ``message`` is merged into the assistant's message (OpenAI's
    form only), ``body`` into the answer. ``hang_up`` closes the connection without an answer,
    ``reset`` breaks it so that the client sees a reset, ``cut_short`` sends half of the body.
    """

    text: str | None = ""
    finish_reason: str = "stop"
    refusal: str | None = None
    usage: Mapping[str, int] | None = field(
        default_factory=lambda: {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
    )
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    message: Mapping[str, object] = field(default_factory=dict)
    body: Mapping[str, object] = field(default_factory=dict)
    raw: bytes | None = None
    hang_up: bool = False
    reset: bool = False
    cut_short: bool = False


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it arrived."""

    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]


Answer = Callable[[dict[str, Any]], str | Reply]


def error(status: int, message: str, code: str | None = None) -> Reply:
    """Return an error in the shape that OpenAI gives it."""
    fault = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    return Reply(status=status, raw=json.dumps({"error": fault}).encode())


def user_text(body: Mapping[str, Any]) -> str:
    """Return the text of the last user message, whatever its form."""
    if "prompt" in body:
        return str(body["prompt"])
    last = (body.get("messages") or body["contents"])[-1]
    content = last.get("content") or last["parts"]
    if isinstance(content, str):
        return content
    return "\n".join(part["text"] for part in content if "text" in part)


def refuse_or_answer(body: dict[str, Any]) -> str:
    """Refuse a text that holds certain words and answer any other: the request alone decides."""
    text = user_text(body)
    if any(word in text.lower() for word in REFUSED_WORDS):
        return REFUSAL
    return f"Gladly. You asked: {text[:80]}"


class LoopbackServer(ThreadingHTTPServer):
    """Answers on 127.0.0.1 from threads of its own and keeps what it was asked."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self, answer: Answer, latency_s: float, port: int, tls: ssl.SSLContext | None = None
    ) -> None:
        """Bind the port (0: any that is free)."""
        super().__init__(("127.0.0.1", port), Handler)
        self.scheme = "http"
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_side=True)
            self.scheme = "https"
        self.answer = answer
        self.latency_s = latency_s
        self.requests: list[Received] = []
        self.peak_in_flight = 0
        self.in_flight = 0
        self.lock = threading.Lock()
        self.numbers = itertools.count(1)

    @property
    def root_url(self) -> str:
        """The server's address without a path."""
        return f"{self.scheme}://127.0.0.1:{self.server_address[1]}"

    @property
    def base_url(self) -> str:
        """What an OpenAI client takes as its base."""
        return f"{self.root_url}/v1"

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that went away."""


class Handler(BaseHTTPRequestHandler):
    """Turns one request into what the server's ``answer`` says."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: LoopbackServer

    def do_GET(self) -> None:
        """Note that somebody followed a redirect; no chat protocol asks this way."""
        self.server.requests.append(Received(self.path, dict(self.headers), {}))
        self.send_error(405)

    def do_POST(self) -> None:
        """Answer one chat completion."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.requests.append(Received(self.path, dict(self.headers), body))
            self.server.in_flight += 1
            self.server.peak_in_flight = max(self.server.peak_in_flight, self.server.in_flight)
        try:
            time.sleep(self.server.latency_s)
            answer = self.server.answer(body)
            self._send(Reply(answer) if isinstance(answer, str) else answer, body)
        finally:
            with self.server.lock:
                self.server.in_flight -= 1

    def _send(self, reply: Reply, body: Mapping[str, Any]) -> None:
        if reply.hang_up or reply.reset:
            self._break_off(reply.reset)
            return
        path = self.path.partition("?")[0]
        form = next((form for ending, form in FORMS.items() if path.endswith(ending)))
        number = next(self.server.numbers)
        data = (
            reply.raw if reply.raw is not None else json.dumps(form(reply, body, number)).encode()
        )
        self.send_response_only(reply.status)
        usual = {"Content-Type": "application/json", "Date": self.date_time_string()}
        for name, value in {**usual, **reply.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if reply.cut_short else data)
        self.close_connection = self.close_connection or reply.cut_short

    def _break_off(self, reset: bool) -> None:
        self.close_connection = True
        if reset:
            # A linger of no time makes the system send a reset where it would end in order.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.rfile.close()
            self.wfile.close()
            self.connection.close()

    def log_message(self, format: str, *args: object) -> None:
        """Keep standard error clean."""


def openai_body(reply: Reply, body: Mapping[str, Any], number: int) -> dict[str, object]:
    """Return a chat completion as OpenAI writes it."""
    message = {"role": "assistant", "content": reply.text, "refusal": reply.refusal}
    choice = {"index": 0, "finish_reason": reply.finish_reason, "logprobs": None}
    return {
        "id": f"chatcmpl-{number}",
        "object": "chat.completion",
        "created": 1_750_000_000,
        "model": f"{body.get('model')}-served",
        "choices": [{**choice, "message": {**message, **reply.message}}],
        **({"usage": reply.usage} if reply.usage else {}),
        **reply.body,
    }


def anthropic_body(reply: Reply, body: Mapping[str, Any], number: int) -> dict[str, object]:
    """Return a message as Anthropic writes it."""
    usage = reply.usage or {"prompt_tokens": 0, "completion_tokens": 0}
    return {
        "id": f"msg_{number}",
        "type": "message",
        "role": "assistant",
        "model": body.get("model"),
        "content": [{"type": "text", "text": reply.text}] if reply.text else [],
        "stop_reason": {"stop": "end_turn", "length": "max_tokens"}.get(
            reply.finish_reason, reply.finish_reason
        ),
        "stop_sequence": None,
        "usage": {
            "input_tokens": usage["prompt_tokens"],
            "output_tokens": usage["completion_tokens"],
        },
        **reply.body,
    }


def gemini_body(reply: Reply, body: Mapping[str, Any], number: int) -> dict[str, object]:
    """Return a generated content as Gemini writes it."""
    finish = {"stop": "STOP", "length": "MAX_TOKENS"}.get(reply.finish_reason, reply.finish_reason)
    parts = {"parts": [{"text": reply.text}]} if reply.text else {}
    candidate = {"content": {"role": "model", **parts}, "finishReason": finish, "index": 0}
    return {
        "candidates": [candidate],
        "modelVersion": "gemini-served",
        "responseId": f"response-{number}",
        **({"usageMetadata": _renamed(reply.usage, GEMINI_USAGE)} if reply.usage else {}),
        **reply.body,
    }


def bedrock_body(reply: Reply, body: Mapping[str, Any], number: int) -> dict[str, object]:
    """Return a message as Bedrock's Converse writes it."""
    content = [{"text": reply.text}] if reply.text else []
    return {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": {"stop": "end_turn", "length": "max_tokens"}.get(
            reply.finish_reason, reply.finish_reason
        ),
        "metrics": {"latencyMs": number},
        "usage": _renamed(reply.usage or {}, BEDROCK_USAGE),
        **reply.body,
    }


def _renamed(usage: Mapping[str, int], names: Mapping[str, str]) -> dict[str, int]:
    return {names[name]: count for name, count in usage.items()}


def ollama_body(reply: Reply, body: Mapping[str, Any], number: int) -> dict[str, object]:
    """Return an answer as Ollama writes it, of /api/chat or of /api/generate."""
    text = reply.text or ""
    said = {"message": {"role": "assistant", "content": text}}
    usage = reply.usage or {}
    return {
        "model": body.get("model"),
        "created_at": "2026-01-01T00:00:00Z",
        **(said if "messages" in body else {"response": text}),
        "done_reason": reply.finish_reason,
        "done": True,
        "prompt_eval_count": usage.get("prompt_tokens"),
        "eval_count": usage.get("completion_tokens"),
        **reply.body,
    }


GEMINI_USAGE = {
    "prompt_tokens": "promptTokenCount",
    "completion_tokens": "candidatesTokenCount",
    "total_tokens": "totalTokenCount",
}
BEDROCK_USAGE = {
    "prompt_tokens": "inputTokens",
    "completion_tokens": "outputTokens",
    "total_tokens": "totalTokens",
}
FORMS: Mapping[str, Callable[[Reply, Mapping[str, Any], int], dict[str, object]]] = {
    "/messages": anthropic_body,
    ":generateContent": gemini_body,
    "/converse": bedrock_body,
    "/api/chat": ollama_body,
    "/api/generate": ollama_body,
    "": openai_body,
}


@contextlib.contextmanager
def openai_server(
    reply: Answer = refuse_or_answer,
    latency_s: float = 0.0,
    port: int = 0,
    tls: ssl.SSLContext | None = None,
) -> Iterator[LoopbackServer]:
    """Run a provider in a thread for the length of a ``with`` block.

    Args:
        reply: from the request's JSON to a text or a ``Reply``; called from several threads.
        latency_s: how long each answer takes, in seconds.
        port: 0 for any that is free.
        tls: speak HTTPS with this certificate.
    """
    server = LoopbackServer(reply, latency_s, port, tls)
    thread = threading.Thread(target=server.serve_forever, args=(0.005,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def main() -> None:
    """Serve until interrupted; the first line on standard output is the base URL."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds an answer")
    options = parser.parse_args()
    server = LoopbackServer(refuse_or_answer, options.latency, options.port)
    print(server.base_url, flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        server.serve_forever()


if __name__ == "__main__":
    main()
