"""The sweeper's role with the policy and the boundary that its template gives it, as reviewed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

_SNAPSHOTS = Path(__file__).parents[2] / "infra" / "snapshots" / "preview"
_ACCOUNT = "000000000000"


def variables(client: Callable[..., Any], values: Mapping[str, str]) -> dict[str, str]:
    """Credentials of a session of the role. `values` has what its policy refers to, by a word of the reference."""
    iam, trust = client("iam"), _allow("sts:AssumeRole", {"AWS": f"arn:aws:iam::{_ACCOUNT}:root"})
    policies = {
        name: iam.create_policy(PolicyName=name, PolicyDocument=_document(stack, part, values))["Policy"]["Arn"]
        for name, stack, part in (("own", "PreviewSweeper", "SweeperRole"), ("boundary", "Network", "Boundary"))
    }
    role = iam.create_role(
        RoleName="sweeper", AssumeRolePolicyDocument=trust, PermissionsBoundary=policies["boundary"]
    )["Role"]
    iam.attach_role_policy(RoleName="sweeper", PolicyArn=policies["own"])
    keys = client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="sweep")["Credentials"]
    return {
        "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
        "AWS_SESSION_TOKEN": keys["SessionToken"],
    }


def _allow(action: str, principal: Mapping[str, str]) -> str:
    statement = {"Effect": "Allow", "Principal": principal, "Action": action}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _document(stack: str, part: str, values: Mapping[str, str]) -> str:
    resources = yaml.safe_load((_SNAPSHOTS / f"{stack}.yaml").read_text())["Resources"]
    (policy,) = [
        each["Properties"]["PolicyDocument"]
        for name, each in resources.items()
        if each["Type"] == "AWS::IAM::ManagedPolicy" and name.startswith(part)
    ]

    def known(reference: re.Match[str]) -> str:
        (value,) = [value for word, value in values.items() if word in reference[0]]
        return value

    # A part of a reference is written as Python writes it; what it comes to is the last name in it.
    return re.sub(r"\{'Fn::Select'.*?\]\}\]\}|\$\{[^}]+\}", known, json.dumps(policy))
