"""A provider of chat completions that costs next to nothing, so that only its clients are measured.

    python benchmarks/provider.py [--port 0] [--latency 0.1]

The first line on standard output is the base URL. ``GET /stats`` tells what it has served so far
as JSON; the same is printed at the end, on SIGTERM or Ctrl-C.
"""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DECLINE = "please decline this"
ANSWERED = "Gladly. This picture shows coloured dots, spread evenly, and nothing else."
REFUSED = "I'm sorry, but I can't help with that."
HEAD_END = b"\r\n\r\n"
ROOM = 65_536
LONGEST_HEAD = 32_768
# The text stands at one end of the body and the image in its middle, whatever the client.
EDGE = 2_000
CORE = 64


def http_answer(status: str, body: bytes) -> bytes:
    """Return a whole HTTP/1.1 answer that keeps the connection open."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return head.encode() + HEAD_END + body


def completion(text: str) -> bytes:
    """Return a chat completion as OpenAI writes it."""
    message = {"role": "assistant", "content": text, "refusal": None}
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_750_000_000,
        "model": "bench-served",
        "choices": [{"index": 0, "finish_reason": "stop", "logprobs": None, "message": message}],
        "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
    }
    return http_answer("200 OK", json.dumps(body).encode())


def fault(status: str, message: str) -> bytes:
    """Return an error as OpenAI writes it."""
    return http_answer(status, json.dumps({"error": {"message": message, "code": None}}).encode())


ANSWER, REFUSAL = completion(ANSWERED), completion(REFUSED)
NOT_FOUND = fault("404 Not Found", "only POST .../chat/completions and GET /stats are served")
NO_LENGTH = fault("411 Length Required", "send a Content-Length")
TOO_LONG = fault("431 Request Header Fields Too Large", "the head is too long")


@dataclass(slots=True)
class Served:
    """What was served so far; ``distinct`` counts images (the middle of each body)."""

    latency_s: float
    requests: int = 0
    answered: int = 0
    received_bytes: int = 0
    in_flight: int = 0
    peak_in_flight: int = 0
    cores: set[bytes] = field(default_factory=set)
    started_cpu_s: float = field(default_factory=time.process_time)

    def describe(self) -> dict[str, float]:
        """Return the counts as they are reported."""
        return {
            "requests": self.requests,
            "answered": self.answered,
            "distinct": len(self.cores),
            "bytes": self.received_bytes,
            "in_flight": self.in_flight,
            "peak_in_flight": self.peak_in_flight,
            "latency_s": self.latency_s,
            "cpu_s": round(time.process_time() - self.started_cpu_s, 4),
        }


class Connection(asyncio.BufferedProtocol):
    """Reads one request after another into a buffer of its own, and answers each after a while.

    A body is received in place and never parsed: its length, its middle and its two ends suffice.
    """

    def __init__(self, served: Served) -> None:
        self.served = served
        self.room = bytearray(ROOM)
        self.filled = 0
        self.body_at = 0
        self.end = 0
        self.pending: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101
        self.transport = transport

    def get_buffer(self, sizehint: int) -> memoryview:
        """Say where the next bytes go."""
        return memoryview(self.room)[self.filled :]

    def buffer_updated(self, nbytes: int) -> None:
        """Take note of bytes that came, and of a request that is complete with them."""
        self.filled += nbytes
        if not self.end and not self._head_is_read():
            return
        if self.filled >= self.end and self.pending is None:
            self._body_is_read()
        if self.filled == len(self.room):
            self._make_room(2 * len(self.room))

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a request whose client went away."""
        if self.pending:
            self.pending.cancel()
        if self.end:
            self.served.in_flight -= 1

    def _head_is_read(self) -> bool:
        """Learn from the head where the body ends; False until it can be known."""
        at = self.room.find(HEAD_END, 0, self.filled)
        if at < 0:
            if self.filled > LONGEST_HEAD:
                self._give_up(TOO_LONG)
            return False
        head = bytes(self.room[:at])
        self.body_at = at + len(HEAD_END)
        if not head.startswith(b"POST ") or b"/chat/completions " not in head[:200]:
            self._tell(head)
            return False
        length = content_length(head)
        if length is None:
            self._give_up(NO_LENGTH)
            return False
        self.end = self.body_at + length
        if self.end > len(self.room):
            self._make_room(self.end + ROOM)
        self.served.in_flight += 1
        self.served.peak_in_flight = max(self.served.peak_in_flight, self.served.in_flight)
        return True

    def _make_room(self, size: int) -> None:
        """Move to a larger buffer: asyncio still holds the old one, which cannot grow."""
        larger = bytearray(size)
        larger[: self.filled] = memoryview(self.room)[: self.filled]
        self.room = larger

    def _body_is_read(self) -> None:
        served = self.served
        served.requests += 1
        served.received_bytes += self.end - self.body_at
        middle = (self.body_at + self.end) // 2
        served.cores.add(bytes(self.room[middle : middle + CORE]))
        loop = asyncio.get_running_loop()
        self.pending = loop.call_later(served.latency_s, self._answer, self._choose_answer())

    def _choose_answer(self) -> bytes:
        mark, first, last = DECLINE.encode(), self.body_at, self.end
        in_front = self.room.find(mark, first, min(first + EDGE, last)) >= 0
        behind = self.room.find(mark, max(first, last - EDGE), last) >= 0
        return REFUSAL if in_front or behind else ANSWER

    def _answer(self, answer: bytes) -> None:
        self.pending = None
        self.transport.write(answer)
        self.served.answered += 1
        self.served.in_flight -= 1
        self._start_anew(self.end)

    def _start_anew(self, used: int) -> None:
        """Turn to the next request, some of which may be here already."""
        more = self.filled - used
        self.room[:more] = self.room[used : self.filled]
        self.filled = self.end = 0
        if more:
            self.buffer_updated(more)

    def _tell(self, head: bytes) -> None:
        asked_stats = head.startswith(b"GET /stats ")
        counts = json.dumps(self.served.describe()).encode()
        self.transport.write(http_answer("200 OK", counts) if asked_stats else NOT_FOUND)
        if asked_stats:
            self._start_anew(self.body_at)
        else:
            self.transport.close()

    def _give_up(self, answer: bytes) -> None:
        self.transport.write(answer)
        self.transport.close()


