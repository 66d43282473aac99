"""An emulator as a process of the tests' own, without a data plane; the tests report on tasks themselves."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from localcloud import layout

_START_SECONDS = 120.0
CAPABILITIES = ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]


@dataclass
class Emulator:
    """A running emulator; `environment` is that of its process."""

    home: Path
    base: int
    process: subprocess.Popen[bytes] | None = None
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def port(self) -> int:
        return self.base + 66

    def start(self) -> None:
        self.launch()
        self.wait()

    def launch(self) -> None:
        """Start the process and do not wait for it."""
        self.environment = {
            **os.environ,
            "LOCALCLOUD_HOME": str(self.home),
            "LOCALCLOUD_BASE_PORT": str(self.base),
            "LOCALCLOUD_DATAPLANE": "off",
        }
        self.environment.pop("LOCALCLOUD_RUNNER", None)
        log = (self.home.parent / "emulator.log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "localcloud.emulator"],
            cwd=layout.REPOSITORY,
            env=self.environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )

    def wait(self) -> None:
        """Until it takes connections."""
        assert self.process
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex((layout.LOOPBACK, self.port)) == 0:
                    return
            assert self.process.poll() is None, (self.home.parent / "emulator.log").read_text()
            time.sleep(0.05)
        raise AssertionError("the emulator did not start")

    def stop(self, number: int = signal.SIGTERM) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(timeout=20)

    def client(self, service: str, region: str = "us-east-1", **credentials: Any) -> Any:
        root = json.loads((self.home / "secrets" / "root.json").read_text())
        keys = credentials or {
            "aws_access_key_id": root["access_key_id"],
            "aws_secret_access_key": root["secret_access_key"],
        }
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=f"https://{layout.LOOPBACK}:{self.port}",
            verify=str(self.home / "tls" / "ca.pem"),
            config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
            **keys,
        )


def free_base() -> int:
    """A base port whose ports nobody listens on now."""
    for base in range(26000, 28500, 500):  # from there on are those of tests/endtoend
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((layout.LOOPBACK, base + 66))
            except OSError:
                continue
            return base
    raise AssertionError("no free ports")


Deploy = Callable[..., dict[str, str]]


def settled(cloudformation: Any, name: str, seconds: float = 30.0) -> dict[str, Any]:
    """The stack once its operation has ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        stack: dict[str, Any] = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        if not stack["StackStatus"].endswith("_IN_PROGRESS"):
            return stack
        time.sleep(0.05)
    raise AssertionError(f"{name} is still {stack['StackStatus']}")


def make_role(emulator: Emulator, name: str, trusted: dict[str, str], *actions: str) -> str:
    """The ARN of a role that the trusted may assume, and that may do these actions to everything."""
    iam = emulator.client("iam")
    trust = {"Effect": "Allow", "Principal": trusted, "Action": "sts:AssumeRole"}
    made = iam.create_role(
        RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )
    if actions:
        may = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [may]})
        iam.put_role_policy(RoleName=name, PolicyName="given", PolicyDocument=policy)
    return str(made["Role"]["Arn"])


def make_function(emulator: Emulator, name: str, code: str, variables: dict[str, str], *actions: str) -> str:
    """The ARN of a function with a role of its own, which may do these actions to everything."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("index.py", code)
    made = emulator.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=make_role(emulator, name, {"Service": "lambda.amazonaws.com"}, *actions),
        Handler="index.handler",
        Code={"ZipFile": archive.getvalue()},
        Environment={"Variables": variables},
    )
    return str(made["FunctionArn"])


def buckets_in_two_regions(emulator: Emulator, here: str, there: str) -> tuple[Any, Any]:
    """The clients of us-east-1 and us-west-2, in each of which a bucket with versions was made."""
    first, second = emulator.client("s3"), emulator.client("s3", "us-west-2")
    first.create_bucket(Bucket=here)
    second.create_bucket(Bucket=there, CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    for client, bucket in ((first, here), (second, there)):
        client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return first, second
