"""An emulator and a PostgreSQL server with an environment of previews, for the sweeper to look at."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.functions.preview_server import postgres
from infra.functions.preview_server.sweeper.settings import Settings
from localcloud.dataplane import status
from localcloud.dataplane.keeper import Keeper
from localcloud.dataplane.postgres.server import PostgresServer
from localcloud.dataplane.specs import DatabaseSpec, Login
from previews.life import Terms
from tests.localcloud.dataplane.conftest import eventually, state
from tests.localcloud.emulator.conftest import emulator
from tests.localcloud.emulator.support import Emulator

from .account import BASE_PORT, Account

__all__ = ["emulator", "state"]

_MASTER = Login(username="spendsmart", password="master-password")


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
def account(emulator: Emulator, database: int) -> Iterator[Account]:
    """boto3's own variables lead to the emulator, as they do in a function."""
    root = json.loads((emulator.home / "secrets" / "root.json").read_text())
    given = {
        "AWS_ENDPOINT_URL": f"https://127.0.0.1:{emulator.port}",
        "AWS_CA_BUNDLE": str(emulator.home / "tls" / "ca.pem"),
        "AWS_ACCESS_KEY_ID": root["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": root["secret_access_key"],
        "AWS_DEFAULT_REGION": "us-east-1",
        "DATABASE_HOST": "127.0.0.1",
        "DATABASE_PORT": str(database),
    }
    before = dict(os.environ)
    os.environ.update(given)
    for name in ("AWS_SESSION_TOKEN", "AWS_PROFILE"):
        os.environ.pop(name, None)
    secret = emulator.client("secretsmanager").create_secret(
        Name="master", SecretString=json.dumps({"username": _MASTER.username, "password": _MASTER.password})
    )
    os.environ["MASTER_SECRET_ARN"] = secret["ARN"]
    made = Account(client=emulator.client)
    made.prepare()
    yield made
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
        user_groups=("preview-broker", "preview-cache"),
        bucket="preview-objects",
        priorities="/spendsmart/preview/preview-priorities",
    )


def rows(statement: str) -> list[Any]:
    with postgres.connection() as link:
        return [row[0] for row in link.run(statement)]
