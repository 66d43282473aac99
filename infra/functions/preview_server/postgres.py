"""Databases and roles on the shared server, by statements of its master user."""

from __future__ import annotations

import json
import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
from pg8000.native import Connection, identifier, literal

TEMPLATE_ROLE = "preview_template"
_CONNECTIONS_OF_A_ROLE = 16
"""Twice what the pools of a preview open: while it is updated, old and new tasks run side by side."""


@dataclass(frozen=True, kw_only=True)
class Login:
    username: str
    password: str


def login(secret_arn: str) -> Login:
    """What a secret of RDS's form says."""
    text = boto3.client("secretsmanager").get_secret_value(SecretId=secret_arn)["SecretString"]
    found = json.loads(text)
    return Login(username=found["username"], password=found["password"])


@contextmanager
def connection(database: str = "postgres") -> Iterator[Connection]:
    """The master user's; each statement is its own transaction. Encrypted, as the server takes nothing else."""
    master = login(os.environ["MASTER_SECRET_ARN"])
    context = ssl.create_default_context()
    # The VPC's own address, and RDS's authority is not among the runtime's: as the application's pooler does.
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    link = Connection(
        master.username,
        host=os.environ["DATABASE_HOST"],
        port=int(os.environ["DATABASE_PORT"]),
        password=master.password,
        database=database,
        ssl_context=context,
        timeout=60,
    )
    try:
        yield link
    finally:
        link.close()


def ensure_role(link: Connection, role: Login) -> None:
    """A role that may log in and nothing else, and which the master user may act for. Its own databases are all that it
    may connect to: those of others are closed to everybody but their owners."""
    name = identifier(role.username)
    rights = f"LOGIN NOCREATEDB NOCREATEROLE CONNECTION LIMIT {_CONNECTIONS_OF_A_ROLE}"
    there = _one(link, "SELECT count(*) FROM pg_roles WHERE rolname = :name", name=role.username)
    verb = "ALTER" if there else "CREATE"
    link.run(f"{verb} ROLE {name} {rights} PASSWORD {literal(role.password)}")
    link.run(f"GRANT {name} TO CURRENT_USER WITH INHERIT TRUE, SET TRUE")


def drop_role(link: Connection, name: str) -> None:
    """With every database that it owns, whatever left those behind."""
    if not _one(link, "SELECT count(*) FROM pg_roles WHERE rolname = :name", name=name):
        return
    for (database,) in link.run(
        "SELECT datname FROM pg_database d JOIN pg_roles r ON r.oid = d.datdba WHERE rolname = :name", name=name
    ):
        drop_database(link, database)
    link.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = :name", name=name)
    link.run(f"DROP ROLE {identifier(name)}")


def is_ready(link: Connection, database: str, *, owner: str) -> bool:
    """Whether `mark_ready` was reached for it, by this stack."""
    return comment(link, database) == owner


def comment(link: Connection, database: str) -> str | None:
    """What `mark_ready` wrote; None for a database that is not there, too."""
    rows = link.run(
        "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = :name", name=database
    )
    return rows[0][0] if rows else None


def mark_ready(link: Connection, database: str, *, owner: str) -> None:
    link.run(f"COMMENT ON DATABASE {identifier(database)} IS {literal(owner)}")


def copy_template(database: str, *, template: str, role: str) -> None:
    """Make `database` from the template, for `role` alone. A half made one of that name goes first."""
    name, owner = identifier(database), identifier(role)
    with connection() as link:
        drop_database(link, database)
        link.run(f"CREATE DATABASE {name} OWNER {owner} TEMPLATE {identifier(template)}")
        close_to_others(link, database)
    with connection(database) as link:
        link.run(f"REASSIGN OWNED BY {identifier(TEMPLATE_ROLE)} TO {owner}")


def rename_database(link: Connection, database: str, *, to: str) -> None:
    """What has that name already goes. Whoever is connected to the renamed one is sent away: else it is refused."""
    drop_database(link, to)
    link.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name", name=database)
    link.run(f"ALTER DATABASE {identifier(database)} RENAME TO {identifier(to)}")


def make_template(database: str) -> None:
    """An empty database that the template's role may fill."""
    role = identifier(TEMPLATE_ROLE)
    with connection() as link:
        drop_database(link, database)
        link.run(f"CREATE DATABASE {identifier(database)} TEMPLATE template0")
        close_to_others(link, database)
        # Not its owner: what the role owns is handed to previews (REASSIGN OWNED), and the database is not meant.
        link.run(f"GRANT CONNECT, CREATE, TEMPORARY ON DATABASE {identifier(database)} TO {role}")
    with connection(database) as link:
        link.run(f"GRANT ALL ON SCHEMA public TO {role}")


def seal_template(link: Connection, database: str) -> None:
    """From now on it is copied, and nobody connects: CREATE DATABASE refuses a template that is in use."""
    name = identifier(database)
    link.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name", name=database)
    link.run(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false")
    link.run(f"ALTER DATABASE {name} WITH IS_TEMPLATE true")


def close_to_others(link: Connection, database: str) -> None:
    """PostgreSQL lets everybody connect to a new database."""
    link.run(f"REVOKE CONNECT, TEMPORARY ON DATABASE {identifier(database)} FROM PUBLIC")


def drop_database(link: Connection, database: str) -> None:
    if not _one(link, "SELECT count(*) FROM pg_database WHERE datname = :name", name=database):
        return
    link.run(f"ALTER DATABASE {identifier(database)} WITH IS_TEMPLATE false")
    link.run(f"DROP DATABASE {identifier(database)} WITH (FORCE)")


def _one(link: Connection, statement: str, **parameters: Any) -> Any:
    return link.run(statement, **parameters)[0][0]
