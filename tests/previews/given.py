"""Previews as DescribeStacks tells of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from previews.life import Preview, Terms, preview_of

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
TERMS = Terms(hours=72, kept_hours=336, warning_hours=12)
PREFIX = "SpendSmart-Preview-Preview-"


def stack(name: str = "pr-42", *, age: float = 5, pushed: float | None = None, **more: Any) -> dict[str, Any]:
    """As of a stack made `age` hours ago, and updated `pushed` hours ago."""
    described = {
        "StackName": PREFIX + name,
        "StackId": f"arn:aws:cloudformation:us-east-1:000000000000:stack/{PREFIX}{name}/1",
        "StackStatus": "CREATE_COMPLETE",
        "CreationTime": NOW - timedelta(hours=age),
        "Tags": [
            {"Key": "PreviewBranch", "Value": "feature/receipts"},
            {"Key": "PreviewOwner", "Value": "ada"},
            {"Key": "PreviewPullRequest", "Value": "42"},
        ],
        "Outputs": [
            {"OutputKey": "PreviewUrl", "OutputValue": f"https://{name}.preview.example.com"},
            {"OutputKey": "PreviewCommit", "OutputValue": "0123456789abcdef"},
        ],
    }
    if pushed is not None:
        described["LastUpdatedTime"] = NOW - timedelta(hours=pushed)
    return {**described, **more}


def preview(name: str = "pr-42", *, kept: bool = False, **more: Any) -> Preview:
    found = preview_of(stack(name, EnableTerminationProtection=kept, **more), prefix=PREFIX)
    assert found
    return found
