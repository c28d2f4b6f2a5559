"""The process between a run and the server it started: neither outlives the run, however it ends.

It leads a group of processes, in which the server and all its children are, and reads from the
process that wanted the server. When that pipe closes, be it that the run ended or that it was
killed, or when the server ends by itself, the whole group is ended.
"""

import os
import signal
import subprocess
import sys
import threading
from typing import IO, Any

TERMINATE_S = 5.0
DRAIN_S = 0.5
LINE_BYTES = 65536
REMOVED = b"[removed]"


def main(said: dict[str, Any]) -> None:
    """Start the server, hand on what it writes to standard output, and end it in time.

    Args:
        said: the ``command``, what to add to its ``environment``, and the ``secrets`` that must
            not stand in what is handed on.
    """
    # A handler, as what is ignored would be ignored by the server too.
    signal.signal(signal.SIGTERM, lambda *_: None)
    hidden = [secret.encode() for secret in said["secrets"]]
    try:
        server = subprocess.Popen(  # noqa: S603 - the server that the person asked for
            said["command"],
            env={**os.environ, "PYTHONUNBUFFERED": "1", **said["environment"]},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
    except OSError as error:
        _say(f"vscbench: the server cannot be started: {error}\n".encode())
        return
    writing = threading.Thread(target=_hand_on, args=(server.stdout, hidden), daemon=True)
    writing.start()
    threading.Thread(target=_watch, args=(server,), daemon=True).start()
    status = server.wait()
    writing.join(DRAIN_S)  # its children may have the pipe still
    _say(f"vscbench: the server ended with exit status {status}\n".encode())
    _kill_group(server)


def _hand_on(output: IO[bytes], hidden: list[bytes]) -> None:
    while line := output.readline(LINE_BYTES):
        for secret in hidden:
            line = line.replace(secret, REMOVED)
        _say(line)


def _say(line: bytes) -> None:
    os.write(sys.stdout.fileno(), line)


def _watch(server: "subprocess.Popen[bytes]") -> None:
    """Wait until nobody holds the other end of the pipe, and end the server."""
    while os.read(sys.stdin.fileno(), LINE_BYTES):
        pass
    _end_group(server)
    try:
        server.wait(TERMINATE_S)
    except subprocess.TimeoutExpired:
        _kill_group(server)


def _end_group(server: "subprocess.Popen[bytes]") -> None:
    if sys.platform == "win32":
        _kill_group(server)
    else:
        os.killpg(0, signal.SIGTERM)


def _kill_group(server: "subprocess.Popen[bytes]") -> None:
    if sys.platform == "win32":
        subprocess.run(  # noqa: S603 - Windows has no groups that can be ended
            ["taskkill", "/T", "/F", "/PID", str(server.pid)],  # noqa: S607
            check=False,
            capture_output=True,
        )
    else:
        os.killpg(0, signal.SIGKILL)
