"""Google's object store on the loopback, as far as TensorStore asks it: its JSON API, in memory.

Every write makes a generation, on which reads, writes and deletions may depend; listings come in
pages. Written after https://cloud.google.com/storage/docs/json_api.
"""

import contextlib
import itertools
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

PAGE = 7  # objects in one answer to a listing
OBJECTS, UPLOADS = "/storage/v1/b/", "/upload/storage/v1/b/"


class Server(ThreadingHTTPServer):
    """One that many connections may reach at once."""

    daemon_threads, request_queue_size = True, 128

    def handle_error(self, request, client_address) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # whoever asked may have been killed
            super().handle_error(request, client_address)


@contextlib.contextmanager
def server(bucket: str):
    """The port of a server with one empty bucket."""
    kind = type("Handler", (_Handler,), {"kept": _Kept(bucket)})
    made = Server(("127.0.0.1", 0), kind)
    threading.Thread(target=made.serve_forever, daemon=True).start()
    try:
        yield made.server_address[1]
    finally:
        made.shutdown()
        made.server_close()


class _Refused(Exception):
    """Status and message."""


class _Kept:
    def __init__(self, bucket: str) -> None:
        self.bucket = bucket
        self.objects: dict[str, tuple[int, bytes]] = {}  # generation and content by name
        self._generations = itertools.count(1_700_000_000_000_000)
        self._lock = threading.Lock()

    def read(self, name: str, asked: dict) -> tuple[int, bytes]:
        with self._lock:
            self._check(name, asked)
            if name not in self.objects:
                raise _Refused(404, f"No such object: {self.bucket}/{name}")
            return self.objects[name]

    def write(self, name: str, asked: dict, content: bytes) -> dict:
        with self._lock:
            self._check(name, asked)
            self.objects[name] = next(self._generations), content
            return self._about(name)

    def delete(self, name: str, asked: dict) -> None:
        with self._lock:
            self._check(name, asked)
            if self.objects.pop(name, None) is None:
                raise _Refused(404, f"No such object: {self.bucket}/{name}")

    def list(self, asked: dict) -> dict:
        first, behind = asked.get("startOffset", ""), asked.get("endOffset", "\U0010ffff")
        with self._lock:
            there = sorted(name for name in self.objects if first <= name < behind)
            there = [name for name in there if name.startswith(asked.get("prefix", ""))]
            there = [name for name in there if name > asked.get("pageToken", "")]
            page = [self._about(name) for name in there[:PAGE]]
        more = {"nextPageToken": page[-1]["name"]} if len(there) > PAGE else {}
        return {"kind": "storage#objects", "items": page, **more}

    def _about(self, name: str) -> dict:
        generation, content = self.objects[name]
        about = {"name": name, "bucket": self.bucket, "size": str(len(content))}
        return {"kind": "storage#object", **about, "generation": str(generation)}

    def _check(self, name: str, asked: dict) -> None:
        there = self.objects.get(name, (0, b""))[0]
        if int(asked.get("ifGenerationMatch", there)) != there:
            raise _Refused(412, "At least one of the pre-conditions you specified did not hold.")
        if "ifGenerationNotMatch" in asked and int(asked["ifGenerationNotMatch"]) == there:
            raise _Refused(304, "")


class _Handler(BaseHTTPRequestHandler):
    protocol_version, wbufsize = "HTTP/1.1", -1  # an answer in one piece
    kept: _Kept

    def handle_one(self) -> None:
        size = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(size)
        if len(body) < size:  # the sender has gone
            self.close_connection = True
            return
        try:
            self._answer(200, *self._asked(body))
        except _Refused as refused:
            status, message = refused.args
            error = {"error": {"code": status, "message": message}}
            self._answer(status, json.dumps(error).encode() if status >= 400 else b"")

    do_GET = do_POST = do_DELETE = handle_one  # noqa: N815

    def _asked(self, body: bytes) -> tuple[bytes, dict]:
        url = urlsplit(self.path)
        asked = {key: value[-1] for key, value in parse_qs(url.query).items()}
        top = UPLOADS if self.command == "POST" else OBJECTS
        bucket, _, rest = url.path.removeprefix(top).partition("/")
        if bucket != self.kept.bucket:
            raise _Refused(404, "The specified bucket does not exist.")
        name = unquote(rest.partition("/")[2])
        if self.command == "POST":
            return json.dumps(self.kept.write(asked["name"], asked, body)).encode(), {}
        if self.command == "DELETE":
            self.kept.delete(name, asked)
            return b"", {}
        if not name:
            return json.dumps(self.kept.list(asked)).encode(), {}
        generation, content = self.kept.read(name, asked)
        return content, {"x-goog-generation": str(generation)}

    def _answer(self, status: int, content: bytes, headers: dict | None = None) -> None:
        self.send_response_only(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()

    def log_message(self, *_) -> None:
        pass
