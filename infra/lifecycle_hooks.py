"""Functions that ECS calls at stages of a rollout, and that can stop it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct, IDependable

from infra.fargate_task import Task

_FUNCTIONS = Path(__file__).parent / "functions"


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
        function = _function(
            self,
            props,
            code="run_migration.py",
            description="Runs the migration task of a new release once",
            # A call looks at the task and ends; ECS calls again until the task has ended.
            timeout=cdk.Duration.minutes(1),
            environment={
                "MIGRATION_LABEL": props.label,
                "SUBNETS": ",".join(subnet.subnet_id for subnet in props.subnets),
                "SECURITY_GROUP": props.security_group.security_group_id,
                "LOG_GROUP": props.task.log_group.log_group_name,
                "DEADLINE_SECONDS": str(props.timeout_minutes * 60),
            },
        )
        self._allow(function, props)
        # ECS's own limit comes after the function's, which also stops the task.
        self.hook = _hook(
            self, function, stage=ecs.DeploymentLifecycleStage.PRE_SCALE_UP, timeout_minutes=props.timeout_minutes + 2
        )

    def _allow(self, function: lambda_.Function, props: MigrationHookProps) -> None:
        stack, cluster = cdk.Stack.of(self), props.cluster
        in_cluster = {"ArnEquals": {"ecs:cluster": cluster.cluster_arn}}
        tasks = stack.format_arn(service="ecs", resource="task", resource_name=f"{cluster.cluster_name}/*")
        revisions = stack.format_arn(
            service="ecs", resource="task-definition", resource_name=f"{props.task.definition.family}:*"
        )
        roles = [role.role_arn for role in (props.task.role, props.task.definition.obtain_execution_role())]
        for statement in (
            iam.PolicyStatement(actions=["ecs:RunTask"], resources=[revisions], conditions=in_cluster),
            iam.PolicyStatement(
                actions=["ecs:DescribeTasks", "ecs:StopTask"], resources=[tasks], conditions=in_cluster
            ),
            iam.PolicyStatement(
                actions=["iam:PassRole"],
                resources=roles,
                conditions={"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
            ),
        ):
            function.add_to_role_policy(statement)


class SmokeTestHook(Construct):
    """POST_TEST_TRAFFIC_SHIFT: asks the new release a few things through the test listener."""

    def __init__(self, scope: Construct, construct_id: str, *, props: SmokeTestHookProps) -> None:
        super().__init__(scope, construct_id)
        function = _function(
            self,
            props,
            code="run_smoke_test.py",
            description="Tries a new release through the test listener",
            timeout=cdk.Duration.minutes(props.timeout_minutes),
            environment={
                "TEST_URL": props.test_url,
                "HOST": props.host,
                "RELEASE_VARIABLE": props.release_variable,
                # Time to say what is wrong before Lambda ends the call.
                "PATIENCE_SECONDS": str(props.timeout_minutes * 60 - 20),
            },
            network=props,
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
    code: str,
    description: str,
    timeout: cdk.Duration,
    environment: Mapping[str, str],
    network: SmokeTestHookProps | None = None,
) -> lambda_.Function:
    function = lambda_.Function(
        scope,
        "Function",
        description=description,
        runtime=lambda_.Runtime.PYTHON_3_13,
        architecture=lambda_.Architecture.ARM_64,
        handler="index.handler",
        code=lambda_.Code.from_inline((_FUNCTIONS / code).read_text()),
        memory_size=256,
        timeout=timeout,
        environment=dict(environment),
        log_group=props.log_group,
        vpc=network.vpc if network else None,
        vpc_subnets=ec2.SubnetSelection(subnets=network.vpc.private_subnets) if network else None,
        security_groups=[network.security_group] if network else None,
    )
    revisions = cdk.Stack.of(scope).format_arn(
        service="ecs", resource="service-revision", resource_name=f"{props.cluster.cluster_name}/*"
    )
    function.add_to_role_policy(iam.PolicyStatement(actions=["ecs:DescribeServiceRevisions"], resources=[revisions]))
    # This action knows no resources (Service Authorization Reference, "Amazon Elastic Container Service").
    function.add_to_role_policy(iam.PolicyStatement(actions=["ecs:DescribeTaskDefinition"], resources=["*"]))
    return function


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
