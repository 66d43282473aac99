"""A Lambda function of one file or package, with a role that may do what it names and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.acknowledgement import HIPAA_NIST, HIPAA_NIST_PCI, Decision, acknowledge, acknowledge_wildcard
from infra.config.models import RetentionDays
from infra.retention import retention

RUNTIME = lambda_.Runtime.PYTHON_3_14

_FUNCTIONS = Path(__file__).resolve().parent / "functions"
_ADR = "docs/adr/0057-functions-of-the-platform.md"

_UNRESERVED = Decision(
    reason="A new account has 10 concurrent executions, none of which Lambda lets anybody reserve: the stack would "
    "roll back. One schedule, rollout or topic calls each function, so that few run at a time",
    owner="platform",
    reference=_ADR,
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)
_METRICS = Decision(
    reason="cloudwatch:PutMetricData knows no resources (Service Authorization Reference); a condition allows the "
    "environment's own namespace and no other",
    owner="platform",
    reference=_ADR,
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)
_OUTSIDE = Decision(
    reason="It calls public AWS APIs alone, over TLS and with its own role; nothing that it needs is in the VPC. "
    "Inside, it would fail together with the network that it looks at or sends messages about",
    owner="platform",
    reference=_ADR,
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)
INTERFACES = (
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
)
"""What Lambda needs for a function in a VPC (Lambda Developer Guide, "Giving Lambda functions access to a VPC")."""


@dataclass(frozen=True, kw_only=True)
class FunctionNetwork:
    """Where in a VPC a function has its addresses."""

    vpc: ec2.IVpc
    security_group: ec2.ISecurityGroup


@dataclass(frozen=True, kw_only=True)
class SmallFunctionProps:
    """`source` is a file of `infra/functions/`, or a folder with an `index.py`.

    `undelivered` is the topic that gets events of calls that failed, or why nothing is lost when one does. `wildcards`
    says why a resource that `allow` names has a star in it. `namespace` is the only one of CloudWatch's that it may
    publish metrics to. Without a `log_group` it makes its own, kept for `log_retention_days`.
    """

    source: str
    description: str
    timeout_seconds: int
    environment: Mapping[str, str]
    undelivered: sns.ITopic | Decision
    namespace: str | None = None
    log_group: logs.ILogGroup | None = None
    log_retention_days: RetentionDays | None = None
    network: FunctionNetwork | None = None
    allow: Sequence[iam.PolicyStatement] = ()
    wildcards: Mapping[str, Decision] = field(default_factory=dict)
    memory_mib: int = 128


class SmallFunction(Construct):
    """Nothing is tried again: the next event or the next minute asks anew."""

    def __init__(self, scope: Construct, construct_id: str, *, props: SmallFunctionProps) -> None:
        super().__init__(scope, construct_id)
        self.role = iam.Role(
            self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"), description=props.description
        )
        group = props.log_group or self._own_group(props)
        self._allow(props, group)
        network, undelivered = props.network, props.undelivered
        self.function = lambda_.Function(
            self,
            "Function",
            description=props.description,
            runtime=RUNTIME,
            architecture=lambda_.Architecture.ARM_64,
            handler=f"{props.source}.index.handler" if (_FUNCTIONS / props.source).is_dir() else "index.handler",
            code=_code(props.source),
            memory_size=props.memory_mib,
            timeout=cdk.Duration.seconds(props.timeout_seconds),
            retry_attempts=0,
            dead_letter_topic=None if isinstance(undelivered, Decision) else undelivered,
            role=self.role,
            log_group=group,
            environment={**({"NAMESPACE": props.namespace} if props.namespace else {}), **props.environment},
            vpc=network.vpc if network else None,
            vpc_subnets=ec2.SubnetSelection(subnets=network.vpc.private_subnets) if network else None,
            security_groups=[network.security_group] if network else None,
        )
        acknowledge_limits(self.function, undelivered=undelivered, outside_vpc=network is None)

    def _own_group(self, props: SmallFunctionProps) -> logs.LogGroup:
        if props.log_retention_days is None:
            raise ValueError(f"{self.node.path}: say how long its logs are kept, or which group they go to")
        return logs.LogGroup(self, "Logs", retention=retention(props.log_retention_days))

    def _allow(self, props: SmallFunctionProps, group: logs.ILogGroup) -> None:
        group.grant_write(self.role)
        if props.namespace:
            self.role.add_to_policy(
                iam.PolicyStatement(
                    actions=["cloudwatch:PutMetricData"],
                    resources=["*"],  # the action knows no resources, only a namespace
                    conditions={"StringEquals": {"cloudwatch:namespace": props.namespace}},
                )
            )
        if props.network:
            allow_interfaces(self.role)
        for statement in props.allow:
            self.role.add_to_policy(statement)
        starred = {**({"*": _METRICS} if props.namespace else {}), **props.wildcards}
        for resource, decision in starred.items():
            acknowledge_wildcard(self.role, resource, decision=decision)


def allow_interfaces(role: iam.Role) -> None:
    """Lambda may make network interfaces with this role; the code of a function that has it may not.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-best-practice
    """
    functions = cdk.Stack.of(role).format_arn(
        service="lambda", resource="function", resource_name="*", arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME
    )
    role.add_to_policy(iam.PolicyStatement(actions=list(INTERFACES), resources=["*"]))
    role.add_to_policy(
        iam.PolicyStatement(
            effect=iam.Effect.DENY,
            actions=list(INTERFACES),
            resources=["*"],
            conditions={"ArnLike": {"lambda:SourceFunctionArn": functions}},
        )
    )


def acknowledge_limits(function: lambda_.Function, *, undelivered: sns.ITopic | Decision, outside_vpc: bool) -> None:
    """What is said of every function: no reserved concurrency, where it is, and what becomes of failed calls."""
    acknowledge(function, "LambdaConcurrency", packs=HIPAA_NIST, decision=_UNRESERVED)
    if outside_vpc:
        acknowledge(function, "LambdaInsideVPC", packs=HIPAA_NIST_PCI, decision=_OUTSIDE)
    if isinstance(undelivered, Decision):
        acknowledge(function, "LambdaDLQ", packs=HIPAA_NIST, decision=undelivered)


def package_code(package: str) -> lambda_.Code:
    """A folder of `infra/functions/` and nothing beside it: `<package>.index.handler` is in it."""
    return lambda_.Code.from_asset(
        str(_FUNCTIONS),
        exclude=["*", f"!{package}", f"!{package}/*.py", f"!{package}/*.png"],
        ignore_mode=cdk.IgnoreMode.GIT,
    )


def _code(source: str) -> lambda_.Code:
    if (_FUNCTIONS / source).is_dir():
        return package_code(source)
    return lambda_.Code.from_inline((_FUNCTIONS / source).read_text())
