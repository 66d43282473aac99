"""A container registry for one test: what pushing and pulling one image asks for (OCI distribution specification)."""

from __future__ import annotations

import hashlib
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"


@contextmanager
def registry(folder: Path) -> Iterator[str]:
    """`host:port` of a registry on the loopback interface that keeps its blobs in `folder`."""
    manifests: dict[str, tuple[str, bytes]] = {}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def _answer(self, code: int, body: bytes = b"", **headers: str) -> None:
            self.send_response(code)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def _body(self) -> Iterator[bytes]:
            if self.headers.get("Transfer-Encoding") == "chunked":
                while size := int(self.rfile.readline(), 16):
                    yield self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
            else:
                yield self.rfile.read(int(self.headers.get("Content-Length", 0)))

        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            reference = path.rpartition("/")[2]
            if path == "/v2/":
                return self._answer(200, b"{}")
            if "/manifests/" in path and reference in manifests:
                kind, body = manifests[reference]
                digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
                return self._answer(200, body, Content_Type=kind, Docker_Content_Digest=digest)
            blob = folder / reference.replace(":", "-")
            if "/blobs/" in path and blob.exists():
                return self._answer(200, blob.read_bytes(), Docker_Content_Digest=reference)
            return self._answer(404)

        do_HEAD = do_GET  # noqa: N815  (the name that http.server looks for)

        def do_POST(self) -> None:
            list(self._body())
            name = self.path.partition("/blobs/")[0]
            self._answer(202, Location=f"{name}/blobs/uploads/{uuid.uuid4().hex}", Range="0-0")

        def do_PATCH(self) -> None:
            path = urlsplit(self.path).path
            with (folder / path.rpartition("/")[2]).open("ab") as file:
                for part in self._body():
                    file.write(part)
            self._answer(202, Location=path, Range=f"0-{(folder / path.rpartition('/')[2]).stat().st_size}")

        def do_PUT(self) -> None:
            parts = urlsplit(self.path)
            last = parts.path.rpartition("/")[2]
            body = b"".join(self._body())
            if "/manifests/" in parts.path:
                digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
                manifests[last] = manifests[digest] = (self.headers.get("Content-Type", _MANIFEST), body)
            else:
                digest = parse_qs(parts.query)["digest"][0]
                with (folder / last).open("ab") as file:
                    file.write(body)
                (folder / last).rename(folder / digest.replace(":", "-"))
            self._answer(201, Docker_Content_Digest=digest)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
