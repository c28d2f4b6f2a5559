"""Sockets between the processes of one run, on this machine.

Plugins of pytest that keep tests off the network (pytest-socket, pytest-recording) replace names
and methods of the standard library's ``socket`` while a test runs, and for the whole process. The
sockets here do without those names, so that no test's isolation cuts a run off from its processes.
"""

import contextlib
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

HOST: Final = "127.0.0.1"
Place = str | tuple[str, int]


def _standard_class() -> type:
    """Return the standard library's class, also where something was put in its place."""
    kinds = socket.SocketType.__subclasses__()
    return next((each for each in kinds if each.__module__ == "socket"), socket.SocketType)


if TYPE_CHECKING:
    Standard = socket.socket
else:
    Standard = _standard_class()


class LoopbackSocket(Standard):
    """A socket whose methods make and connect sockets past whatever was replaced."""

    def accept(self) -> "tuple[LoopbackSocket, Any]":
        """Take the next connection."""
        number, address = self._accept()  # type: ignore[attr-defined]
        accepted = LoopbackSocket(self.family, self.type, self.proto, fileno=number)
        accepted.setblocking(True)  # on some systems it is as its listener is
        return accepted, address

    def connect(self, address: Any) -> None:  # noqa: ANN401 - as the standard library has it
        """Connect as the C implementation does."""
        socket.SocketType.connect(self, address)


def listen(backlog: int) -> LoopbackSocket:
    """Listen on a free port of this machine."""
    return _bound((HOST, 0), backlog)


def connect(place: Place, timeout_s: float | None = None) -> LoopbackSocket:
    """Connect to a place on this machine.

    Raises:
        OSError: nobody listens there.
    """
    connection = LoopbackSocket(family_of(place), socket.SOCK_STREAM)
    connection.settimeout(timeout_s)
    try:
        connection.connect(place)
    except BaseException:
        connection.close()
        raise
    return connection


def family_of(place: Place) -> int:
    """Return the kind of socket that reaches a place."""
    return socket.AF_INET if isinstance(place, tuple) else socket.AF_UNIX


@contextlib.contextmanager
def listening(backlog: int) -> Iterator[LoopbackSocket]:
    """Listen where only this user gets in, as far as the system can do that."""
    folder = tempfile.mkdtemp(prefix="vscbench-")
    try:
        with contextlib.closing(_private(Path(folder), backlog)) as listener:
            yield listener
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def standard_names() -> Iterator[None]:
    """Put the standard library's class back where others look for it, for a moment."""
    replaced = socket.socket
    socket.socket = Standard  # type: ignore[misc]
    try:
        yield
    finally:
        socket.socket = replaced  # type: ignore[misc]


def _private(folder: Path, backlog: int) -> LoopbackSocket:
    if os.name == "posix":
        # A temporary folder with a long name leaves no room for a Unix socket's path.
        with contextlib.suppress(OSError):
            return _bound(str(folder / "run"), backlog)
    return listen(backlog)


def _bound(place: Place, backlog: int) -> LoopbackSocket:
    listener = LoopbackSocket(family_of(place), socket.SOCK_STREAM)
    try:
        listener.bind(place)
        listener.listen(backlog)
    except BaseException:
        listener.close()
        raise
    return listener
