"""IAM: AWS managed policies that MiniStack does not bring, and limits of managed policies that it does not keep."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import iam

from localcloud.emulator.corrections import replace

Call = Callable[[Mapping[str, Any]], Any]

_LARGEST = 6144
"""Characters of a managed policy, white space not counted.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""

_BALANCING = "elasticloadbalancing"

# https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AmazonECSInfrastructureRolePolicyForLoadBalancers.html
_LOAD_BALANCERS_OF_ECS = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": [
                f"{_BALANCING}:{call}"
                for call in ("DescribeListeners", "DescribeRules", "DescribeTargetGroups", "DescribeTargetHealth")
            ],
            "Resource": "*",
        },
        {
            "Effect": "Allow",
            "Action": [f"{_BALANCING}:RegisterTargets", f"{_BALANCING}:DeregisterTargets"],
            "Resource": f"arn:aws:{_BALANCING}:*:*:targetgroup/*/*",
        },
        {
            "Effect": "Allow",
            "Action": f"{_BALANCING}:ModifyListener",
            "Resource": [f"arn:aws:{_BALANCING}:*:*:listener/{kind}/*/*/*" for kind in ("app", "net")],
        },
        {
            "Effect": "Allow",
            "Action": f"{_BALANCING}:ModifyRule",
            "Resource": f"arn:aws:{_BALANCING}:*:*:listener-rule/app/*/*/*/*",
        },
    ],
}


def install() -> None:
    replace(iam, "store_policy", _storing(iam.store_policy))
    # CloudFormation updates a policy by the second of these itself.
    for action, name in (("CreatePolicy", "_create_policy"), ("CreatePolicyVersion", "_create_policy_version")):
        replace(iam, name, _limited(getattr(iam, name)))
        iam._IAM_HANDLERS[action] = getattr(iam, name)
    iam._IAM_HANDLERS["DeletePolicy"] = _without_versions(iam._delete_policy)
    name = "AmazonECSInfrastructureRolePolicyForLoadBalancers"
    iam._aws_managed_policies[f"arn:aws:iam::aws:policy/{name}"] = iam._make_aws_managed_record(
        name,
        json.dumps(_LOAD_BALANCERS_OF_ECS),
        "Lets Amazon ECS manage the load balancers of its services.",
    )


def _too_large(document: Any) -> bool:
    text = document if isinstance(document, str) else json.dumps(document)
    return len("".join(text.split())) > _LARGEST


def _storing(stock: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """For CloudFormation, which fails a resource for what is raised."""

    def store_policy(arn: str, name: str, path: str, document: Any, **more: Any) -> dict[str, Any]:
        if _too_large(document):
            raise ValueError(f"Cannot exceed quota for PolicySize: {_LARGEST}")
        return stock(arn, name, path, document, **more)

    return store_policy


def _limited(stock: Call) -> Call:
    def limited(call: Mapping[str, Any]) -> Any:
        if _too_large(iam._p(call, "PolicyDocument")):
            return iam._error(409, "LimitExceeded", f"Cannot exceed quota for PolicySize: {_LARGEST}", ns="iam")
        return stock(call)

    return limited


def _without_versions(stock: Call) -> Call:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeletePolicy.html"""

    def delete_policy(call: Mapping[str, Any]) -> Any:
        policy = iam._policies.get(iam._p(call, "PolicyArn"))
        if policy and len(policy["Versions"]) > 1:
            message = "This policy has more than one version. Before you delete a policy, you must delete its versions."
            return iam._error(409, "DeleteConflict", message, ns="iam")
        return stock(call)

    return delete_policy
