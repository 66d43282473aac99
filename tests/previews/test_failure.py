"""Why a push failed, in words for whoever pushed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from previews.failure import IMAGE, of_deployment, of_tool, reasons


@pytest.mark.parametrize(
    ("reason", "what"),
    [
        ("Database: migrate failed (exit code 1)\n  ProgrammingError", "its migrations failed"),
        ("WebServiceD04B5F3E: ECS Deployment Circuit Breaker was triggered", "its web task does not start"),
        ("WorkerService3F60922A: ECS Deployment Circuit Breaker was triggered", "its worker does not start"),
        ("Priority: there are 20 previews already", "there are too many previews"),
    ],
)
def test_the_resource_that_failed_says_what_is_wrong(reason: str, what: str) -> None:
    found = of_deployment(["Logs: a quota", reason, "Priority: also"], "output", commit="abc")
    assert (found.what, found.said, found.commit) == (what, reason, "abc")
    assert found.remedy.endswith("Mend it and push again.")


def test_any_other_is_told_as_it_was_said() -> None:
    found = of_deployment(["TargetGroup: a quota", "Logs: another"], "output")
    assert (found.what, found.said) == ("its stack cannot be deployed", "TargetGroup: a quota\nLogs: another")
    assert of_deployment([], "no credentials").said == "no credentials"


def test_what_was_never_deployed_changed_nothing() -> None:
    assert "Nothing was deployed" in of_tool(IMAGE, "pip: no such package").remedy


def test_reasons_are_those_of_this_push_and_what_failed_first_is_on_top() -> None:
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def event(resource: str, status: str, said: str, *, minutes: int) -> dict[str, Any]:
        return {
            "LogicalResourceId": resource,
            "ResourceStatus": status,
            "ResourceStatusReason": said,
            "Timestamp": now + timedelta(minutes=minutes),
        }

    events = [  # the latest first, as DescribeStackEvents has them
        event("Worker", "CREATE_FAILED", "Resource creation cancelled", minutes=3),
        event("TargetGroup", "CREATE_FAILED", "a quota", minutes=2),
        event("Web", "CREATE_FAILED", "does not start", minutes=1),
        event("Web", "CREATE_COMPLETE", "", minutes=1),
        event("Database", "UPDATE_FAILED", "of the push before", minutes=-5),
    ]
    assert reasons(events, since=now) == ["Web: does not start", "TargetGroup: a quota"]