def content_length(head: bytes) -> int | None:
    """Return the length that a request's head names, or None."""
    for line in head.lower().split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name == b"content-length" and value.strip().isdigit():
            return int(value)
    return None


async def serve(port: int, latency_s: float) -> None:
    """Serve on 127.0.0.1 until a signal comes; the base URL is printed first."""
    served = Served(latency_s)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(served), "127.0.0.1", port, backlog=512)
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):  # Windows: the process is just ended
            loop.add_signal_handler(number, stopped.set)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    await stopped.wait()
    server.close()
    print(json.dumps(served.describe()), flush=True)


@dataclass(frozen=True, slots=True)
class RunningProvider:
    """A provider in a process of its own."""

    base_url: str

    def stats(self) -> dict[str, Any]:
        """Ask what it has served so far."""
        with urllib.request.urlopen(self.base_url.removesuffix("/v1") + "/stats") as answer:  # noqa: S310
            return dict(json.load(answer))


@contextlib.contextmanager
def running_provider(latency_s: float) -> Iterator[RunningProvider]:
    """Run a provider in a process of its own for the length of a ``with`` block."""
    command = [sys.executable, os.fspath(Path(__file__).resolve()), "--latency", str(latency_s)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None  # noqa: S101
        try:
            yield RunningProvider(process.stdout.readline().strip())
        finally:
            process.terminate()
            process.communicate()


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--port", type=int, default=0, help="0: any that is free")
    parser.add_argument("--latency", type=float, default=0.1, help="seconds an answer takes")
    options = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(options.port, options.latency))


if __name__ == "__main__":
    main()
