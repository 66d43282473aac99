"""Who may do what by a policy document."""

from __future__ import annotations

from typing import Any

import pytest

from preflight.loading import single
from preflight.policies import allows
from preflight.values import Node

ALARMS = "cloudwatch.amazonaws.com"


def _document(*statements: Any) -> Node:
    key = {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": {"Statement": list(statements)}}}
    return single({"Resources": {"Key": key}}).stacks[0].resources["Key"].get("KeyPolicy")


def _allow(action: Any = "kms:Decrypt", principal: Any = None, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Principal": principal or {"Service": ALARMS}, **more}


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (_allow(), True),
        (_allow("kms:*"), True),
        (_allow(["kms:GenerateDataKey*", "KMS:decrypt"]), True),
        (_allow("kms:De??ypt"), True),
        (_allow(principal="*"), True),
        (_allow(principal={"Service": ["sns.amazonaws.com", ALARMS]}), True),
        (_allow("kms:Encrypt"), False),
        (_allow(principal={"Service": "sns.amazonaws.com"}), False),
        (_allow(principal={"AWS": "arn:aws:iam::000000000000:root"}), False),
        ({**_allow(), "Effect": "Deny"}, False),
        (_allow(principal={"Service": {"Ref": "Open"}}), None),
        (_allow(action={"Ref": "Open"}), None),
        (_allow(principal={"Service": {"Fn::Sub": "cloudwatch.${AWS::URLSuffix}"}}), None),
        (_allow(principal={"Service": {"Fn::Sub": "logs.${AWS::Region}.amazonaws.com"}}), False),
        ({"Effect": "Allow", "NotAction": "kms:Delete*", "Principal": {"Service": ALARMS}}, True),
        ({"Effect": "Allow", "NotAction": "kms:D*", "Principal": {"Service": ALARMS}}, False),
    ],
)
def test_one_statement(statement: dict[str, Any], expected: bool | None) -> None:
    assert allows(_document(statement), action="kms:Decrypt", service=ALARMS) is expected


def test_one_that_allows_outweighs_one_that_cannot_be_decided() -> None:
    open_one = _allow(principal={"Service": {"Ref": "Open"}})
    assert allows(_document(open_one, _allow()), action="kms:Decrypt", service=ALARMS) is True


def test_wildcards_do_not_backtrack() -> None:
    assert allows(_document(_allow("*" * 200 + "x")), action="kms:Decrypt", service=ALARMS) is False
