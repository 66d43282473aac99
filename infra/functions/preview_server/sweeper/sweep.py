"""One sweep: end what is past its time, then delete what has no stack any more.

It remembers nothing between sweeps and within one: each step asks what there is and takes one thing away, so that a
sweep may end anywhere, be made again, or be made twice at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from botocore.exceptions import ClientError

from previews.life import Preview, preview_of

from . import in_account, on_servers
from .leftover import Kind, Leftover, key_of
from .settings import Settings, client

KINDS: tuple[Kind, ...] = (
    # What works comes first, so that nothing uses what goes after it.
    in_account.SERVICES,
    in_account.TARGET_GROUPS,
    on_servers.DATABASES,
    on_servers.VALKEY_USERS,
    on_servers.VALKEY_KEYS,
    on_servers.OBJECTS,
    in_account.SECRETS,
    in_account.LOG_GROUPS,
    in_account.ROLES,
    in_account.POLICIES,  # a policy goes after whatever has it
    # The priority is free again once nothing of its rule is left.
    in_account.PARAMETERS,
)

_DEAD = ("CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED")
"""A stack in these never serves anybody: it can only be deleted."""

_NEVER_BEGUN = timedelta(hours=1)
"""After this a stack for which there is but a change set is one whose deployment was given up."""

_LATE = timedelta(hours=1)
"""A preview that is still there so long after its end counts as orphaned: four sweeps could not delete it."""


@dataclass(kw_only=True)
class Report:
    """What a sweep did. `warned` end soon; `failed` says what could not be deleted, and why."""

    previews: int = 0
    ended: list[str] = field(default_factory=list)
    warned: list[str] = field(default_factory=list)
    deleted: list[Leftover] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)

    @property
    def orphaned(self) -> int:
        """What should be gone and is still there."""
        return len(self.failed) + len(self.late)


def sweep(settings: Settings, now: datetime, *, kinds: tuple[Kind, ...] = KINDS) -> Report:
    """Never raises for one thing that cannot be deleted: the report says so, and the rest goes on."""
    report = Report()
    previews = stacks(settings)
    report.previews = len(previews)
    for preview in previews:
        _end(preview, settings, now, report)
    for kind in kinds:
        found = _found(kind, settings, report)
        # After the search: whatever was found has been made by a stack that is among these, or is gone.
        alive = {key_of(preview.name) for preview in stacks(settings)}
        for leftover in found:
            if leftover.owner not in alive:
                _delete(leftover, settings, kind.delete, report)
    return report


def stacks(settings: Settings) -> list[Preview]:
    """All previews that there are, in whatever state."""
    pages = client("cloudformation").get_paginator("describe_stacks").paginate()
    each = (preview_of(stack, prefix=settings.stack_prefix) for page in pages for stack in page["Stacks"])
    return [preview for preview in each if preview]


def _found(kind: Kind, settings: Settings, report: Report) -> list[Leftover]:
    try:
        return kind.all(settings)
    except Exception as error:  # noqa: BLE001
        report.failed.append(f"{kind.name}s: not looked for: {error}")
        return []


def _end(preview: Preview, settings: Settings, now: datetime, report: Report) -> None:
    over = preview.is_over(settings.terms, now)
    if over and now - preview.expires(settings.terms) > _LATE:
        report.late.append(preview.name)
    if preview.is_ending_soon(settings.terms, now):
        report.warned.append(preview.name)
    never_begun = preview.status == "REVIEW_IN_PROGRESS" and now - preview.created > _NEVER_BEGUN
    if not (over or preview.status in _DEAD or never_begun) or preview.status == "DELETE_IN_PROGRESS":
        return
    cloudformation = client("cloudformation")
    try:
        if preview.kept:
            cloudformation.update_termination_protection(StackName=preview.stack_id, EnableTerminationProtection=False)
        cloudformation.delete_stack(StackName=preview.stack_id)
    except ClientError as error:
        report.failed.append(f"stack {preview.stack}: {error}")
    else:
        report.ended.append(preview.name)


def _delete(leftover: Leftover, settings: Settings, delete: Callable[[Settings, str], None], report: Report) -> None:
    try:
        delete(settings, leftover.name)
    except Exception as error:  # noqa: BLE001
        report.failed.append(f"{leftover.kind} {leftover.name}: {error}")
    else:
        report.deleted.append(leftover)
