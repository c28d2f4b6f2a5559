"""Starting the processes that host models, and the connections to them."""

import asyncio
import contextlib
import hmac
import itertools
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from vscbench.errors import TargetError, UsageError, VscbenchError
from vscbench.loopback import listen
from vscbench.models.frames import Frame, encode_frame, read_frame, unpack_error
from vscbench.models.secrets import without_secrets
from vscbench.records import Cause
from vscbench.visible import one_line

START_S = 180.0
HELLO_S = 10.0
LOOK_S = 0.2
REAP_LOOKS = 10
STOP_S = 5.0
TAIL_BYTES = 600
MOST_LOG_BYTES = 1_000_000
# The search path is handed over: what pytest or a project put on it must be found there too.
PROGRAM = (
    "import importlib, json, sys; said = json.loads(sys.stdin.readline()); "
    "sys.path[:] = said['path']; importlib.import_module(said['module']).main(said)"
)


@dataclass(frozen=True, slots=True)
class Program:
    """What such a process runs: the module whose ``main`` it is, and its name for a person."""

    module: str
    name: str


LITELLM = Program("vscbench.models.sender", "the process that sends requests")


@dataclass
class Connection:
    """One sender, as seen from here: what it was asked and has not answered."""

    writer: asyncio.StreamWriter
    pending: dict[int, "asyncio.Future[Frame]"] = field(default_factory=dict)
    opened: "asyncio.Future[Frame] | None" = None
    is_open: bool = True


