"""What a container gets: the definition's variables and secrets, the platform's, and nothing else."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from localcloud import aws, images, layout
from localcloud.runner.definitions import ContainerDefinition
from localcloud.runner.environment import translated
from localcloud.runner.launch import Launch
from localcloud.runner.processes import command, environment

from .conftest import REGION, Stage

DUMP = """
    import json, os
    print("ENVIRONMENT " + json.dumps(dict(os.environ)), flush=True)
"""
PLATFORM = {
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_ENDPOINT_URL",
    "AWS_CA_BUNDLE",
    "AWS_EC2_METADATA_DISABLED",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "ECS_CONTAINER_METADATA_URI_V4",
    "ECS_AGENT_URI",
}
# A home, where programs are, and the marks by which strays are found; LC_CTYPE is Python's own doing.
LOCAL = {"PATH", "HOME", "TMPDIR", "LANG", "LC_CTYPE", "LOCALCLOUD_PROCESS_OF", "LOCALCLOUD_TASK"}


def dumped(stage: Stage, definition: str) -> dict[str, str]:
    task = stage.stopped(stage.run(definition))
    line = next(line for line in stage.log(task).splitlines() if line.startswith("ENVIRONMENT "))
    found: dict[str, str] = json.loads(line.removeprefix("ENVIRONMENT "))
    return found


def test_only_values_that_are_exactly_one_of_three_are_translated() -> None:
    given = {"BIND": "0.0.0.0", "PORT": "8000", "SCRATCH": "/scratch", "HOST": "127.0.0.1"}  # noqa: S104
    kept = {"URL": "http://0.0.0.0:8000/", "PATHS": "/scratch/x", "SIZE": "80001", "OTHER": "0.0.0.0/0"}
    found = translated(given | kept, ports={8000: 4801}, mounts={"/scratch": Path("/tmp/t")})  # noqa: S108
    assert found == {"BIND": "127.0.0.1", "PORT": "4801", "SCRATCH": "/tmp/t", "HOST": "127.0.0.1"} | kept  # noqa: S108


def test_a_secret_that_looks_like_a_port_stays_what_it_is(home: Path) -> None:
    definition = ContainerDefinition(name="main", image="i", environment={"PORT": "8000"}, ports=(8000,))
    launch = Launch(task_id="t", definition=definition, folder=home, ports={8000: 4801}, secrets={"PASSWORD": "8000"})
    found = environment(launch, images.Image(folder=home, environment={"PATH": "/opt/venv/bin", "FROM_IMAGE": "yes"}))
    assert (found["PORT"], found["PASSWORD"], found["FROM_IMAGE"]) == ("4801", "8000", "yes")
    assert "/opt/venv/bin" not in found["PATH"]


@pytest.mark.parametrize(
    ("entry_point", "words", "expected"),
    [
        (None, None, ["image-entry", "image-command"]),
        (None, ("mine",), ["image-entry", "mine"]),
        (("sh", "-c"), ("mine",), ["sh", "-c", "mine"]),
        (("sh",), None, ["sh"]),
    ],
)
def test_the_definitions_command_replaces_the_images(
    home: Path, entry_point: tuple[str, ...] | None, words: tuple[str, ...] | None, expected: list[str]
) -> None:
    image = images.Image(folder=home, entry_point=("image-entry",), command=("image-command",))
    definition = ContainerDefinition(name="main", image="i", entry_point=entry_point, command=words)
    assert command(Launch(task_id="t", definition=definition, folder=home), image) == expected


def test_a_container_gets_its_definition_and_the_platform_and_nothing_else(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "HOSTNAME" in os.environ or "USER" in os.environ or "SHELL" in os.environ or "PWD" in os.environ
    container = stage.container(
        DUMP,
        environment=[{"name": "COLOUR", "value": "blue"}, {"name": "SCRATCH_DIR", "value": "/scratch"}],
        mountPoints=[{"sourceVolume": "scratch", "containerPath": "/scratch"}],
    )
    found = dumped(stage, stage.define(container, volumes=[{"name": "scratch"}]))
    assert set(found) - LOCAL == PLATFORM | {"COLOUR", "SCRATCH_DIR"}
    assert found["COLOUR"] == "blue"
    assert found["SCRATCH_DIR"].startswith(str(layout.home()))
    root = aws.root_credentials()
    assert root.secret_access_key not in json.dumps(found)


def test_secrets_come_whole_by_json_key_and_from_parameters(stage: Stage) -> None:
    manager = aws.client("secretsmanager", REGION)
    whole = manager.create_secret(Name="whole", SecretString="w-1")["ARN"]
    keyed = manager.create_secret(Name="keyed", SecretString='{"username": "ann", "password": "p-1"}')["ARN"]
    aws.client("ssm", REGION).put_parameter(Name="/stage/colour", Value="green", Type="SecureString")
    parameter = f"arn:aws:ssm:{REGION}:{layout.ACCOUNT}:parameter/stage/colour"
    role = stage.role(
        "reader",
        {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": [whole, keyed]},
        {"Effect": "Allow", "Action": "ssm:GetParameter*", "Resource": parameter},
        {"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": "*"},
    )
    wanted = {
        "WHOLE": whole,
        "PASSWORD": f"{keyed}:password::",
        "CURRENT": f"{keyed}:username:AWSCURRENT:",
        "COLOUR": parameter,
    }
    secrets = [{"name": name, "valueFrom": value} for name, value in wanted.items()]
    found = dumped(stage, stage.define(stage.container(DUMP, secrets=secrets), executionRoleArn=role))
    assert {name: found[name] for name in wanted} == {
        "WHOLE": "w-1",
        "PASSWORD": "p-1",
        "CURRENT": "ann",
        "COLOUR": "green",
    }


def refused(stage: Stage, value_from: str, role: str) -> str:
    container = stage.container(DUMP, secrets=[{"name": "API_KEY", "valueFrom": value_from}])
    task = stage.stopped(stage.run(stage.define(container, executionRoleArn=role)))
    assert task["stopCode"] == "TaskFailedToStart"
    reason = str(task["stoppedReason"])
    assert reason.startswith("ResourceInitializationError: unable to pull secrets")
    assert "container main" in reason
    assert "variable API_KEY" in reason
    assert value_from in reason
    return reason


def test_a_missing_secret_key_or_permission_is_named(stage: Stage) -> None:
    arn = aws.client("secretsmanager", REGION).create_secret(Name="incomplete", SecretString='{"a": "1"}')["ARN"]
    reading = {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}
    allowed, barred = stage.role("allowed", reading), stage.role("barred")
    assert "no key 'password'" in refused(stage, f"{arn}:password::", allowed)
    assert "ResourceNotFoundException" in refused(stage, arn.replace("incomplete", "nowhere"), allowed)
    assert "AccessDenied" in refused(stage, arn, barred)


def test_without_the_right_to_write_logs_nothing_starts(stage: Stage) -> None:
    task = stage.stopped(stage.run(stage.define(stage.container(DUMP), executionRoleArn=stage.role("silent"))))
    assert "failed to create CloudWatch log stream /stage" in task["stoppedReason"]
    assert "AccessDenied" in task["stoppedReason"]


def test_an_image_that_nobody_pushed_is_named(stage: Stage) -> None:
    container = {**stage.container(DUMP), "image": f"{layout.ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/stage:absent"}
    task = stage.stopped(stage.run(stage.define(container)))
    assert task["stoppedReason"].startswith("CannotPullContainerError")
    assert "stage:absent" in task["stoppedReason"]
