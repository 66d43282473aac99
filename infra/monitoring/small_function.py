"""A Lambda function of one file, with a role that may do what it names and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.config.models import RetentionDays
from infra.retention import retention

_FUNCTIONS = Path(__file__).resolve().parent.parent / "functions"


@dataclass(frozen=True, kw_only=True)
class SmallFunctionProps:
    """`source` is a file of `infra/functions/`, or a folder with an `index.py`; `namespace` is the only one of
    CloudWatch's that it may publish metrics to."""

    source: str
    description: str
    namespace: str
    timeout_seconds: int
    log_retention_days: RetentionDays
    environment: Mapping[str, str]
    allow: Sequence[iam.PolicyStatement] = ()
    memory_mib: int = 128


class SmallFunction(Construct):
    """Outside of the VPC. Nothing is tried again: the next event or the next minute asks anew."""

    def __init__(self, scope: Construct, construct_id: str, *, props: SmallFunctionProps) -> None:
        super().__init__(scope, construct_id)
        group = logs.LogGroup(self, "Logs", retention=retention(props.log_retention_days))
        self.role = iam.Role(
            self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"), description=props.description
        )
        group.grant_write(self.role)
        self.role.add_to_policy(
            iam.PolicyStatement(
                actions=["cloudwatch:PutMetricData"],
                resources=["*"],  # the action knows no resources, only a namespace
                conditions={"StringEquals": {"cloudwatch:namespace": props.namespace}},
            )
        )
        for statement in props.allow:
            self.role.add_to_policy(statement)
        self.function = lambda_.Function(
            self,
            "Function",
            description=props.description,
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            handler=f"{props.source}.index.handler" if (_FUNCTIONS / props.source).is_dir() else "index.handler",
            code=_code(props.source),
            memory_size=props.memory_mib,
            timeout=cdk.Duration.seconds(props.timeout_seconds),
            retry_attempts=0,
            role=self.role,
            log_group=group,
            environment={"NAMESPACE": props.namespace, **props.environment},
        )


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
