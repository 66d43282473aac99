"""Why a push failed, in words for whoever pushed: from what CloudFormation and the tools before it said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from previews.comment import Failure

SYNTHESIS = "its templates cannot be synthesized"
IMAGE = "its image cannot be built"

_MENDED = "Mend it and push again."
_BY_RESOURCE = {
    "Database": (
        "its migrations failed",
        "The database that they ran in is deleted; the last lines of the migration are below.",
    ),
    "Priority": (
        "there are too many previews",
        "End one that nobody needs (`make previews` lists them), then push again.",
    ),
    "WebService": (
        "its web task does not start",
        "The end of its log mostly says why; `/readyz` has to answer within minutes.",
    ),
    "WorkerService": ("its worker does not start", "The end of its log mostly says why."),
}
"""By how the logical ids of resources begin: what is wrong, and what helps."""


def of_tool(what: str, said: str, *, commit: str = "") -> Failure:
    """Of what comes before CloudFormation."""
    return Failure(what=what, said=said, remedy=f"Nothing was deployed. {_MENDED}", commit=commit)


def of_deployment(reasons: Sequence[str], said: str, *, commit: str = "") -> Failure:
    """Of a deployment: `reasons` are what CloudFormation says of each resource, what failed first on top; `said` is
    what the command line printed, which is all there is when no resource failed."""
    for reason in reasons:
        for resource, (what, remedy) in _BY_RESOURCE.items():
            if reason.startswith(resource):
                return Failure(what=what, said=reason, remedy=f"{remedy} {_MENDED}", commit=commit)
    return Failure(what="its stack cannot be deployed", said="\n".join(reasons) or said, remedy=_MENDED, commit=commit)


def reasons(events: Iterable[Mapping[str, Any]], *, since: datetime) -> list[str]:
    """Why resources failed, what failed first on top, from DescribeStackEvents; cancelled ones are no reason."""
    found = [
        f"{event['LogicalResourceId']}: {event['ResourceStatusReason']}"
        for event in events
        if event["Timestamp"] >= since
        and event["ResourceStatus"].endswith("_FAILED")
        and "cancelled" not in event.get("ResourceStatusReason", "cancelled").lower()
    ]
    return list(reversed(found))
