"""A plugin that keeps tests off the network does not cut a run off from its own processes."""

import asyncio
import socket
import threading
from collections.abc import Callable

import pytest
from small_pairs import make_pair

from vscbench import loopback
from vscbench.engine.exchange import OutcomeServer, RemoteOutcomes
from vscbench.engine.loop import LoopThread
from vscbench.models.sender_processes import Program, SenderProcesses
from vscbench.models.served.health import is_ready
from vscbench.records import Kind, Outcome, Pair

Block = Callable[[], None]


def refuse(*given: object, **named: object) -> None:
    # No OSError: pytest-socket raises something that libraries do not handle.
    raise RuntimeError("a test tried to use the network")


@pytest.fixture(params=["class", "name", "method"])
def block(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Block:
    """Begins to block: as pytest-socket does, as many a conftest does, as pytest-recording does."""
    guarded = type("Guarded", (socket.socket,), {"__new__": refuse})

    def begin() -> None:
        if request.param == "method":
            monkeypatch.setattr(socket.socket, "connect", refuse)
            monkeypatch.setattr(socket.socket, "accept", refuse)
        else:
            replaced = guarded if request.param == "class" else refuse
            monkeypatch.setattr(socket, "socket", replaced)
            monkeypatch.setattr(socket, "getaddrinfo", refuse)

    return begin


class Known:
    """Outcomes that are there at once."""

    model_name = "known"

    def outcome_of(self, pair: Pair, epoch: int = 1) -> Outcome:
        return Outcome(pair, epoch, Kind.ANSWERED)


def test_workers_reach_the_process_that_asks(block: Block) -> None:
    block()
    server = OutcomeServer(Known(), make_pair)
    try:
        remote = RemoteOutcomes(server.address)
        assert remote.outcome_of(make_pair("a")).kind is Kind.ANSWERED
    finally:
        server.close()


def test_an_event_loop_can_be_started(block: Block) -> None:
    block()
    loop = LoopThread()
    try:
        assert loop.run(asyncio.sleep(0, "done"), 30) == "done"
    finally:
        loop.close()


def test_processes_that_host_models_can_be_started_at_any_time(block: Block) -> None:
    async def connected() -> None:
        block()
        senders = SenderProcesses(1, Program("calling_program", "a program"))
        try:
            await senders.connect()
            assert not senders.is_gone
        finally:
            await senders.disconnect()
            senders.stop()

    asyncio.run(connected())


def test_a_server_of_the_run_can_be_looked_at(block: Block) -> None:
    listener = loopback.listen(1)
    body = b'{"data": [{"id": "m"}]}'

    def serve() -> None:
        for _ in range(2):
            connection, _ = listener.accept()
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
            connection.close()

    serving = threading.Thread(target=serve)
    serving.start()
    block()
    assert is_ready(listener.getsockname()[1], "sk-key", "m")
    serving.join()
    listener.close()


def test_what_was_replaced_is_there_again_afterwards(block: Block) -> None:
    block()
    replaced = socket.socket
    with loopback.standard_names():
        socket.socketpair()[0].close()
    assert socket.socket is replaced
