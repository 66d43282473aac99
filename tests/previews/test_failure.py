"""Why a push failed, in words for whoever pushed."""

from __future__ import annotations

import pytest

from previews.failure import IMAGE, of_deployment, of_tool


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
    found = of_deployment(["Logs: a quota", reason, "PreviewTask: also"], "output", commit="abc")
    assert (found.what, found.said, found.commit) == (what, reason, "abc")
    assert found.remedy.endswith("Mend it and push again.")


def test_any_other_is_told_as_it_was_said() -> None:
    found = of_deployment(["TargetGroup: a quota", "Logs: another"], "output")
    assert (found.what, found.said) == ("its stack cannot be deployed", "TargetGroup: a quota\nLogs: another")
    assert of_deployment([], "no credentials").said == "no credentials"


def test_what_was_never_deployed_changed_nothing() -> None:
    assert "Nothing was deployed" in of_tool(IMAGE, "pip: no such package").remedy
