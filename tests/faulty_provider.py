"""A provider in a process of its own that breaks as told, reproducibly, and logs what it sent."""

import argparse
import asyncio
import contextlib
import hashlib
import json
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any, TextIO

ENDS_WITHIN_S = 20.0


class Sent(StrEnum):
    """What one attempt got; those of ``FAULTS`` may go away with the next attempt."""

    RATE_LIMIT = "rate_limit"
    SERVER_ERROR = "server_error"
    RESET = "reset"
    BROKEN_JSON = "broken_json"
    UNAUTHORIZED = "unauthorized"
    BLOCK = "block"
    REFUSAL = "refusal"
    FILTER_400 = "filter_400"
    EMPTY = "empty"
    TEXT_REFUSAL = "text_refusal"
    TEXT_ANSWER = "text_answer"


FAULTS = (Sent.RATE_LIMIT, Sent.SERVER_ERROR, Sent.RESET, Sent.BROKEN_JSON, Sent.UNAUTHORIZED)
Mix = Mapping[Sent, float]
ERRORS: Mapping[Sent, tuple[int, str, str, str | None]] = {
    Sent.RATE_LIMIT: (429, "slow down, please", "requests", "rate_limit_exceeded"),
    Sent.SERVER_ERROR: (500, "the server had an error", "server_error", None),
    Sent.UNAUTHORIZED: (401, "wrong key", "invalid_request_error", "invalid_api_key"),
    Sent.FILTER_400: (400, "the prompt was filtered", "invalid_request_error", "content_filter"),
}


@dataclass(frozen=True, slots=True)
class Attempt:
    """One line of the log.

    ``number`` counts the attempts of one ``content`` from 1; ``text`` is what the user asked,
    ``said`` what the answer says. ``arrived`` and ``ended`` (just before the first byte goes out)
    are seconds of the clock that all processes of a machine share; ``in_flight`` counts this
    attempt too. ``answered``: all of it was handed to the network while the client was there.
    """

    content: str
    text: str
    number: int
    sent: Sent
    said: str
    arrived: float
    in_flight: int
    ended: float = 0.0
    answered: bool = False


