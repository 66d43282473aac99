"""Custom resources on the database server: a preview's role, its database, and the template that it is made from.

A push gets a database of its own: another physical id, so that CloudFormation deletes the one before when everything
else stands, and the new one when it does not. Until then the version before works on with its own.

It gets its name when it is migrated. The tasks that know it by that name may start before: until then they find none.

What a branch's own migrations made of the template is kept beside it, untouched, for the branch's next pushes: they
need no task as long as template and migrations are the same.
"""

from __future__ import annotations

import hashlib
from typing import Any

from previews.names import database_name, is_database

from . import keys, one_task, postgres
from .custom_resource import Answer, RefusedError, Request, serve

_UNDER_WAY = "_new"
"""At the end of a database's name until it is migrated."""

_MIGRATED = "the template with the branch's own migrations"
"""The generation, which no release is called, of the database that later pushes are made from."""


def handler(event: dict[str, Any], _context: object) -> None:
    serve(event, act)


def act(request: Request) -> Answer:
    match request.resource_type:
        case "Custom::PreviewRole":
            return _role(request)
        case "Custom::PreviewDatabase":
            return _database(request)
        case "Custom::PreviewKeys" if not request.is_base:
            return _keys(request)
        case "Custom::PreviewTemplate" if request.is_base:
            return _template(request)
    raise RefusedError(f"{request.resource_type} is nothing that {request.owner} can ask for")


def _role(request: Request) -> Answer:
    name = _role_of(request)
    with postgres.connection() as link:
        if request.action == "Delete":
            postgres.drop_role(link, name)
            return Answer(physical_id=name)
        login = postgres.login(request.text("SecretArn"))
        if login.username != name:
            raise RefusedError(f"the secret is the login of {login.username}; that of {request.owner} is {name}")
        postgres.ensure_role(link, login)
    return Answer(physical_id=name)


def _database(request: Request) -> Answer:
    role = _role_of(request)
    if request.action == "Delete":
        return _dropped(request, role)
    kept = request.action == "Update" and request.properties.get("Keep") == "true"
    database = request.physical_id if kept and request.physical_id else _named(role, request)
    with postgres.connection() as link:
        there = postgres.is_ready(link, database, owner=request.stack_id)
    if not there:
        _make(request, database, role)
    elif kept:
        _migrate(request, database)
    return Answer(physical_id=database, data={"Name": database})


def _make(request: Request, database: str, role: str) -> None:
    new = f"{database}{_UNDER_WAY}"
    try:
        source = _source(request, role)
        postgres.copy_template(new, template=source or request.text("Template"), role=role)
        if not source:
            _migrate(request, new)
            _keep_migrated(request, new, role)
        with postgres.connection() as link:
            postgres.mark_ready(link, new, owner=request.stack_id)
            postgres.rename_database(link, new, to=database)
    except Exception:
        # CloudFormation has not heard of it, and would never have it deleted.
        with postgres.connection() as link:
            postgres.drop_database(link, new)
        raise


def _source(request: Request, role: str) -> str | None:
    """A database with this release's migrations: then a task would start only to find nothing to do."""
    template, migrations = request.text("Template"), request.properties.get("Migrations")
    migrated = database_name(role, _MIGRATED)
    with postgres.connection() as link:
        said = postgres.comment(link, template)
        if said is not None and said.endswith(f" {migrations}"):
            return template
        return migrated if postgres.is_ready(link, migrated, owner=_made_of(request)) else None


def _keep_migrated(request: Request, database: str, role: str) -> None:
    """It goes with the role."""
    migrated = database_name(role, _MIGRATED)
    postgres.copy_template(migrated, template=database, role=role)
    with postgres.connection() as link:
        postgres.seal_template(link, migrated)
        postgres.mark_ready(link, migrated, owner=_made_of(request))


def _made_of(request: Request) -> str:
    return f"{request.stack_id} {request.text('Template')} {request.properties.get('Migrations')}"


def _migrate(request: Request, database: str) -> None:
    one_task.run(
        request.text("Migration"),
        token=_digest(request.id, database, request.text("Migration"), length=32),
        variables={"DATABASE_NAME": database, "DATABASE_READER_NAME": database},
    )


def _keys(request: Request) -> Answer:
    """Nothing is there to begin with, and nothing is left in the end."""
    prefix = f"preview-{request.owner}:"
    if request.action == "Delete":
        keys.delete_all(prefix)
    return Answer(physical_id=prefix)


def _template(request: Request) -> Answer:
    role = postgres.TEMPLATE_ROLE
    if request.action == "Delete":
        return _dropped(request, role)
    database, owner = _named(role, request), f"{request.stack_id} {request.text('Migrations')}"
    with postgres.connection() as link:
        # The environment's own database is on the same server, and made before there were previews.
        postgres.close_to_others(link, request.text("OwnDatabase"))
        postgres.ensure_role(link, postgres.login(request.text("SecretArn")))
        if postgres.is_ready(link, database, owner=owner):
            return Answer(physical_id=database, data={"Name": database})
    postgres.make_template(database)
    one_task.run(
        request.text("Seed"),
        token=_digest(request.id, database, request.text("Seed"), length=32),
        variables={"DATABASE_NAME": database, "DATABASE_READER_NAME": database},
    )
    with postgres.connection() as link:
        postgres.seal_template(link, database)
        postgres.mark_ready(link, database, owner=owner)
    return Answer(physical_id=database, data={"Name": database})


def _dropped(request: Request, role: str) -> Answer:
    """The physical id is the database's name. One that is not the owner's is none of ours to drop."""
    database = request.physical_id or ""
    if is_database(database, role=role):
        with postgres.connection() as link:
            postgres.drop_database(link, database)
    return Answer(physical_id=database)


def _role_of(request: Request) -> str:
    return f"preview_{request.owner.replace('-', '_')}"


def _named(role: str, request: Request) -> str:
    return database_name(role, request.text("Generation"))


def _digest(*parts: str, length: int) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:length]
