"""What a deployment changes, what it must not, and what becomes of one that fails."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from localcloud import aws, commands, demo, outputs
from localcloud.console import LocalCloudError
from tests.endtoend import planted

pytestmark = [pytest.mark.endtoend, pytest.mark.usefixtures("cloud")]


def deployments() -> dict[str, str]:
    """The PRIMARY deployment's id by service."""
    cluster = outputs.find("ClusterName")
    ecs = aws.client("ecs", cluster.region)
    arns = ecs.list_services(cluster=cluster.value)["serviceArns"]
    described = ecs.describe_services(cluster=cluster.value, services=arns)["services"]
    return {s["serviceName"]: d["id"] for s in described for d in s["deployments"] if d["status"] == "PRIMARY"}


def stack_status() -> str:
    found = aws.client("cloudformation", "us-east-1").describe_stacks(StackName=planted.STACK)
    return str(found["Stacks"][0]["StackStatus"])


def serves() -> bool:
    return httpx2.get(f"{commands.web_url()}/readyz", verify=demo.trust()).status_code == 200


def test_a_changed_property_of_one_task_rolls_that_service_only(tmp_path: Path) -> None:
    before = deployments()
    planted.deploy(tmp_path, lambda template: planted.set_variable(template, "LOG_LEVEL", "WARNING"))
    changed = {name for name, deployment in deployments().items() if before[name] != deployment}
    assert len(changed) == 1
    assert "Web" in changed.pop()
    assert stack_status() == "UPDATE_COMPLETE"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda t: planted.take_variable(t, "RECEIPTS_BUCKET"), ["RECEIPTS_BUCKET is not set"]),
        (lambda t: planted.take_secret(t, "DJANGO_SECRET_KEY"), ["DJANGO_SECRET_KEY is not set"]),
        (
            lambda t: (
                planted.take_statement(t, role="WebTaskExecutionRole", action="secretsmanager:GetSecretValue"),
                # A role alone starts no new task: something has to roll the service.
                planted.set_variable(t, "LOG_LEVEL", "ERROR"),
            ),
            ["unable to pull secrets", "DATABASE_USERNAME", "secretsmanager:GetSecretValue"],
        ),
    ],
    ids=["environment variable", "secret", "IAM statement"],
)
def test_what_a_task_definition_lacks_is_named_and_the_old_tasks_go_on_serving(
    tmp_path: Path, change: Callable[[planted.Template], Any], named: list[str]
) -> None:
    with pytest.raises(LocalCloudError) as failure:
        planted.deploy(tmp_path, change)
    said = " ".join(str(failure.value).split())
    for word in named:
        assert word in said
    assert stack_status() == "UPDATE_ROLLBACK_COMPLETE"
    assert serves()
