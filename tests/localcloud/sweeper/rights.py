"""The sweeper's role with the policy and the boundary that its template gives it, as reviewed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

_SNAPSHOTS = Path(__file__).parents[2] / "infra" / "snapshots" / "preview"
_ACCOUNT = "000000000000"


def variables(client: Callable[..., Any], values: Mapping[str, str]) -> dict[str, str]:
    """Credentials of a session of the role. `values` has what its policy refers to, by a word of the reference."""
    iam, trust = client("iam"), _allow("sts:AssumeRole", {"AWS": f"arn:aws:iam::{_ACCOUNT}:root"})
    boundary, *own = (
        iam.create_policy(PolicyName=f"sweepers-{name}", PolicyDocument=document)["Policy"]["Arn"]
        for stack, beginning in (("Network", "Boundary"), ("PreviewSweeper", "Sweeper"))
        for name, document in _documents(stack, beginning, values)
    )
    role = iam.create_role(RoleName="sweeper", AssumeRolePolicyDocument=trust, PermissionsBoundary=boundary)["Role"]
    for arn in own:
        iam.attach_role_policy(RoleName="sweeper", PolicyArn=arn)
    keys = client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="sweep")["Credentials"]
    return {
        "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
        "AWS_SESSION_TOKEN": keys["SessionToken"],
    }


def _allow(action: str, principal: Mapping[str, str]) -> str:
    statement = {"Effect": "Allow", "Principal": principal, "Action": action}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _documents(stack: str, beginning: str, values: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Of the policies whose logical ids begin so."""
    resources = yaml.safe_load((_SNAPSHOTS / f"{stack}.yaml").read_text())["Resources"]

    def known(reference: re.Match[str]) -> str:
        (value,) = [value for word, value in values.items() if word in reference[0]]
        return value

    for name, each in resources.items():
        if each["Type"] == "AWS::IAM::ManagedPolicy" and name.startswith(beginning):
            document = json.dumps(each["Properties"]["PolicyDocument"])
            # What a reference selects from is in it, as Python writes it.
            yield name, re.sub(r"\{'Fn::Select'.*?\]\}\]\}|\$\{[^}]+\}", known, document)
