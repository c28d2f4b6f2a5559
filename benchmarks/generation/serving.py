"""``transformers serve`` with the same weights, asked over HTTP by several clients at once."""

import base64
import contextlib
import http.client
import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from benchmarks.generation.llava import Llava
from benchmarks.generation.work import Work
from vscbench.records import Request

CLIENTS = 16
START_S = 300.0
ANSWER_S = 600.0
LOOK_S = 0.2
TAIL = 1500
OFFLINE = {"HF_HUB_OFFLINE": "1", "DO_NOT_TRACK": "1"}
PACKAGES = ("fastapi", "uvicorn", "openai", "pydantic", "rich")


@dataclass(frozen=True, slots=True)
class Server:
    """A server that is ready: its port on this machine, and its name for the model."""

    port: int
    model: str

    def texts(self, work: Work) -> list[str]:
        """Return the answers to all requests, asked by several clients."""
        with ThreadPoolExecutor(CLIENTS) as clients:
            return list(
                clients.map(lambda each: self._answer(each, work.limit(each)), work.requests)
            )

    def _answer(self, request: Request, limit: int) -> str:
        parts: list[dict[str, Any]] = [{"type": "text", "text": request.prompt}]
        if request.image is not None:
            encoded = base64.b64encode(request.image.read_bytes()).decode()
            url = f"data:image/png;base64,{encoded}"
            parts.insert(0, {"type": "image_url", "image_url": {"url": url}})
        asked = {
            "model": self.model,
            "messages": [{"role": "user", "content": parts}],
            "max_tokens": limit,
            "temperature": 0,
        }
        said = _send(self.port, "POST", "/v1/chat/completions", asked)
        return str(said["choices"][0]["message"]["content"]).strip()


def missing_packages() -> list[str]:
    """Return what ``transformers serve`` needs and is not installed."""
    return [each for each in PACKAGES if importlib.util.find_spec(each) is None]


@contextlib.contextmanager
def running_server(llava: Llava, folder: Path, device: str, dtype: str) -> Iterator[Server]:
    """Write a model to a folder and serve it until the ``with`` block ends.

    It computes on as many threads as torch does in this process.

    Raises:
        SystemExit: it does not start; shows what it said.
    """
    checkpoint = folder / "checkpoint"
    llava.model.save_pretrained(checkpoint)
    llava.processor.save_pretrained(checkpoint)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "transformers.cli.transformers", "serve", str(checkpoint)]
    options = ["--host", "127.0.0.1", "--port", str(port), "--device", device, "--dtype", dtype]
    log = folder / "serve.log"
    with (
        log.open("wb") as printed,
        subprocess.Popen(
            [*command, *options],
            stdout=printed,
            stderr=subprocess.STDOUT,
            env={**os.environ, **OFFLINE, "OMP_NUM_THREADS": str(torch.get_num_threads())},
        ) as process,
    ):
        try:
            _wait_until_ready(port, process, log)
            yield Server(port, str(checkpoint))
        finally:
            process.kill()


def _wait_until_ready(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError):
            _send(port, "GET", "/health", None)
            return
        time.sleep(LOOK_S)
    tail = log.read_text(encoding="utf-8", errors="replace")[-TAIL:]
    raise SystemExit(f"transformers serve did not start:\n{tail}")


def _send(port: int, method: str, path: str, body: object) -> Any:  # noqa: ANN401 - JSON
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_S)
    with contextlib.closing(connection):
        sent = None if body is None else json.dumps(body)
        connection.request(method, path, sent, {"Content-Type": "application/json"})
        reply = connection.getresponse()
        said = reply.read()
        if reply.status != http.HTTPStatus.OK:
            raise SystemExit(f"transformers serve: {reply.status} {said[:TAIL].decode()}")
        return json.loads(said)
