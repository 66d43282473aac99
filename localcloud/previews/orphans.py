"""A preview whose stack went and left everything, and the sweeper that is to find it."""

from __future__ import annotations

import json
import shutil
import time

from localcloud import aws
from localcloud.console import LocalCloudError
from localcloud.previews import leftovers, run
from previews.names import PreviewName

_REGION = "us-east-1"
_PATIENCE, _SWEEP_AGAIN = 600, 90
"""Seconds."""


def orphan(preview: PreviewName) -> list[str]:
    """Delete the stack so that it retains all of its resources; what is left then. Raises LocalCloudError."""
    cloudformation = aws.client("cloudformation", _REGION)
    name = run.stack_name(preview, run.environment())
    template = cloudformation.get_template(StackName=name)["TemplateBody"]
    template = json.loads(template) if isinstance(template, str) else template
    for resource in template["Resources"].values():
        resource["DeletionPolicy"] = "Retain"
        resource.pop("Metadata", None)  # with it, the template is longer than the 51,200 bytes that a call may bring
    # CloudFormation takes no change of policies alone.
    template["Outputs"]["Retained"] = {"Value": "everything"}
    cloudformation.update_stack(
        StackName=name,
        TemplateBody=json.dumps(template, separators=(",", ":")),
        Parameters=[{"ParameterKey": key, "UsePreviousValue": True} for key in template.get("Parameters", {})],
        Capabilities=["CAPABILITY_IAM"],
    )
    _settle(name, "UPDATE_COMPLETE")
    cloudformation.delete_stack(StackName=name)
    _settle(name, "DELETE_COMPLETE")
    return leftovers.of(preview)


def swept(preview: PreviewName) -> list[str]:
    """Have the sweeper called, with the rights of its own role, until nothing is left or it has had its time; what is
    left. Task definitions of a stack that is gone stay (docs/previews.md), and are taken away here."""
    stack = f"SpendSmart-{run.environment().capitalize()}-PreviewSweeper"
    outputs = aws.client("cloudformation", _REGION).describe_stacks(StackName=stack)["Stacks"][0]["Outputs"]
    function = next(each["OutputValue"] for each in outputs if each["OutputKey"] == "SweeperFunction")
    for each in leftovers.of(preview):
        if each.startswith("task definition "):
            aws.client("ecs", _REGION).deregister_task_definition(taskDefinition=each.removeprefix("task definition "))
    # What this machine keeps of a preview, no function of the account sees.
    shutil.rmtree(leftovers.folder(preview), ignore_errors=True)
    deadline = time.monotonic() + _PATIENCE
    while True:
        # It may take longer than a client waits: what it did is seen in what is left.
        aws.client("lambda", _REGION).invoke(FunctionName=function, InvocationType="Event")
        again = time.monotonic() + _SWEEP_AGAIN
        while time.monotonic() < again:
            left = leftovers.of(preview)
            if not left or time.monotonic() > deadline:
                return left
            time.sleep(1)


def _settle(name: str, wanted: str) -> None:
    deadline = time.monotonic() + _PATIENCE
    while (status := run.status(name)) != wanted:
        if time.monotonic() > deadline or not status.endswith("_IN_PROGRESS"):
            raise LocalCloudError(f"{name} is {status}, not {wanted}")
        time.sleep(0.5)
