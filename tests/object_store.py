"""Object stores on the loopback, and a line to one that fails when it is told to.

The S3 server is moto's, Google's store that of `google_store`. Moto is looked for in the
environment, and in the folder MOTO (``pip install --target FOLDER 'moto[server]'``), whose packages
the server alone gets to see.
"""

import contextlib
import http.client
import importlib.util
import json
import os
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests import google_store
from xai_jax.runtime import objects

FOLDER = os.environ.get("MOTO", "")
BUCKET = "pictures"
SCHEMES = ("s3", "gs")
MISSING = "moto is not installed; make store-test installs it in a folder of its own"
_SERVE = "import sys; from moto.server import main; main(['-H', '127.0.0.1', '-p', sys.argv[1]])"


def is_there() -> bool:
    """Moto."""
    beside = bool(FOLDER) and Path(FOLDER, "moto").is_dir()
    return beside or importlib.util.find_spec("moto") is not None


def server(scheme: str = "s3"):
    """The port of a server with one bucket."""
    return _moto() if scheme == "s3" else google_store.server(BUCKET)


@contextlib.contextmanager
def _moto():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    path = os.pathsep.join(filter(None, [FOLDER, os.environ.get("PYTHONPATH")]))
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", _SERVE, str(port)],
        env=os.environ | {"PYTHONPATH": path},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 60
        while not _has_bucket(port):
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.1)
        yield port
    finally:
        process.kill()
        process.wait()


def _has_bucket(port: int) -> bool:
    with contextlib.suppress(OSError, http.client.HTTPException):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("PUT", f"/{BUCKET}")
        return connection.getresponse().status == 200
    return False


@contextlib.contextmanager
def given_up_soon(line: "Line", monkeypatch, **retries: Any):
    """The environment tells of that line, and a request on it is tried only so often."""
    for name, value in environment(line.endpoint).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(objects, "RETRIES", retries)
    _forget()
    yield line
    line.close()
    _forget()


def _forget() -> None:
    objects.context.cache_clear()
    objects.opened.cache_clear()


class Line:
    """A proxy before the server.

    `fault` is asked of each request, ``(verb, name of the object) -> what goes wrong``: "" for
    nothing, a status and the store's word for it ("403 AccessDenied"), "slow", "reset" (no answer),
    "torn" (half of what is sent arrives), or "lost" (it arrives, and the answer does not). The
    verbs are read, write, delete and list, which names where it begins. `seen` are the requests.
    """

    def __init__(self, port: int) -> None:
        self.fault = lambda verb, name: ""
        self.port, self.seen = port, []
        kind = type("Handler", (_Handler,), {"line": self})
        self._server = google_store.Server(("127.0.0.1", 0), kind)
        self.endpoint = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version, wbufsize = "HTTP/1.1", -1  # an answer in one piece
    line: Line

    def handle_one(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        request = asked(self.command, self.path)
        self.line.seen.append(request)
        fault = self.line.fault(*request)
        status, _, word = fault.partition(" ")
        if status.isdigit():
            self._answer(int(status), {}, _refusal(self.path, status, word))
        elif fault == "reset":
            self._cut()
        elif fault == "torn":
            with socket.create_connection(("127.0.0.1", self.line.port)) as there:
                there.sendall(f"{self.requestline}\r\n{self.headers}".encode())
                there.sendall(body[: len(body) // 2])
            self._cut()
        else:
            time.sleep(0.3 if fault == "slow" else 0)
            answer = self._asked(body)
            self._cut() if fault == "lost" else self._answer(*answer)

    do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = handle_one  # noqa: N815

    def _asked(self, body: bytes):
        there = http.client.HTTPConnection("127.0.0.1", self.line.port, timeout=60)
        with contextlib.closing(there):
            there.request(self.command, self.path, body, dict(self.headers))
            found = there.getresponse()
            return found.status, dict(found.getheaders()), found.read()

    def _answer(self, status: int, headers: dict, content: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() not in {"transfer-encoding", "connection", "content-length"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(headers.get("Content-Length", len(content))))
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()

    def _cut(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *_) -> None:
        pass


def asked(method: str, path: str) -> tuple[str, str]:
    """What a request asks for, and of which object."""
    url = urlsplit(path)
    query = parse_qs(url.query)
    if _is_google(path):
        top = google_store.UPLOADS if method == "POST" else google_store.OBJECTS
        name = url.path.removeprefix(top).partition("/o")[2].removeprefix("/")
        name = query.get("name", [name])[0] if method == "POST" else unquote(name)
        is_listing = method == "GET" and not name
    else:
        name, is_listing = unquote(url.path).removeprefix(f"/{BUCKET}/"), "list-type" in query
    if is_listing:
        begins = (query.get(key, [""])[0] for key in ("startOffset", "start-after", "prefix"))
        return "list", next(filter(None, begins), "")
    return {"PUT": "write", "POST": "write", "DELETE": "delete"}.get(method, "read"), name


def _is_google(path: str) -> bool:
    return path.startswith((google_store.UPLOADS, google_store.OBJECTS))


def _refusal(path: str, status: str, word: str) -> bytes:
    if _is_google(path):
        return json.dumps({"error": {"code": int(status), "message": word}}).encode()
    return f"<Error><Code>{word}</Code><Message>so</Message></Error>".encode()


def environment(endpoint: str) -> dict[str, str]:
    """How programs find a server of either kind."""
    return {
        "TENSORSTORE_GCS_HTTP_URL": endpoint,
        "GCE_METADATA_ROOT": "127.0.0.1:1",  # nobody is asked who this machine is
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "somebody",
        "AWS_SECRET_ACCESS_KEY": "whatever",
        "AWS_REGION": "us-east-1",
    }
