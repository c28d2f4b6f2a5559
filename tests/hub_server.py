"""A model hub on the loopback interface, as much of it as fetching a checkpoint takes."""

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

from hub_cache import COMMIT

# What the hub says in its header X-Error-Code, and with which status.
FAULTS = {
    "gated": (403, "GatedRepo"),
    "none": (404, "RepoNotFound"),
    "rev": (404, "RevisionNotFound"),
}


class HubServer(ThreadingHTTPServer):
    """Serves one folder as one repository; ``paths`` are what was asked, ``sent`` whole files."""

    daemon_threads = True

    def __init__(self, hub_id: str, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.hub_id = hub_id
        self.folder = folder
        self.sent: list[str] = []

    @property
    def url(self) -> str:
        """What HF_ENDPOINT is to be."""
        return f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def hub_server(hub_id: str, folder: Path) -> Iterator[HubServer]:
    """Serve a folder as a repository of a hub."""
    server = HubServer(hub_id, folder)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: HubServer
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        owner = path.removeprefix("/api/models/").removeprefix("/").partition("/")[0]
        about = f"/api/models/{self.server.hub_id}"
        files = f"/{self.server.hub_id}/resolve/{COMMIT}/"
        if owner in FAULTS:
            self._fail(*FAULTS[owner])
        elif path.startswith(f"{about}/revision/"):
            known = path.rpartition("/")[2] in {"main", COMMIT}
            self._json({"id": self.server.hub_id, "sha": COMMIT}) if known else self._fail(
                *FAULTS["rev"]
            )
        elif path.startswith(f"{about}/tree/"):
            self._json([_entry(file) for file in sorted(self.server.folder.iterdir())])
        elif path.startswith(files):
            self._file(self.server.folder / path.removeprefix(files))
        else:
            self._fail(404, "EntryNotFound")

    def _file(self, file: Path) -> None:
        content = file.read_bytes()
        if self.command == "GET":
            self.server.sent.append(file.name)
        about = {"ETag": f'"{_etag(file, content)}"', "X-Repo-Commit": COMMIT}
        self._send(200, content, about)

    def _json(self, said: object) -> None:
        self._send(200, json.dumps(said).encode(), {"Content-Type": "application/json"})

    def _fail(self, status: int, code: str) -> None:
        self._send(status, b"", {"X-Error-Code": code, "X-Error-Message": "No."})

    def _send(self, status: int, content: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)


def _entry(file: Path) -> Mapping[str, object]:
    content = file.read_bytes()
    entry: dict[str, object] = {"type": "file", "path": file.name, "size": len(content)}
    entry["oid"] = hashlib.sha1(content, usedforsecurity=False).hexdigest()
    if file.suffix in {".safetensors", ".bin"}:
        digest = hashlib.sha256(content).hexdigest()
        entry["lfs"] = {"oid": digest, "sha256": digest, "size": len(content), "pointerSize": 130}
    return entry


def _etag(file: Path, content: bytes) -> str:
    large = file.suffix in {".safetensors", ".bin"}
    digest = hashlib.sha256(content) if large else hashlib.sha1(content, usedforsecurity=False)
    return digest.hexdigest()
