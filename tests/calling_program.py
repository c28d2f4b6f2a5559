"""A program that calls back to the process that started it, and waits for nothing but its end."""

import os
import socket
from typing import Any

from vscbench.models.frames import encode_frame


def main(said: dict[str, Any]) -> None:
    """Say hello, and end with the connection."""
    with socket.create_connection(("127.0.0.1", said["port"])) as connection:
        connection.sendall(encode_frame({"token": said["token"], "pid": os.getpid()}))
        connection.recv(1)
