"""IAM: AWS managed policies that MiniStack does not bring."""

from __future__ import annotations

import json

from ministack.services import iam

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
    name = "AmazonECSInfrastructureRolePolicyForLoadBalancers"
    iam._aws_managed_policies[f"arn:aws:iam::aws:policy/{name}"] = iam._make_aws_managed_record(
        name,
        json.dumps(_LOAD_BALANCERS_OF_ECS),
        "Lets Amazon ECS manage the load balancers of its services.",
    )
