"""Whether a server on this machine is ready: it says so, and lists the model."""

import json

from vscbench.loopback import connect
from vscbench.models.served.engines import HOST

ANSWER_S = 20.0
MOST_BYTES = 1_000_000


def is_ready(port: int, key: str, model: str) -> bool:
    """Ask once; a server that is not there yet is not ready.

    Args:
        port: on this machine.
        key: without which it lists no models.
        model: by the name it was told to serve it under.
    """
    # Both engines answer at /health without a key, 200 once the engine behind it works.
    return _get(port, "/health", None) is not None and model in _models(port, key)


def _models(port: int, key: str) -> list[object]:
    try:
        listed = json.loads(_get(port, "/v1/models", key) or b"{}")
        return [entry["id"] for entry in listed["data"]]
    except (ValueError, TypeError, KeyError):
        return []


def _get(port: int, path: str, key: str | None) -> bytes | None:
    """Return the body of a 200, or ``None``; no proxy comes between."""
    import http.client  # here, as few runs start a server

    connection = http.client.HTTPConnection(HOST, port, timeout=ANSWER_S)
    # Connected here: a plugin that keeps tests off the network stops http.client's own.
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    try:
        connection.sock = connect((HOST, port), ANSWER_S)
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        body = response.read(MOST_BYTES)
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    return body if response.status == http.client.OK else None
