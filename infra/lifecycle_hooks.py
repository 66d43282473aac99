"""Functions that ECS calls at stages of a rollout, and that can stop it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct, IDependable

from infra.acknowledgement import Decision
from infra.fargate_task import Task
from infra.small_function import FunctionNetwork, SmallFunction, SmallFunctionProps

_ADR = "docs/adr/0057-functions-of-the-platform.md"

_ANSWERED = Decision(
    reason="ECS calls it in a rollout and waits for its answer: a call that fails stops the rollout and sends it back. "
    "A dead-letter queue takes asynchronous calls only, and would stay empty",
    owner="platform",
    reference=_ADR,
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)
_NO_RESOURCES = Decision(
    reason="ecs:DescribeTaskDefinition and the EC2 calls that Lambda makes for a function in a VPC know no resources "
    "(Service Authorization Reference); none of them changes anything but the function's own network interfaces",
    owner="platform",
    reference=_ADR,
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)
_LATER_NAMED = Decision(
    reason="Service revisions, tasks and revisions of the migration get their ids in the rollout itself; the cluster "
    "or the task's family is named, and tasks only within the cluster",
    owner="platform",
    reference=_ADR,
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)


@dataclass(frozen=True, kw_only=True)
class LifecycleHook:
    """`function` is called at `stage` by way of `role`; after `timeout_minutes` without a verdict ECS goes back."""

    function: lambda_.IFunction
    role: iam.IRole
    stage: ecs.DeploymentLifecycleStage
    timeout_minutes: int
    needed: IDependable

    def as_property(self) -> dict[str, Any]:
        """As in AWS::ECS::Service: the construct of CDK 2.275 has no timeout."""
        return {
            "HookTargetArn": self.function.function_arn,
            "RoleArn": self.role.role_arn,
            "LifecycleStages": [self.stage.value],
            "TimeoutConfiguration": {"TimeoutInMinutes": self.timeout_minutes, "Action": "ROLLBACK"},
        }


@dataclass(frozen=True, kw_only=True)
class HookProps:
    cluster: ecs.ICluster
    timeout_minutes: int
    log_group: logs.ILogGroup


@dataclass(frozen=True, kw_only=True)
class MigrationHookProps(HookProps):
    """`task` is the migration of this release; a function always starts the one that a release's own label names."""

    task: Task
    label: str
    subnets: Sequence[ec2.ISubnet]
    security_group: ec2.ISecurityGroup


@dataclass(frozen=True, kw_only=True)
class SmokeTestHookProps(HookProps):
    """`test_url` is the test listener's; `host` is whom to ask for there, as browsers do."""

    test_url: str
    host: str
    release_variable: str
    vpc: ec2.IVpc
    security_group: ec2.ISecurityGroup


