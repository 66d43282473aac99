"""How long a preview lives: counted from its last push, longer while it is kept, and never without an end.

All of it is read from the preview's own stack. Nothing else remembers previews, so nothing can disagree with what is
there (docs/adr/0072).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """What people are told of a stack's status."""

    STARTING = "starting"
    READY = "ready"
    UPDATING = "updating"
    PUSH_FAILED = "ready, last push failed"
    FAILED = "failed"
    ENDING = "ending"


_STATES = {
    "CREATE_COMPLETE": State.READY,
    "UPDATE_COMPLETE": State.READY,
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": State.READY,
    "UPDATE_ROLLBACK_COMPLETE": State.PUSH_FAILED,
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS": State.PUSH_FAILED,
    "CREATE_IN_PROGRESS": State.STARTING,
    "REVIEW_IN_PROGRESS": State.STARTING,
    "UPDATE_IN_PROGRESS": State.UPDATING,
    "UPDATE_ROLLBACK_IN_PROGRESS": State.UPDATING,
    "DELETE_IN_PROGRESS": State.ENDING,
}
"""Any other status is a failed one."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """Hours that a preview lives after a push, that a kept one does, and before its end in which people are warned."""

    hours: int
    kept_hours: int
    warning_hours: int


@dataclass(frozen=True, kw_only=True)
class Preview:
    """One preview's stack. `url` is empty until there is one, `commit` is what serves; `pushed` is when CloudFormation
    was last given something to do, be it that it failed; `kept` is the stack's termination protection."""

    name: str
    stack: str
    stack_id: str
    status: str
    created: datetime
    pushed: datetime
    kept: bool
    branch: str = ""
    owner: str = ""
    commit: str = ""
    pull_request: str = ""
    url: str = ""
    outputs: Mapping[str, str]

    @property
    def state(self) -> State:
        return _STATES.get(self.status, State.FAILED)

    @property
    def busy(self) -> bool:
        """Whether CloudFormation is at work on it: it takes no other order meanwhile but to delete."""
        return self.status.endswith("_IN_PROGRESS")

    def expires(self, terms: Terms) -> datetime:
        return self.pushed + timedelta(hours=terms.kept_hours if self.kept else terms.hours)

    def is_over(self, terms: Terms, now: datetime) -> bool:
        return now >= self.expires(terms)

    def is_ending_soon(self, terms: Terms, now: datetime) -> bool:
        """Whether people are to be warned."""
        left = self.expires(terms) - now
        return timedelta(0) < left <= timedelta(hours=terms.warning_hours)


def preview_of(stack: Mapping[str, Any], *, prefix: str) -> Preview | None:
    """The preview that DescribeStacks tells of; None for any other stack, and for one that is gone.

    `prefix` is how the names of previews' stacks begin.
    """
    name = str(stack["StackName"]).removeprefix(prefix)
    if name == stack["StackName"] or not name or stack["StackStatus"] == "DELETE_COMPLETE":
        return None
    tags = {each["Key"]: each["Value"] for each in stack.get("Tags") or []}
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs") or []}
    return Preview(
        name=name,
        stack=stack["StackName"],
        stack_id=stack["StackId"],
        status=stack["StackStatus"],
        created=stack["CreationTime"],
        pushed=stack.get("LastUpdatedTime") or stack["CreationTime"],
        kept=bool(stack.get("EnableTerminationProtection")),
        branch=tags.get("PreviewBranch", ""),
        owner=tags.get("PreviewOwner", ""),
        pull_request=tags.get("PreviewPullRequest", ""),
        commit=outputs.get("PreviewCommit", ""),
        url=outputs.get("PreviewUrl", ""),
        outputs=outputs,
    )
