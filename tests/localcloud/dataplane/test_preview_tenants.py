"""What a preview's database role and Valkey user may do, and where they are refused: on real servers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import kombu
import psycopg2
import pytest
import valkey

from infra.functions.preview_server import databases as functions
from infra.functions.preview_server import postgres
from infra.functions.preview_server.custom_resource import RefusedError, Request
from infra.valkey import tenant_access
from localcloud import tls
from localcloud.dataplane.elasticache.server import ValkeyServer
from localcloud.dataplane.elasticache.tls_front import TlsFront
from localcloud.dataplane.keeper import Keeper
from localcloud.dataplane.postgres.server import PostgresServer
from localcloud.dataplane.specs import DatabaseSpec, Login, ValkeySpec, ValkeyUser
from localcloud.dataplane.status import path as status_path
from previews.names import PreviewName, database_name

from .conftest import BASE_PORT, eventually

pytestmark = pytest.mark.localcloud

MASTER = Login(username="spendsmart", password="the password of the server's own user")
SERVER = DatabaseSpec(
    identifier="shared",
    port=BASE_PORT + 100,
    login=MASTER,
    database="spendsmart",
    resource_id="db-1",
    parameters={"rds.force_ssl": "1", "max_connections": "50"},
)
ONE, OTHER = PreviewName.of("pr-1"), PreviewName.of("pr-2")
PASSWORD = "long enough for a password"
TEMPLATE = "preview_template_00000000"
USERS = tuple(
    ValkeyUser(username=each.environment, access_string=tenant_access(each.key_prefix), passwords=(PASSWORD,))
    for each in (ONE, OTHER)
)
BASE_USER = ValkeyUser(username="base", access_string="on ~* &* +@all -@admin -@dangerous", passwords=(PASSWORD,))
GROUP = ValkeySpec(group_id="shared", port=BASE_PORT + 150, memory=64 * 1024**2, users=(*USERS, BASE_USER))


def _available(kind: str, name: str) -> bool:
    place = status_path(kind, name)
    return place.exists() and '"available"' in place.read_text()


@pytest.fixture(scope="module")
def databases(state: Path) -> Iterator[None]:
    """A server with the environment's own data, a template, and two previews made from it."""
    keeper = Keeper(kind="rds", name="shared", part=PostgresServer("shared", source_port=lambda _: None), spec=SERVER)
    patch = pytest.MonkeyPatch()
    # Where the function would ask Secrets Manager.
    patch.setattr(postgres, "login", lambda _: postgres.Login(username=MASTER.username, password=MASTER.password))
    patch.setenv("MASTER_SECRET_ARN", "arn")
    patch.setenv("DATABASE_HOST", "127.0.0.1")
    patch.setenv("DATABASE_PORT", str(SERVER.port))
    try:
        eventually(lambda: _available("rds", "shared"), within=120)
        _run(MASTER.username, "spendsmart", "CREATE TABLE customers AS SELECT 'real' AS name", password=MASTER.password)
        _make_template()
        for preview in (ONE, OTHER):
            with postgres.connection() as link:
                postgres.ensure_role(link, postgres.Login(username=preview.identifier, password=PASSWORD))
            postgres.copy_template(_database(preview), template=TEMPLATE, role=preview.identifier)
        yield
    finally:
        patch.undo()
        keeper.stop()
        keeper.join()


