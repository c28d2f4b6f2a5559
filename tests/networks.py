"""What stands between a test and its provider: a certificate authority and a forward proxy."""

import contextlib
import http.client
import select
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

OPENSSL = shutil.which("openssl")
NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
AUTHORITY = """
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
subjectAltName = IP:127.0.0.1
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
authorityKeyIdentifier = keyid
"""
IDLE_S = 20.0


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority's file, and a server's context that it vouches for."""

    file: Path
    server: ssl.SSLContext


def make_authority(folder: Path) -> Authority:
    """Make an authority and a certificate for 127.0.0.1 with the openssl program."""
    settings = folder / "openssl.cnf"
    settings.write_text(AUTHORITY, encoding="ascii")
    names = ("authority.key", "authority.pem", "server.key", "server.csr", "server.pem")
    authority_key, authority, key, request, certificate = (str(folder / name) for name in names)
    use = ("-config", str(settings))
    signed = ("-CA", authority, "-CAkey", authority_key, "-CAcreateserial")
    extended = ("-extfile", str(settings), "-extensions", "server")
    vouching = ("-x509", "-extensions", "authority", "-days", "2", "-subj", "/CN=Tests")
    for command in (
        ("req", *NEW_KEY, *use, *vouching, "-keyout", authority_key, "-out", authority),
        ("req", *NEW_KEY, *use, "-new", "-subj", "/CN=loopback", "-keyout", key, "-out", request),
        ("x509", "-req", "-in", request, *signed, *extended, "-days", "2", "-out", certificate),
    ):
        subprocess.run([str(OPENSSL), *command], check=True, capture_output=True, timeout=60)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return Authority(Path(authority), context)


@dataclass(slots=True)
class Proxy:
    """A running forward proxy: its address, what it was asked for, and by whom."""

    url: str
    asked: list[str] = field(default_factory=list)
    logins: list[str | None] = field(default_factory=list)


@contextlib.contextmanager
def forward_proxy(status: int = 200) -> Iterator[Proxy]:
    """Run a proxy on the loopback interface, for plain requests and for tunnels.

    Any other ``status`` is its answer to everything.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if not self._admitted():
                return
            target = urlsplit(self.path)
            onward = http.client.HTTPConnection(target.netloc, timeout=IDLE_S)
            headers = {k: v for k, v in self.headers.items() if not k.startswith("Proxy-")}
            onward.request("POST", target.path, body, headers)
            answer = onward.getresponse()
            data = answer.read()
            self.send_response_only(answer.status)
            self.send_header("Content-Type", answer.headers["Content-Type"])
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
            onward.close()

        def do_CONNECT(self) -> None:
            if not self._admitted():
                return
            host, _, port = self.path.partition(":")
            self.close_connection = True
            with socket.create_connection((host, int(port)), IDLE_S) as onward:
                self.send_response_only(200)
                self.end_headers()
                relay(self.connection, onward)

        def _admitted(self) -> bool:
            proxy.asked.append(f"{self.command} {self.path}")
            proxy.logins.append(self.headers.get("Proxy-Authorization"))
            if status != http.client.OK:
                self.send_error(status)
            return status == http.client.OK

        def log_message(self, format: str, *args: object) -> None:
            """Keep standard error clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    proxy = Proxy(f"127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, args=(0.005,), daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def relay(one: socket.socket, other: socket.socket) -> None:
    """Pass bytes both ways until a side ends or nothing comes for a while."""
    across = {one: other, other: one}
    while True:
        ready, _, _ = select.select(list(across), (), (), IDLE_S)
        if not ready:
            return
        for side in ready:
            data = side.recv(65536)
            if not data:
                return
            across[side].sendall(data)
