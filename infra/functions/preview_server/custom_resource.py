"""What CloudFormation asks of a custom resource's function, and what it is told.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html
"""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

_LONGEST_REASON = 2500
"""Characters: an answer may have 4096 bytes, and CloudFormation shows about this much of a reason."""

NEVER_MADE = "never-made"
"""The physical id of what could not be made, so that its deletion knows that there is nothing to do."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """`physical_id` names what there is now: another one than before makes CloudFormation delete the one before, once
    all else has succeeded, or this one when the update goes back."""

    physical_id: str
    data: Mapping[str, str] = field(default_factory=dict)


class RefusedError(Exception):
    """The request cannot be fulfilled; the message is for whoever deploys."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """`owner` is the stack's name after the prefix that all these stacks have: the preview's name. It comes from
    CloudFormation itself, so that no template can speak for another preview. `id` is the same when Lambda calls twice
    for one request, and another one when somebody deploys again."""

    id: str
    action: str
    owner: str
    stack_id: str
    resource_type: str
    physical_id: str | None
    properties: Mapping[str, Any]

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> Request:
        """Raises RefusedError for a stack of somebody else."""
        stack = event["StackId"].split("/")[1]
        prefix = os.environ["STACK_PREFIX"]
        if stack != os.environ["BASE_STACK"] and not (stack.startswith(prefix) and len(stack) > len(prefix)):
            raise RefusedError(f"{stack} is no preview of this environment: their stacks are called {prefix}…")
        return cls(
            id=event["RequestId"],
            action=event["RequestType"],
            owner=stack.removeprefix(prefix),
            stack_id=event["StackId"],
            resource_type=event["ResourceType"],
            physical_id=event.get("PhysicalResourceId"),
            properties=event["ResourceProperties"],
        )

    @property
    def is_base(self) -> bool:
        """Whether the environment's own stack asks."""
        return self.owner == os.environ["BASE_STACK"]

    def text(self, name: str) -> str:
        """Raises RefusedError when the template leaves it out."""
        value = self.properties.get(name)
        if not isinstance(value, str) or not value:
            raise RefusedError(f"{self.resource_type} has no {name}")
        return value


def serve(event: dict[str, Any], act: Callable[[Request], Answer]) -> None:
    """Do what is asked and say how it went. Any failure is an answer too: without one CloudFormation waits an hour."""
    before = event.get("PhysicalResourceId")
    try:
        if event["RequestType"] == "Delete" and before == NEVER_MADE:
            answer = Answer(physical_id=NEVER_MADE)
        else:
            answer = act(Request.of(event))
        said: dict[str, Any] = {
            "Status": "SUCCESS",
            "PhysicalResourceId": answer.physical_id,
            "Data": dict(answer.data),
        }
    except Exception as error:  # noqa: BLE001
        reason = str(error) if isinstance(error, RefusedError) else f"{type(error).__name__}: {error}"
        said = {
            "Status": "FAILED",
            "Reason": reason[:_LONGEST_REASON],
            # The same as before: what an update failed to replace stays.
            "PhysicalResourceId": before or NEVER_MADE,
        }
    print(json.dumps({"request": event["RequestType"], "resource": event["LogicalResourceId"], **said}))
    said |= {name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
    body = json.dumps(said).encode()
    sent = urllib.request.Request(event["ResponseURL"], data=body, method="PUT", headers={"Content-Type": ""})  # noqa: S310
    with urllib.request.urlopen(sent, timeout=30):  # noqa: S310  (CloudFormation's own presigned address)
        pass
