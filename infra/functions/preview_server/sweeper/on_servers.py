"""Leftovers on the servers that previews share: databases and roles, Valkey's users and keys, objects."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from .. import keys, postgres
from .leftover import Kind, unless_gone
from .settings import Settings, client

_ROLE = "preview_"
_USER = "preview-"
_OBJECTS = "previews/"
_TEMPLATE = "template"
"""Of the environment itself: what previews are made from, and no preview's name."""
_PATIENCE = 120
"""Seconds for a user group to take the next change."""


def _roles(_settings: Settings) -> Iterator[tuple[str, str]]:
    with postgres.connection() as link:
        rows = link.run("SELECT rolname FROM pg_roles WHERE starts_with(rolname, :prefix)", prefix=_ROLE)
    for (name,) in rows:
        if name != postgres.TEMPLATE_ROLE:
            yield name.removeprefix(_ROLE), name


def _drop_role(_settings: Settings, name: str) -> None:
    with postgres.connection() as link:
        postgres.drop_role(link, name)


def _users(_settings: Settings) -> Iterator[tuple[str, str]]:
    for page in client("elasticache").get_paginator("describe_users").paginate():
        for user in page["Users"]:
            if user["UserId"].startswith(_USER) and user["Status"] != "deleting":
                yield user["UserId"].removeprefix(_USER), user["UserId"]


def _delete_user(settings: Settings, name: str) -> None:
    """Out of its groups first; a group takes one change at a time."""
    elasticache = client("elasticache")
    for group in settings.user_groups:
        _leave(elasticache, group, name)
    unless_gone(lambda: elasticache.delete_user(UserId=name), "UserNotFound", "UserNotFoundFault")


def _leave(elasticache: Any, group: str, user: str) -> None:
    deadline = time.monotonic() + _PATIENCE
    while True:
        found = elasticache.describe_user_groups(UserGroupId=group)["UserGroups"][0]
        if user not in found["UserIds"]:
            return
        if found["Status"] == "active":
            unless_gone(
                lambda: elasticache.modify_user_group(UserGroupId=group, UserIdsToRemove=[user]),
                "InvalidUserGroupState",
            )
        if time.monotonic() > deadline:
            raise TimeoutError(f"user group {group} is {found['Status']} for {_PATIENCE} s")
        time.sleep(0.5)


def _key_prefixes(_settings: Settings) -> Iterator[tuple[str, str]]:
    for owner in keys.owners() - {_TEMPLATE}:
        yield owner, f"{_USER}{owner}:"


def _delete_keys(_settings: Settings, prefix: str) -> None:
    keys.delete_all(prefix)


def _prefixes(settings: Settings) -> Iterator[tuple[str, str]]:
    """Of old versions, too: a preview's objects are all its own."""
    pages = client("s3").get_paginator("list_object_versions")
    for page in pages.paginate(Bucket=settings.bucket, Prefix=_OBJECTS, Delimiter="/"):
        for each in page.get("CommonPrefixes", []):
            yield each["Prefix"].removeprefix(_OBJECTS).rstrip("/"), each["Prefix"]


def _delete_objects(settings: Settings, prefix: str) -> None:
    s3 = client("s3")
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=settings.bucket, Prefix=prefix):
        each = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        objects = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in each]
        if not objects:
            continue
        answer = s3.delete_objects(Bucket=settings.bucket, Delete={"Objects": objects, "Quiet": True})
        if errors := answer.get("Errors"):
            raise RuntimeError(f"{len(errors)} objects stay: {errors[0].get('Code')} for {errors[0].get('Key')}")


DATABASES = Kind(name="database role with its databases", find=_roles, delete=_drop_role)
VALKEY_USERS = Kind(name="Valkey user", find=_users, delete=_delete_user)
VALKEY_KEYS = Kind(name="Valkey keys", find=_key_prefixes, delete=_delete_keys)
OBJECTS = Kind(name="objects", find=_prefixes, delete=_delete_objects)