def share_of(*parts: object) -> float:
    """Map parts to a number from 0 to below 1, the same on every machine and in every run."""
    digest = hashlib.sha256("\x1f".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def choose(seed: int, content: str, number: int, mix: Mix) -> Sent:
    """Decide what an attempt gets: a fault by its number, else the answer by content alone."""
    fault = _drawn(share_of("fault", seed, content, number), mix, faults=True)
    final = _drawn(share_of("answer", seed, content), mix, faults=False)
    return fault or final or Sent.TEXT_ANSWER


def _drawn(point: float, mix: Mix, *, faults: bool) -> Sent | None:
    for sent, rate in mix.items():
        if (sent in FAULTS) is faults:
            if point < rate:
                return sent
            point -= rate
    return None


def read_mix(text: str) -> dict[Sent, float]:
    """Read ``rate_limit=0.1,block=0.02``; rates are shares of attempts or of answers."""
    parts = (part.partition("=") for part in text.split(",") if part)
    return {Sent(name.strip()): float(rate) for name, _, rate in parts}


def user_text(body: Mapping[str, Any]) -> str:
    """Return the text of the last user message, whatever its form."""
    content = body["messages"][-1]["content"]
    if isinstance(content, str):
        return content
    return "\n".join(part["text"] for part in content if part["type"] == "text")


def content_of(body: Mapping[str, Any]) -> str:
    """Name the content of a request: model and messages, images with them."""
    asked = json.dumps([body.get("model"), body["messages"]], sort_keys=True)
    return hashlib.sha256(asked.encode()).hexdigest()[:24]


def said_to(content: str, sent: Sent) -> str:
    """Return the text of an answer; no two contents share one, so that a mix-up shows."""
    mark = f"\u2602 {content}"
    return {
        Sent.TEXT_REFUSAL: f"I'm sorry, but I can't help with that. {mark}",
        Sent.TEXT_ANSWER: f"Gladly; here it is. {mark}",
    }.get(sent, "")


def http_answer(content: str, sent: Sent, retry_after_s: float | None) -> bytes:
    """Return the whole answer as it goes over the wire."""
    status, *error = ERRORS.get(sent, (200,))
    fault = dict(zip(("message", "type", "code"), error, strict=False))
    body = json.dumps({"error": fault} if error else _completion(content, sent)).encode()
    if sent is Sent.BROKEN_JSON:
        body = body[: len(body) // 2]
    head = f"HTTP/1.1 {status} -\r\nContent-Type: application/json\r\n"
    if sent is Sent.RATE_LIMIT and retry_after_s is not None:
        head += f"Retry-After: {retry_after_s:g}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def _completion(content: str, sent: Sent) -> dict[str, object]:
    refusal = "I will not assist with this." if sent is Sent.REFUSAL else None
    text = None if refusal else said_to(content, sent)
    finish = "content_filter" if sent is Sent.BLOCK else "stop"
    message = {"role": "assistant", "content": text, "refusal": refusal}
    prompt, completion = 10 + int(content[:2], 16), 1 + int(content[2:4], 16)
    return {
        "id": f"chatcmpl-{content}",
        "object": "chat.completion",
        "created": 1_750_000_000,
        "model": "faulty-served",
        "choices": [{"index": 0, "finish_reason": finish, "logprobs": None, "message": message}],
        "usage": {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
        },
    }


class Provider:
    """What all connections share: how to answer, what was asked how often, and the log."""

    def __init__(self, options: argparse.Namespace, log: TextIO) -> None:
        self.seed: int = options.seed
        self.mix: Mix = options.mix
        self.latency_s: float = options.latency
        self.retry_after_s: float | None = options.retry_after
        self.in_flight = 0
        self._numbers: dict[str, int] = {}
        self._log = log

    def next_number(self, content: str) -> int:
        """Count one more attempt of a content."""
        self._numbers[content] = self._numbers.get(content, 0) + 1
        return self._numbers[content]

    def write(self, attempt: Attempt) -> None:
        """Append a line to the log; whoever reads the file finds it at once."""
        self._log.write(json.dumps(asdict(attempt)) + "\n")
        self._log.flush()


class Connection(asyncio.Protocol):
    """One client's connection: a request at a time, as HTTP clients do it."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._transport: asyncio.Transport
        self._received = bytearray()
        self._asked: Attempt | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask to be told whenever bytes are left to be written."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(high=0)

    def data_received(self, data: bytes) -> None:
        """Collect bytes until a request is whole."""
        self._received += data
        head, end, rest = bytes(self._received).partition(b"\r\n\r\n")
        if not end or self._asked is not None:
            return
        fields = dict(line.lower().split(b":", 1) for line in head.split(b"\r\n")[1:])
        length = int(fields.get(b"content-length", b"0"))
        if len(rest) >= length:
            del self._received[: len(head) + len(end) + length]
            self._take(json.loads(rest[:length]))

    def _take(self, body: Mapping[str, Any]) -> None:
        provider, content, now = self._provider, content_of(body), time.monotonic()
        number = provider.next_number(content)
        sent = choose(provider.seed, content, number, provider.mix)
        provider.in_flight += 1
        self._asked = Attempt(
            content=content,
            text=user_text(body),
            number=number,
            sent=sent,
            said=said_to(content, sent),
            arrived=now,
            in_flight=provider.in_flight,
        )
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(provider.latency_s, self._answer, self._asked)

    def _answer(self, asked: Attempt) -> None:
        answer = http_answer(asked.content, asked.sent, self._provider.retry_after_s)
        self._asked = replace(asked, ended=time.monotonic())
        if asked.sent is Sent.RESET:
            self._reset(asked, answer)
            return
        self._transport.write(answer)
        if self._transport.get_write_buffer_size() == 0 and not self._transport.is_closing():
            self._finish(answered=True)

    def _reset(self, asked: Attempt, answer: bytes) -> None:
        """Break the connection with a RST, in half of the cases in the middle of the answer."""
        if share_of("reset", asked.content, asked.number) < 0.5:
            self._transport.write(answer[: len(answer) - 40])
        at_once = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
        with contextlib.suppress(OSError):  # the client may be gone already
            self._transport.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, at_once
            )
        self._finish(answered=False)
        self._transport.abort()

    def resume_writing(self) -> None:
        """All bytes were handed to the network after a while."""
        self._finish(answered=True)

    def connection_lost(self, error: Exception | None) -> None:
        """The client went away; whatever it waited for was not answered."""
        self._finish(answered=False)

    def _finish(self, *, answered: bool) -> None:
        asked, self._asked = self._asked, None
        if asked is None:
            return
        assert self._timer is not None
        self._timer.cancel()
        self._provider.in_flight -= 1
        ended = asked.ended or time.monotonic()
        self._provider.write(replace(asked, answered=answered, ended=ended))


async def serve(options: argparse.Namespace) -> None:
    """Answer until told to end; the first line on standard output is the base URL."""
    with options.log.open("a", encoding="utf-8") as log:
        provider = Provider(options, log)
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: Connection(provider), "127.0.0.1", options.port, backlog=512
        )
        port = server.sockets[0].getsockname()[1]
        print(f"http://127.0.0.1:{port}/v1", flush=True)
        ending = asyncio.Event()
        if options.until_input_ends:
            # On the loop, so that what was just sent is in the log before all ends.
            tell = partial(loop.call_soon_threadsafe, ending.set)
            threading.Thread(target=lambda: (sys.stdin.read(), tell()), daemon=True).start()
        await ending.wait()


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.05, help="seconds an answer")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--log", type=Path, default=Path(os.devnull))
    parser.add_argument("--mix", type=read_mix, default={}, help="rate_limit=0.1,block=0.02,...")
    parser.add_argument("--retry-after", type=float, help="the header on 429, in seconds")
    parser.add_argument("--until-input-ends", action="store_true", help="end with the parent")
    options = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(options))


@dataclass(frozen=True, slots=True)
class RunningProvider:
    """A provider's process as a test or a benchmark sees it."""

    url: str
    log: Path

    def attempts(self) -> list[Attempt]:
        """Return what the log holds by now, without a line that is still being written."""
        text = self.log.read_text(encoding="utf-8") if self.log.exists() else ""
        lines = (json.loads(line) for line in text.split("\n")[:-1])
        return [Attempt(**{**fields, "sent": Sent(fields["sent"])}) for fields in lines]

    def wait_for(self, count: int, deadline_s: float = 60.0) -> list[Attempt]:
        """Return the attempts once there are ``count``; an ``AssertionError`` if never."""
        ending = time.monotonic() + deadline_s
        while len(found := self.attempts()) < count:
            assert time.monotonic() < ending, f"{len(found)} of {count} after {deadline_s} s"
            time.sleep(0.02)
        return found


@contextlib.contextmanager
def running_provider(
    log: Path,
    mix: Mix,
    *,
    latency_s: float = 0.02,
    seed: int = 1,
    retry_after_s: float | None = None,
) -> Iterator[RunningProvider]:
    """Run a provider in a process of its own for the length of a ``with`` block.

    Its log is whole once the block has ended; before, the last line may still be on its way.
    """
    rates = ",".join(f"{sent}={rate}" for sent, rate in mix.items())
    command = [sys.executable, __file__, "--until-input-ends", f"--log={log}", f"--mix={rates}"]
    command += [f"--latency={latency_s}", f"--seed={seed}"]
    command += [] if retry_after_s is None else [f"--retry-after={retry_after_s}"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        try:
            url = process.stdout.readline().strip()
            assert url, "the provider did not start"
            yield RunningProvider(url, log)
            process.stdin.close()
            process.wait(ENDS_WITHIN_S)
        finally:
            process.kill()


if __name__ == "__main__":
    main()
