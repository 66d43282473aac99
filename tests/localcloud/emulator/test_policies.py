"""Limits of managed policies, which decide whether a template can be deployed to AWS."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .support import Deploy, Emulator


def _policy(characters: int) -> dict[str, Any]:
    """One with so many characters without white space, and more with it."""
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::"}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    statement["Resource"] += "x" * (characters - len(json.dumps(document, separators=(",", ":"))))
    return document


@pytest.mark.parametrize(("characters", "state"), [(6144, "COMPLETE"), (6145, "ROLLBACK_COMPLETE")])
def test_a_stack_makes_no_policy_that_is_too_large(deploy: Deploy, characters: int, state: str) -> None:
    policy = {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": _policy(characters)}}
    deploy(f"large-{characters}", {"Policy": policy}, expect=state)


def test_a_policy_goes_after_its_old_versions(emulator: Emulator) -> None:
    iam = emulator.client("iam")
    arn = iam.create_policy(PolicyName="versions", PolicyDocument=json.dumps(_policy(200), indent=4))["Policy"]["Arn"]
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(_policy(6144), indent=4), SetAsDefault=True)
    with pytest.raises(ClientError, match="PolicySize: 6144"):
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(_policy(6145)))
    with pytest.raises(ClientError, match="DeleteConflict"):
        iam.delete_policy(PolicyArn=arn)
    iam.delete_policy_version(PolicyArn=arn, VersionId="v1")
    iam.delete_policy(PolicyArn=arn)
