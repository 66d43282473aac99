"""What a stack's long resources do at the same time, and what becomes of them when one fails."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ministack.services.cloudformation import stacks

from localcloud.emulator import parallel

from .support import Deploy, Emulator

# A custom resource's function: notes what it is asked, waits for the others named in Meets, fails if told to.
_CODE = """
import json, pathlib, time, urllib.request
def handler(event, context):
    given, name = event["ResourceProperties"], event["LogicalResourceId"]
    folder = pathlib.Path(given["Folder"])
    said = f'{event["RequestType"]} {name} {given.get("Version", "")}'.strip()
    with (folder / "asked").open("a") as file:
        file.write(said + "\\n")
    met, deadline = False, time.monotonic() + 20
    while not met and time.monotonic() < deadline:
        asked = (folder / "asked").read_text().splitlines()
        met = event["RequestType"] == "Delete" or all(other in asked for other in given.get("Meets", []))
        time.sleep(0.05)
    fails = event["RequestType"] + " " + given.get("Version", "") in given.get("Fails", [])
    answer = {"Status": "SUCCESS" if met and not fails else "FAILED", "Reason": "told to" if fails else "nobody came",
              "PhysicalResourceId": event.get("PhysicalResourceId") or name, "Data": {"Name": name.lower()},
              **{key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")}}
    sent = urllib.request.Request(event["ResponseURL"], data=json.dumps(answer).encode(), method="PUT")
    urllib.request.urlopen(sent, timeout=30)
"""

Custom = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def function(emulator: Emulator) -> str:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("index.py", _CODE)
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = emulator.client("iam").create_role(
        RoleName="meets", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )
    made = emulator.client("lambda").create_function(
        FunctionName="meets",
        Runtime="python3.13",
        Role=role["Role"]["Arn"],
        Handler="index.handler",
        Timeout=60,
        Code={"ZipFile": archive.getvalue()},
    )
    return str(made["FunctionArn"])


@pytest.fixture
def custom(function: str, tmp_path: Path) -> Custom:
    (tmp_path / "asked").touch()

    def resource(*, after: str | None = None, **properties: Any) -> dict[str, Any]:
        return {
            "Type": "Custom::Meeting",
            "Properties": {"ServiceToken": function, "Folder": str(tmp_path), **properties},
            **({"DependsOn": after} if after else {}),
        }

    return resource


def _asked(tmp_path: Path) -> list[str]:
    return (tmp_path / "asked").read_text().splitlines()


def test_what_does_not_depend_on_each_other_is_made_at_the_same_time(
    deploy: Deploy, custom: Custom, tmp_path: Path
) -> None:
    both = ["Create One", "Create Other"]
    outputs = deploy(
        "meeting",
        {
            "One": custom(Meets=both),
            "Other": custom(Meets=both),
            # Begins when One is there, while another one still waits for it: neither depends on the other.
            "After": custom(after="One"),
            "Waits": custom(Meets=["Create After"]),
        },
        {"Name": {"Fn::GetAtt": ["Other", "Name"]}},
    )
    assert outputs == {"Name": "other"}
    asked = _asked(tmp_path)
    assert sorted(asked) == ["Create After", "Create One", "Create Other", "Create Waits"], "each is asked for once"
    assert asked.index("Create After") > asked.index("Create One")


def test_what_was_begun_beside_one_that_fails_is_undone(deploy: Deploy, custom: Custom, tmp_path: Path) -> None:
    both = ["Create Bad", "Create Other"]
    failing = {"Bad": custom(Meets=both, Fails=["Create "]), "Other": custom(Meets=both)}
    deploy("undone", failing, expect="ROLLBACK_COMPLETE")
    assert sorted(_asked(tmp_path)) == ["Create Bad", "Create Other", "Delete Other"]


def test_an_update_that_fails_sends_back_what_was_updated_beside_it(
    deploy: Deploy, custom: Custom, tmp_path: Path
) -> None:
    def version(number: str, **more: Any) -> dict[str, Any]:
        return {"Bad": custom(Version=number, **more), "Other": custom(Version=number, **more)}

    deploy("sent-back", version("1"))
    both = ["Update Bad 2", "Update Other 2"]
    failing = version("2", Meets=both)
    failing["Bad"]["Properties"]["Fails"] = ["Update 2"]
    deploy("sent-back", failing, expect="UPDATE_ROLLBACK_COMPLETE")
    assert sorted(_asked(tmp_path)[-2:]) == ["Update Bad 1", "Update Other 1"]
    deploy("sent-back", version("3"))
    assert {"Update Bad 3", "Update Other 3"} <= set(_asked(tmp_path))


def test_services_come_last_so_that_a_custom_resource_that_they_wait_for_in_vain_is_the_reason() -> None:
    resources = {
        "App": {"Type": "AWS::ECS::Service"},
        "Database": {"Type": "Custom::Database"},
        "Group": {"Type": "AWS::ElasticLoadBalancingV2::TargetGroup"},
    }
    assert parallel._long_ones_late(stacks._topological_sort)(resources, {}) == ["Group", "Database", "App"]