def _make_template() -> None:
    with postgres.connection() as link:
        postgres.close_to_others(link, "spendsmart")
        postgres.ensure_role(link, postgres.Login(username=postgres.TEMPLATE_ROLE, password=PASSWORD))
    postgres.make_template(TEMPLATE)
    for statement in (
        "CREATE EXTENSION pg_trgm",
        "CREATE TABLE receipts (id int PRIMARY KEY, merchant text)",
        "INSERT INTO receipts VALUES (1, 'Greenleaf Market')",
        "CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    ):
        _run(postgres.TEMPLATE_ROLE, TEMPLATE, statement)
    with postgres.connection() as link:
        postgres.seal_template(link, TEMPLATE)


def _database(preview: PreviewName) -> str:
    return f"{preview.identifier}_0123abcd"


def _run(user: str, database: str, statement: str, *, password: str = PASSWORD) -> Any:
    settings = {"host": "127.0.0.1", "port": SERVER.port, "sslmode": "require", "connect_timeout": 5}
    with closing(psycopg2.connect(user=user, password=password, dbname=database, **settings)) as link:
        link.autocommit = True
        with link.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else None


def test_a_preview_begins_with_the_templates_data_and_may_migrate_all_of_it(databases: None) -> None:
    role, database = ONE.identifier, _database(ONE)
    assert _run(role, database, "SELECT merchant FROM receipts") == [("Greenleaf Market",)]
    for statement in (
        "ALTER TABLE receipts ADD COLUMN total numeric",
        "CREATE INDEX ON receipts USING gin (merchant gin_trgm_ops)",
        "CREATE OR REPLACE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 2'",
        "DROP EXTENSION pg_trgm CASCADE",
        "CREATE EXTENSION unaccent",
    ):
        _run(role, database, statement)


@pytest.mark.parametrize("database", [_database(OTHER), "spendsmart", TEMPLATE])
def test_it_is_refused_at_anothers_the_environments_and_the_templates_database(databases: None, database: str) -> None:
    with pytest.raises(psycopg2.OperationalError, match=r"permission denied for database|not currently accepting"):
        _run(ONE.identifier, database, "SELECT 1")


@pytest.mark.parametrize(
    "statement",
    [
        "SET ROLE preview_pr_2",
        "SET ROLE spendsmart",
        "CREATE DATABASE more",
        "CREATE ROLE more",
        "ALTER ROLE preview_pr_2 PASSWORD 'mine'",
        "DROP DATABASE preview_pr_2_0123abcd",
        "COPY receipts TO '/tmp/preview-stolen'",
    ],
)
def test_a_role_is_nobody_but_itself(databases: None, statement: str) -> None:
    with pytest.raises((psycopg2.errors.InsufficientPrivilege, psycopg2.errors.InvalidParameterValue)):
        _run(ONE.identifier, _database(ONE), statement)


def test_what_is_dropped_leaves_neither_role_nor_database_though_somebody_is_connected(databases: None) -> None:
    gone = PreviewName.of("pr-3")
    with postgres.connection() as link:
        postgres.ensure_role(link, postgres.Login(username=gone.identifier, password=PASSWORD))
    for name in (_database(gone), f"{gone.identifier}_89abcdef"):  # an earlier one was left behind
        postgres.copy_template(name, template=TEMPLATE, role=gone.identifier)
    settings = {"host": "127.0.0.1", "port": SERVER.port, "sslmode": "require"}
    with closing(psycopg2.connect(user=gone.identifier, password=PASSWORD, dbname=_database(gone), **settings)):
        for _ in range(2):  # asked again, it does nothing
            with postgres.connection() as link:
                postgres.drop_role(link, gone.identifier)
    for left in (
        "SELECT datname FROM pg_database WHERE datname ~ 'pr_3'",
        "SELECT rolname FROM pg_roles WHERE rolname ~ 'pr_3'",
    ):
        assert _run(MASTER.username, "spendsmart", left, password=MASTER.password) == []


def test_a_database_that_was_not_made_ready_is_not_taken_for_one_that_was(databases: None) -> None:
    with postgres.connection() as link:
        assert not postgres.is_ready(link, _database(OTHER), owner="stack")
        postgres.mark_ready(link, _database(OTHER), owner="stack")
        assert postgres.is_ready(link, _database(OTHER), owner="stack")
        assert not postgres.is_ready(link, _database(OTHER), owner="another stack's")


def _request(action: str = "Create", **properties: str) -> Request:
    return Request(
        id="1",
        action=action,
        owner=ONE.name,
        stack_id="stack",
        resource_type="Custom::PreviewDatabase",
        physical_id=_database(ONE),
        properties={"Template": TEMPLATE, "Generation": "new", "Migration": "definition", **properties},
    )


@pytest.mark.parametrize(("said", "left_out"), [("digest", True), ("another", False), ("", False)])
def test_migrations_are_left_out_where_the_template_has_them(databases: None, said: str, left_out: bool) -> None:
    with postgres.connection() as link:
        postgres.mark_ready(link, TEMPLATE, owner="base digest")
    request = _request(Migrations=said) if said else _request()
    assert functions._source(request, ONE.identifier) == (TEMPLATE if left_out else None)


def test_a_database_whose_migrations_failed_is_gone_and_the_one_before_is_not(
    databases: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = _of_one()

    def fail(*_: object, **__: object) -> None:
        assert _of_one() - before == {f"{ONE.database('new')}_new"}, "none has its name before it is migrated"
        raise RefusedError("migrate failed")

    monkeypatch.setattr(functions.one_task, "run", fail)
    with pytest.raises(RefusedError, match="migrate failed"):
        functions.act(_request("Update", Migrations="that fail"))
    assert _of_one() == before


def test_a_database_gets_its_name_once_it_is_migrated_and_is_not_made_again(
    databases: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    role, name = ONE.identifier, ONE.database("new")
    migrated: list[str] = []

    def migrate(*_: object, variables: dict[str, str], **__: object) -> None:
        _run(role, variables["DATABASE_NAME"], "CREATE TABLE migrated (id int)")
        with pytest.raises(psycopg2.OperationalError, match="does not exist"):
            _run(role, name, "SELECT 1")
        migrated.append(variables["DATABASE_NAME"])

    monkeypatch.setattr(functions.one_task, "run", migrate)
    for _ in range(2):
        assert functions.act(_request("Update", Migrations="its own")).physical_id == name
        assert _run(role, name, "SELECT count(*) FROM migrated, receipts") == [(0,)]
    assert migrated == [f"{name}_new"]
    functions.act(replace(_request("Delete"), physical_id=name))
    assert name not in _of_one()


def test_later_pushes_with_the_same_migrations_of_their_own_wait_for_no_task(
    databases: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    role = ONE.identifier
    migrated: list[str] = []

    def migrate(*_: object, variables: dict[str, str], **__: object) -> None:
        migrated.append(variables["DATABASE_NAME"])
        _run(role, variables["DATABASE_NAME"], f"CREATE TABLE as_of_{len(migrated)} (id int)")

    def push(generation: str, **properties: str) -> str:
        properties = {"Migrations": "added", "Generation": generation, **properties}
        return str(functions.act(_request("Update", **properties)).physical_id)

    monkeypatch.setattr(functions.one_task, "run", migrate)
    first = push("1")
    _run(role, first, "INSERT INTO as_of_1 VALUES (1)")
    second = push("2")
    assert len(migrated) == 1
    assert _run(role, second, "SELECT count(*) FROM as_of_1") == [(0,)], "what people did since is not in it"
    with pytest.raises(psycopg2.OperationalError, match="not currently accepting connections"):
        _run(role, database_name(role, functions._MIGRATED), "SELECT 1")
    _run(role, push("3", Migrations="edited"), "SELECT * FROM as_of_2")
    _run(role, push("4", Migrations="edited"), "SELECT * FROM as_of_2")
    assert len(migrated) == 2, "edited migrations are carried out"
    _run(role, push("5", Migrations="added"), "SELECT * FROM as_of_3")
    assert len(migrated) == 3, "what is kept is of the latest only"
    postgres.copy_template("preview_template_11111111", template=TEMPLATE, role=postgres.TEMPLATE_ROLE)
    push("6", Template="preview_template_11111111")
    assert len(migrated) == 4, "on another template, too"


def _of_one() -> set[str]:
    found = _run(MASTER.username, "spendsmart", _OF_ONE, password=MASTER.password)
    return {name for (name,) in found}


_OF_ONE = "SELECT datname FROM pg_database WHERE datname ~ '^preview_pr_1_'"


# ---- Valkey ----


@pytest.fixture(scope="module")
def group(state: Path) -> Iterator[None]:
    front = TlsFront()
    doors = Keeper(kind="envoy", name="valkey", part=front, spec=None)
    keeper = Keeper(kind="elasticache", name="shared", part=ValkeyServer("shared", front=front), spec=GROUP)
    try:
        eventually(lambda: _available("elasticache", "shared"), within=60)
        yield
    finally:
        for each in (keeper, doors):
            each.stop()
            each.join()


def _client(username: str) -> valkey.Valkey:
    return valkey.Valkey(
        host="127.0.0.1",
        port=GROUP.port,
        username=username,
        password=PASSWORD,
        ssl=True,
        ssl_ca_certs=str(tls.material().authority),
        socket_timeout=5,
    )


def test_a_user_has_its_own_keys_and_no_others(group: None) -> None:
    mine, others, environments = (_client(name) for name in (ONE.environment, OTHER.environment, "base"))
    others.set(f"{OTHER.key_prefix}secret", "x")
    environments.set("queue", "x")
    mine.set(f"{ONE.key_prefix}key", "1")
    assert mine.get(f"{ONE.key_prefix}key") == b"1"
    for key in (f"{OTHER.key_prefix}secret", "queue", "preview-pr-1", "preview-pr-10:key"):
        with pytest.raises(valkey.exceptions.NoPermissionError):
            mine.get(key)
        with pytest.raises(valkey.exceptions.NoPermissionError):
            mine.eval("return redis.call('GET', KEYS[1])", 1, key)
    for command in ("SCAN 0", "KEYS *", "RANDOMKEY", "FLUSHALL", "ACL LIST", "CONFIG GET *", "PUBSUB CHANNELS"):
        with pytest.raises(valkey.exceptions.NoPermissionError):
            mine.execute_command(*command.split())
    with pytest.raises(valkey.exceptions.NoPermissionError):
        mine.publish(f"{OTHER.key_prefix}/0.celery.pidbox", "shutdown")


def test_celerys_transport_works_within_its_own_keys(group: None) -> None:
    address = f"rediss://{ONE.environment}:{PASSWORD.replace(' ', '%20')}@127.0.0.1:{GROUP.port}/0"
    options = {"global_keyprefix": ONE.key_prefix, "visibility_timeout": 60}
    secure = {"ssl_cert_reqs": "required", "ssl_ca_certs": str(tls.material().authority)}
    with kombu.Connection(address, ssl=secure, transport_options=options) as connection:
        queue = connection.SimpleQueue("default")
        queue.put({"receipt": 1})
        message = queue.get(timeout=5)
        assert message.payload == {"receipt": 1}
        message.ack()
        queue.close()
        # As a worker's remote control does.
        box = kombu.Queue("worker.pidbox", exchange=kombu.Exchange("celery.pidbox", type="fanout"), no_ack=True)
        heard: list[Any] = []
        with connection.Consumer([box], callbacks=[lambda body, _: heard.append(body)]):
            while not heard:  # a message from before the subscription is one that nobody hears
                connection.Producer().publish({"method": "ping"}, exchange=box.exchange)
                with suppress(TimeoutError):
                    connection.drain_events(timeout=1)
        assert heard[0] == {"method": "ping"}
    assert all(key.startswith(ONE.key_prefix.encode()) for key in _client("base").scan_iter("*default*"))