class MigrationHook(Construct):
    """PRE_SCALE_UP: runs the migration task of the new release, before any of its tasks starts."""

    def __init__(self, scope: Construct, construct_id: str, *, props: MigrationHookProps) -> None:
        super().__init__(scope, construct_id)
        allow, wildcards = self._allow(props)
        function = _function(
            self,
            props,
            source="run_migration.py",
            description="Runs the migration task of a new release once",
            # A call looks at the task and ends; ECS calls again until the task has ended.
            timeout_seconds=60,
            allow=allow,
            wildcards=wildcards,
            environment={
                "MIGRATION_LABEL": props.label,
                "SUBNETS": ",".join(subnet.subnet_id for subnet in props.subnets),
                "SECURITY_GROUP": props.security_group.security_group_id,
                "LOG_GROUP": props.task.log_group.log_group_name,
                "DEADLINE_SECONDS": str(props.timeout_minutes * 60),
            },
        )
        # ECS's own limit comes after the function's, which also stops the task.
        self.hook = _hook(
            self, function, stage=ecs.DeploymentLifecycleStage.PRE_SCALE_UP, timeout_minutes=props.timeout_minutes + 2
        )

    def _allow(self, props: MigrationHookProps) -> tuple[list[iam.PolicyStatement], dict[str, Decision]]:
        stack, cluster = cdk.Stack.of(self), props.cluster
        in_cluster = {"ArnEquals": {"ecs:cluster": cluster.cluster_arn}}
        tasks = stack.format_arn(service="ecs", resource="task", resource_name=f"{cluster.cluster_name}/*")
        revisions = stack.format_arn(
            service="ecs", resource="task-definition", resource_name=f"{props.task.definition.family}:*"
        )
        roles = [role.role_arn for role in (props.task.role, props.task.definition.obtain_execution_role())]
        statements = [
            iam.PolicyStatement(actions=["ecs:RunTask"], resources=[revisions], conditions=in_cluster),
            iam.PolicyStatement(
                actions=["ecs:DescribeTasks", "ecs:StopTask"], resources=[tasks], conditions=in_cluster
            ),
            iam.PolicyStatement(
                actions=["iam:PassRole"],
                resources=roles,
                conditions={"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
            ),
        ]
        return statements, {tasks: _LATER_NAMED, revisions: _LATER_NAMED}


class SmokeTestHook(Construct):
    """POST_TEST_TRAFFIC_SHIFT: asks the new release a few things through the test listener."""

    def __init__(self, scope: Construct, construct_id: str, *, props: SmokeTestHookProps) -> None:
        super().__init__(scope, construct_id)
        function = _function(
            self,
            props,
            source="run_smoke_test.py",
            description="Tries a new release through the test listener",
            timeout_seconds=props.timeout_minutes * 60,
            environment={
                "TEST_URL": props.test_url,
                "HOST": props.host,
                "RELEASE_VARIABLE": props.release_variable,
                # Time to say what is wrong before Lambda ends the call.
                "PATIENCE_SECONDS": str(props.timeout_minutes * 60 - 20),
            },
            network=FunctionNetwork(vpc=props.vpc, security_group=props.security_group),
        )
        self.hook = _hook(
            self,
            function,
            stage=ecs.DeploymentLifecycleStage.POST_TEST_TRAFFIC_SHIFT,
            timeout_minutes=props.timeout_minutes + 2,
        )


def _function(
    scope: Construct,
    props: HookProps,
    *,
    source: str,
    description: str,
    timeout_seconds: int,
    environment: Mapping[str, str],
    allow: Sequence[iam.PolicyStatement] = (),
    wildcards: Mapping[str, Decision] | None = None,
    network: FunctionNetwork | None = None,
) -> lambda_.Function:
    revisions = cdk.Stack.of(scope).format_arn(
        service="ecs", resource="service-revision", resource_name=f"{props.cluster.cluster_name}/*"
    )
    return SmallFunction(
        scope,
        "Call",
        props=SmallFunctionProps(
            source=source,
            description=description,
            timeout_seconds=timeout_seconds,
            environment=environment,
            undelivered=_ANSWERED,
            log_group=props.log_group,
            network=network,
            memory_mib=256,
            allow=[
                iam.PolicyStatement(actions=["ecs:DescribeServiceRevisions"], resources=[revisions]),
                # This action knows no resources (Service Authorization Reference, "Amazon ECS").
                iam.PolicyStatement(actions=["ecs:DescribeTaskDefinition"], resources=["*"]),
                *allow,
            ],
            wildcards={"*": _NO_RESOURCES, revisions: _LATER_NAMED, **(wildcards or {})},
        ),
    ).function


def _hook(
    scope: Construct, function: lambda_.Function, *, stage: ecs.DeploymentLifecycleStage, timeout_minutes: int
) -> LifecycleHook:
    role = iam.Role(
        scope,
        "InvokeRole",
        assumed_by=iam.ServicePrincipal("ecs.amazonaws.com"),
        description=f"How ECS calls {function.node.path}",
    )
    # Not `grant_invoke`, which also allows every version of the function.
    role.add_to_policy(iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[function.function_arn]))
    return LifecycleHook(function=function, role=role, stage=stage, timeout_minutes=timeout_minutes, needed=scope)
