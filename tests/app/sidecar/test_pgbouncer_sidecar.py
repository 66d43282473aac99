"""The sidecar as a task runs it: real PgBouncer between a real client and two real PostgreSQL servers."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest
from postgres_server import PostgresServer, as_user, free_port

from pgbouncer_sidecar import Settings, SettingsError, render_config, render_userlist, write_files

APP = Path(__file__).resolve().parents[3] / "app_src"
# What a generated password may hold, and what people type.
PASSWORD = "p\"a'ss\\w;#= x%äé"

pytestmark = pytest.mark.skipif(
    shutil.which("pgbouncer", path=os.environ.get("PATH", "") + ":/usr/sbin") is None, reason="pgbouncer not installed"
)


def environment(scratch: Path, **changes: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "PGBOUNCER_ADDRESS": "127.0.0.1",
        "PGBOUNCER_PORT": "6432",
        "SCRATCH_DIR": str(scratch),
        "WRITER_HOST": "127.0.0.1",
        "WRITER_PORT": "5432",
        "READER_HOST": "127.0.0.1",
        "READER_PORT": "5433",
        "DATABASE_NAME": "spendsmart",
        "WRITER_POOL_SIZE": "2",
        "READER_POOL_SIZE": "3",
        "MAX_CLIENT_CONNECTIONS": "40",
        "STATEMENT_SECONDS": "2",
        "DATABASE_USERNAME": "app",
        "DATABASE_PASSWORD": PASSWORD,
    } | changes


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[PostgresServer, PostgresServer]]:
    folder = tmp_path_factory.mktemp("pg")
    writer, reader = (
        PostgresServer(folder=folder / name, port=free_port(), name=name, user="app", password=PASSWORD)
        for name in ("writer", "reader")
    )
    writer.create()
    reader.create()
    yield writer, reader
    writer.stop()
    reader.stop()


@pytest.fixture(scope="module")
def port(servers: tuple[PostgresServer, PostgresServer], tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    writer, reader = servers
    scratch, listen = tmp_path_factory.mktemp("scratch"), free_port()
    process = subprocess.Popen(
        [*as_user(10001), sys.executable, "-m", "pgbouncer_sidecar"],
        cwd=APP,
        env=environment(
            scratch, PGBOUNCER_PORT=str(listen), WRITER_PORT=str(writer.port), READER_PORT=str(reader.port)
        ),
    )
    try:
        deadline = time.monotonic() + 10
        while healthcheck(listen).returncode:
            assert process.poll() is None and time.monotonic() < deadline, "pgbouncer did not start"
            time.sleep(0.05)
        assert b"PASSWORD=" not in Path(f"/proc/{process.pid}/environ").read_bytes()
        yield listen
    finally:
        process.terminate()
        assert process.wait(10) is not None


def healthcheck(port: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-S", str(APP / "healthcheck.py"), "pgbouncer"]
    return subprocess.run(
        command, env={"PGBOUNCER_PORT": str(port)}, capture_output=True, text=True, check=False, timeout=10
    )


def connect(port: int, database: str, password: str = PASSWORD) -> psycopg2.extensions.connection:
    connection = psycopg2.connect(
        host="127.0.0.1", port=port, dbname=database, user="app", password=password, sslmode="disable",
        connect_timeout=10, options="-c statement_timeout=5000",
    )  # fmt: skip
    connection.autocommit = True
    return connection


def ask(connection: psycopg2.extensions.connection, question: str) -> object:
    with connection.cursor() as cursor:
        cursor.execute(question)
        row = cursor.fetchone()
        assert row is not None
        return row[0]


def ask_until_answered(port: int, database: str, question: str) -> object:
    """PgBouncer refuses at once for up to server_login_retry after a failed login; 5 s is plenty."""
    deadline = time.monotonic() + 5
    while True:
        try:
            return ask(connect(port, database), question)
        except psycopg2.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


@pytest.mark.parametrize(("database", "server"), [("spendsmart", "writer"), ("spendsmart_reader", "reader")])
def test_each_name_reaches_its_server_over_tls(port: int, database: str, server: str) -> None:
    connection = connect(port, database)
    assert ask(connection, "SELECT name FROM whoami") == server
    assert ask(connection, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()") is True
    connection.close()


def test_many_clients_share_the_pool(port: int) -> None:
    clients = [connect(port, "spendsmart") for _ in range(12)]
    assert len({ask(client, "SELECT pg_backend_pid()") for client in clients}) <= 2
    for client in clients:
        client.close()


def test_a_wrong_password_an_unknown_name_and_the_console_are_refused(port: int) -> None:
    with pytest.raises(psycopg2.OperationalError, match=r"(?i)password|SASL"):
        connect(port, "spendsmart", password="guess")
    with pytest.raises(psycopg2.OperationalError, match="no such database"):
        connect(port, "postgres")
    with pytest.raises(psycopg2.OperationalError):
        connect(port, "pgbouncer")


def test_clients_survive_a_restart_of_their_server(port: int, servers: tuple[PostgresServer, PostgresServer]) -> None:
    client = connect(port, "spendsmart")
    before = ask(client, "SELECT pg_backend_pid()")
    servers[0].stop()
    servers[0].start()
    assert ask_until_answered(port, "spendsmart", "SELECT pg_backend_pid()") != before
    assert ask(client, "SELECT name FROM whoami") == "writer"  # over the very connection it had before
    client.close()


def test_a_server_without_tls_is_not_used(port: int, servers: tuple[PostgresServer, PostgresServer]) -> None:
    reader = servers[1]
    (reader.data / "pg_hba.conf").write_text("host all all 127.0.0.1/32 scram-sha-256\n")
    reader.stop()
    reader.start(tls=False)
    with pytest.raises(psycopg2.OperationalError):  # after query_wait_timeout
        ask(connect(port, "spendsmart_reader"), "SELECT 1")
    reader.stop()
    reader.start(tls=True)
    assert ask_until_answered(port, "spendsmart_reader", "SELECT name FROM whoami") == "reader"


def test_files_are_for_the_owner_alone_even_over_old_ones(tmp_path: Path) -> None:
    (tmp_path / "userlist.txt").write_text("left over")
    (tmp_path / "userlist.txt").chmod(0o644)
    config = write_files(Settings.from_environment(environment(tmp_path)))
    for path in (config, tmp_path / "userlist.txt"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert PASSWORD not in config.read_text()


def test_config_and_userlist(tmp_path: Path) -> None:
    settings = Settings.from_environment(environment(tmp_path))
    config = render_config(settings, userlist=tmp_path / "u")
    assert "spendsmart = host=127.0.0.1 port=5432 dbname=spendsmart pool_size=2" in config
    assert "spendsmart_reader = host=127.0.0.1 port=5433 dbname=spendsmart pool_size=3" in config
    assert render_userlist(settings) == '"app" "p""a\'ss\\w;#= x%äé"\n'


def test_a_statement_without_an_answer_fails_in_time(port: int) -> None:
    with pytest.raises(psycopg2.OperationalError, match="closed the connection"):
        ask(connect(port, "spendsmart"), "SELECT pg_sleep(30)")
    assert ask(connect(port, "spendsmart"), "SELECT 1") == 1


def test_every_fault_in_the_environment_is_named_at_once(tmp_path: Path) -> None:
    faulty = environment(tmp_path, WRITER_PORT="none", READER_HOST="a host=evil", READER_POOL_SIZE="0")
    del faulty["DATABASE_PASSWORD"]
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment(faulty)
    for name in ("WRITER_PORT", "READER_HOST", "READER_POOL_SIZE", "DATABASE_PASSWORD is not set"):
        assert name in str(caught.value)


def test_the_process_ends_with_the_name_of_the_missing_variable(tmp_path: Path) -> None:
    lacking = environment(tmp_path)
    del lacking["READER_HOST"]
    ran = subprocess.run(
        [sys.executable, "-m", "pgbouncer_sidecar"], cwd=APP, env=lacking, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 78
    assert "READER_HOST is not set" in ran.stderr