class SenderProcesses:
    """Processes that host models: their imports and their work stay out of pytest's process.

    They are started at once and import what they need while this process does other things; they
    end when their connection does, however this process ended.
    """

    def __init__(self, senders: int, program: Program = LITELLM, log: Path | None = None) -> None:
        """Start them; nothing waits for them before ``connect``.

        Args:
            senders: how many.
            program: what each of them runs.
            log: where what they print is kept, behind what is there; by default nowhere.

        Raises:
            UsageError: the log cannot be written.
        """
        self._senders = senders
        self._program = program
        self._token = secrets.token_hex(32)
        self._listener = listen(senders)
        self._listener.setblocking(False)
        self._log_file = log
        self._log = _open_log(log)
        self._log_begin = os.fstat(self._log.fileno()).st_size
        forks = sys.platform == "linux"  # elsewhere a process that forks is not safe
        counts = [senders] if forks else [1] * senders
        self.processes = [self._start(count) for count in counts]
        self._connections: list[Connection] = []
        self._readers: set[asyncio.Task[None]] = set()
        self._numbers = itertools.count()

    async def connect(self) -> None:
        """Wait until every sender has called back.

        Raises:
            VscbenchError: a process ended before; says what it wrote.
        """
        deadline = asyncio.get_running_loop().time() + START_S
        while len(self._connections) < self._senders:
            accepting = asyncio.ensure_future(self._accept())
            while not accepting.done():
                await asyncio.wait([accepting], timeout=LOOK_S)
                late = asyncio.get_running_loop().time() > deadline
                if not accepting.done() and (late or self._any_ended()):
                    accepting.cancel()
                    raise VscbenchError(self._why_ended("could not be started"))
            if connection := accepting.result():
                self._connections.append(connection)

    async def open(self, model: int, asked: Frame) -> Frame:
        """Let every sender open a model under this number; return what the first says of it.

        One is opened after the other.

        Raises:
            VscbenchError: as the model's opening raised it.
        """
        loop = asyncio.get_running_loop()
        for connection in self._connections:
            if not connection.is_open:  # it has ended since it called back
                raise await self._ended()
            connection.opened = loop.create_future()
            connection.writer.write(encode_frame({"open": asked, "model": model}))
        answers: list[Frame] = [await each.opened for each in self._connections if each.opened]
        for answer in answers:
            if "error" in answer:
                raise unpack_error(answer)
        facts: Frame = answers[0]["facts"]
        return facts

    async def ask(self, model: int, request: Frame) -> Frame:
        """Hand a request to the sender with the least to do and wait for its answer.

        Args:
            model: the number of a model that is open.
            request: what is asked of it.

        Raises:
            TargetError: the sender ended; the request can be asked again.
        """
        living = [each for each in self._connections if each.is_open]
        if not living:
            raise TargetError(self._why_ended("ended"), Cause.CONNECTION)
        connection = min(living, key=lambda each: len(each.pending))
        number = next(self._numbers)
        answer: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        connection.pending[number] = answer
        connection.writer.write(encode_frame({"id": number, "model": model, "request": request}))
        try:
            return await answer
        finally:
            connection.pending.pop(number, None)

    @property
    def is_gone(self) -> bool:
        """Whether every connection was lost."""
        return bool(self._connections) and not any(each.is_open for each in self._connections)

    async def disconnect(self) -> None:
        """Close the connections, on which the processes end."""
        for connection in self._connections:
            connection.writer.close()
        for reader in list(self._readers):
            reader.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)

    def stop(self) -> None:
        """End the processes, connected or not, and wait for them."""
        self._listener.close()
        for process in self.processes:
            if process.stdin:
                with contextlib.suppress(OSError):
                    process.stdin.close()
            if not self._connections:
                process.terminate()
        for process in self.processes:
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._log.close()

    def _start(self, senders: int) -> "subprocess.Popen[bytes]":
        process = start_interpreter(self._program, self._log)
        port = self._listener.getsockname()[1]
        said = {
            "port": port,
            "token": self._token,
            "senders": senders,
            "path": sys.path,
            "module": self._program.module,
        }
        if process.stdin:
            process.stdin.write(json.dumps(said).encode() + b"\n")
            process.stdin.flush()
        return process

    async def _accept(self) -> Connection | None:
        loop = asyncio.get_running_loop()
        accepted, _ = await loop.sock_accept(self._listener)
        # asyncio forgets this for accepted sockets, and a message would wait 40 ms for another.
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        reader, writer = await asyncio.open_connection(sock=accepted)
        with contextlib.suppress(TimeoutError, ValueError):
            hello = await asyncio.wait_for(read_frame(reader), HELLO_S)
            if hello and hmac.compare_digest(str(hello.get("token")), self._token):
                connection = Connection(writer)
                task = asyncio.create_task(self._read(reader, connection))
                self._readers.add(task)
                task.add_done_callback(self._readers.discard)
                return connection
        writer.close()
        return None

    async def _read(self, reader: asyncio.StreamReader, connection: Connection) -> None:
        while (frame := await read_frame(reader)) is not None:
            waiting = connection.pending.get(frame["id"]) if "id" in frame else connection.opened
            if waiting and not waiting.done():
                waiting.set_result(frame)
        connection.is_open = False
        error = await self._ended()
        for lost in [*connection.pending.values(), connection.opened]:
            if lost and not lost.done():
                lost.set_exception(error)

    async def _ended(self) -> TargetError:
        """Say that a process ended, and how; its status comes a moment after its connection."""
        for _ in range(REAP_LOOKS):
            if self._any_ended():
                break
            await asyncio.sleep(LOOK_S / REAP_LOOKS)
        return TargetError(self._why_ended("ended"), Cause.CONNECTION)

    def _any_ended(self) -> bool:
        return any(process.poll() is not None for process in self.processes)

    def _why_ended(self, what: str) -> str:
        codes = {process.poll() for process in self.processes} - {None}
        status = f" (exit status {', '.join(map(str, codes))})" if codes else ""
        kept = f"; its log {self._log_file} ends" if self._log_file else ""
        return f"{self._program.name} {what}{status}{kept}{self._last_words()}"

    def _last_words(self) -> str:
        size = os.fstat(self._log.fileno()).st_size
        self._log.seek(max(self._log_begin, size - TAIL_BYTES))
        words = one_line(without_secrets(self._log.read().decode("utf-8", "replace")), TAIL_BYTES)
        self._log.seek(0, os.SEEK_END)
        return f": {words}" if words else ""


def start_interpreter(program: Program, log: IO[bytes]) -> "subprocess.Popen[bytes]":
    """Start an interpreter that reads on its standard input which ``program`` it runs, and how."""
    return subprocess.Popen(  # noqa: S603 - our own program in our own interpreter
        # A warning of a library is no fault of a request, also where PYTHONWARNINGS=error.
        [sys.executable, "-W", "ignore", "-c", PROGRAM],
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=log,
    )


def _open_log(path: Path | None) -> IO[bytes]:
    if path is None:
        return tempfile.TemporaryFile()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        too_long = path.exists() and path.stat().st_size > MOST_LOG_BYTES
        return path.open("w+b" if too_long else "a+b")
    except OSError as error:
        raise UsageError(f"{path}: a log cannot be written there ({error.strerror})") from error
