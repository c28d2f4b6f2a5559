"""One process asks for all workers: they get their outcomes from it over a local connection."""

import contextlib
import json
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import AuthenticationError
from multiprocessing.connection import Connection, answer_challenge, deliver_challenge

from vscbench import loopback
from vscbench.engine.dispatcher import Outcomes
from vscbench.engine.wire import pack, unpack
from vscbench.errors import StoppedError, VscbenchError
from vscbench.records import FIRST_EPOCH, Outcome, Pair

FAULT = b"!"
STOPPED = b"#"
OUTCOME = b"="
WORKERS_AT_ONCE = 128
WAKE_S = 1.0
FAULTS = (OSError, EOFError, AuthenticationError)


@dataclass(frozen=True, slots=True)
class Address:
    """Where the asking process listens, and the key that opens it."""

    place: str | tuple[str, int]
    key: str

    def dump(self) -> str:
        """Write it as one line of text, to be handed to a worker."""
        return json.dumps([self.place, self.key])

    @classmethod
    def load(cls, text: str) -> "Address":
        """Read what ``dump`` wrote."""
        place, key = json.loads(text)
        return cls(place if isinstance(place, str) else (place[0], place[1]), key)


class OutcomeServer:
    """Answers workers that ask for the outcome of a pair, each on a thread of its own."""

    def __init__(self, outcomes: Outcomes, pair_of: Callable[[str], Pair]) -> None:
        """Listen at once; a worker waits as long as its outcome takes.

        Raises:
            VscbenchError: this machine does not let its processes reach each other.
        """
        self._key = secrets.token_bytes(32)
        self._open = contextlib.ExitStack()
        try:
            self._listener = self._open.enter_context(loopback.listening(WORKERS_AT_ONCE))
        except OSError as error:
            raise VscbenchError(f"workers cannot reach this process ({error})") from error
        self._outcomes = outcomes
        self._pair_of = pair_of
        self._closing = False
        self.address = Address(self._listener.getsockname(), self._key.hex())
        self._accepting = threading.Thread(
            target=self._accept, name="vscbench-exchange", daemon=True
        )
        self._accepting.start()

    def close(self) -> None:
        """Stop listening; workers that still wait are told that the run ended."""
        self._closing = True
        # The accepting thread only wakes up when somebody connects; if it has just ended, nobody
        # answers, and the one who connects must not wait for it.
        threading.Thread(target=self._wake_up, daemon=True).start()
        self._accepting.join(WAKE_S)
        self._open.close()

    def _wake_up(self) -> None:
        with contextlib.suppress(OSError):
            loopback.connect(self.address.place).close()

    def _accept(self) -> None:
        while not self._closing:
            try:
                accepted, _ = self._listener.accept()
            except OSError:
                continue
            connection: Connection[bytes, bytes] = Connection(accepted.detach())
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: "Connection[bytes, bytes]") -> None:
        with connection, contextlib.suppress(*FAULTS):
            deliver_challenge(connection, self._key)
            answer_challenge(connection, self._key)
            while True:
                pair_id, epoch = json.loads(connection.recv_bytes())
                connection.send_bytes(self._reply(pair_id, epoch))

    def _reply(self, pair_id: str, epoch: int) -> bytes:
        try:
            outcome = self._outcomes.outcome_of(self._pair_of(pair_id), epoch)
            return OUTCOME + json.dumps(self._outcomes.model_name).encode() + b"\n" + pack(outcome)
        except StoppedError as error:
            return STOPPED + _words(error)
        except VscbenchError as error:
            return FAULT + _words(error)


def _words(error: VscbenchError) -> bytes:
    # What a provider said may hold half of a surrogate pair, which is no UTF-8.
    return str(error).encode("utf-8", "backslashreplace")


class RemoteOutcomes:
    """A worker's way to the outcomes that another process asks for."""

    def __init__(self, address: Address) -> None:
        """Connect now: within a test, a plugin may keep this process off every network."""
        self._model_name = ""
        self._connection: Connection[bytes, bytes] | None = None
        self._why_not = ""
        try:
            self._connection = _connect(address)
        except Exception as error:  # whatever else a plugin raises in place of an OSError
            self._why_not = f"{type(error).__name__}: {error}"

    @property
    def model_name(self) -> str:
        """What the system under test calls itself; known once an outcome was asked for."""
        return self._model_name

    def outcome_of(self, pair: Pair, epoch: int = FIRST_EPOCH) -> Outcome:
        """Wait for the outcome of a pair in one epoch and return it."""
        connection = self._connection
        if connection is None:
            raise StoppedError(
                f"this worker cannot reach the process that asks the model ({self._why_not}); run "
                "without -n: what was answered is in the store"
            )
        try:
            connection.send_bytes(json.dumps([pair.id, epoch]).encode())
            message = connection.recv_bytes()
        except FAULTS as error:
            raise VscbenchError(
                "the process that asks the model is gone; the run ended before this case was "
                "answered"
            ) from error
        if message.startswith(STOPPED):
            raise StoppedError(message.removeprefix(STOPPED).decode())
        if message.startswith(FAULT):
            raise VscbenchError(message.removeprefix(FAULT).decode())
        model_name, _, packed = message.removeprefix(OUTCOME).partition(b"\n")
        self._model_name = json.loads(model_name)
        return unpack(packed, pair)


def _connect(address: Address) -> "Connection[bytes, bytes]":
    connection: Connection[bytes, bytes] = Connection(loopback.connect(address.place).detach())
    key = bytes.fromhex(address.key)
    answer_challenge(connection, key)
    deliver_challenge(connection, key)
    return connection
