"""An emulator, a PostgreSQL and a Valkey server with an environment of previews, for the sweeper to look at."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import valkey

from infra.functions.preview_server.sweeper.settings import Settings, client
from infra.valkey import _ACCESS
from localcloud import tls
from localcloud.dataplane import status
from localcloud.dataplane.elasticache.server import ValkeyServer
from localcloud.dataplane.elasticache.tls_front import TlsFront
from localcloud.dataplane.keeper import Keeper
from localcloud.dataplane.postgres.server import PostgresServer
from localcloud.dataplane.specs import DatabaseSpec, Login, ValkeySpec, ValkeyUser
from previews.life import Terms
from tests.localcloud.dataplane.conftest import eventually, state
from tests.localcloud.emulator.conftest import emulator
from tests.localcloud.emulator.support import Emulator

from . import rights
from .account import BASE_PORT, GROUPS, Account

__all__ = ["emulator", "state"]

_MASTER = Login(username="spendsmart", password="master-password")
_VALKEY = ValkeyUser(username="spendsmart-preview-cache", access_string=_ACCESS, passwords=("long enough for Valkey",))


@pytest.fixture(scope="module")
def database(state: Path) -> Iterator[int]:
    """The port of a server in which only previews' roles are looked at."""
    spec = DatabaseSpec(
        identifier="previews",
        port=BASE_PORT,
        login=_MASTER,
        database="spendsmart",
        resource_id="db-1",
        parameters={"rds.force_ssl": "1", "max_connections": "30"},
    )
    part = PostgresServer(spec.identifier, source_port=lambda _: None)
    keeper = Keeper(kind="rds", name=spec.identifier, part=part, spec=spec)
    try:
        path = status.path("rds", spec.identifier)
        eventually(lambda: json.loads(path.read_text())["status"] == "available", within=60)
        yield spec.port
    finally:
        keeper.stop()
        keeper.join()


@pytest.fixture(scope="module")
def keys(state: Path) -> Iterator[valkey.Valkey]:
    """A client of a server with the environment's own user."""
    spec = ValkeySpec(group_id="keys", port=BASE_PORT + 50, memory=64 * 1024**2, users=(_VALKEY,))
    front = TlsFront()
    doors = Keeper(kind="envoy", name="valkey", part=front, spec=None)
    server = Keeper(kind="elasticache", name="keys", part=ValkeyServer("keys", front=front), spec=spec)
    try:
        path = status.path("elasticache", "keys")
        eventually(lambda: json.loads(path.read_text())["status"] == "available", within=60)
        with valkey.Valkey(
            host="127.0.0.1",
            port=spec.port,
            username=_VALKEY.username,
            password=_VALKEY.passwords[0],
            ssl=True,
            ssl_ca_certs=str(tls.material().authority),
        ) as client:
            yield client
    finally:
        for each in (server, doors):
            each.stop()
            each.join()


@pytest.fixture(scope="module")
def account(emulator: Emulator, state: Path, database: int, keys: valkey.Valkey) -> Iterator[Account]:
    """boto3's own variables lead to the emulator, as they do in a function, with the rights of the sweeper's role."""
    authorities = state.parent / "authorities.pem"
    authorities.write_bytes((emulator.home / "tls" / "ca.pem").read_bytes() + tls.material().authority.read_bytes())
    secrets = emulator.client("secretsmanager")
    login = secrets.create_secret(
        Name="master", SecretString=json.dumps({"username": _MASTER.username, "password": _MASTER.password})
    )["ARN"]
    password = secrets.create_secret(Name="valkey", SecretString=_VALKEY.passwords[0])["ARN"]
    server = {
        "host": "127.0.0.1",
        "port": str(keys.connection_pool.connection_kwargs["port"]),
        "username": _VALKEY.username,
        "secret": password,
    }
    made = Account(client=emulator.client, keys=keys)
    made.prepare()
    before = dict(os.environ)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        os.environ.pop(name, None)
    os.environ.update(
        rights.variables(
            emulator.client,
            {
                "DatabaseLogin": login,
                "CachePassword": password,
                "BrokerPassword": "none",
                "DataKey": "none",
                "Messages": "none",
                "SweeperLogs": "none",
                "ProductionRule": "none",
                "ObjectsBucket": "preview-objects",
                "Cluster": "previews",
                "Listener": made.listener.split(":listener/")[1],
            },
        )
    )
    os.environ |= {
        "AWS_ENDPOINT_URL": f"https://127.0.0.1:{emulator.port}",
        "AWS_CA_BUNDLE": str(authorities),
        "AWS_DEFAULT_REGION": "us-east-1",
        "DATABASE_HOST": "127.0.0.1",
        "DATABASE_PORT": str(database),
        "MASTER_SECRET_ARN": login,
        "VALKEY_SERVERS": json.dumps([server]),
    }
    client.cache_clear()
    yield made
    client.cache_clear()
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def settings(account: Account) -> Settings:
    return Settings(
        stack_prefix=account.stack_prefix,
        terms=Terms(hours=72, kept_hours=336, warning_hours=12),
        namespace="SpendSmart/preview",
        topic="",
        listener=account.listener,
        cluster="previews",
        user_groups=GROUPS,
        bucket="preview-objects",
        priorities="/spendsmart/preview/preview-priorities",
    )
