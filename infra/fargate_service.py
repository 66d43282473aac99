"""An ECS service on Fargate that goes over to a new release, and back when that is no good."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_iam as iam
from constructs import Construct, IDependable

from infra.acknowledgement import Decision, Pack, acknowledge
from infra.config import models
from infra.fargate_task import Task
from infra.lifecycle_hooks import LifecycleHook

_NO_INSIGHTS = Decision(
    reason="Container Insights bills each task's metrics, a few dollars a month for each; here nobody looks at "
    "single tasks. CPU and memory of each service are measured without it, and alarms look at them",
    owner="platform",
    reference="docs/adr/0056-acknowledged-findings.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)
_ECS_KNOWS = Decision(
    reason="ECS alone assumes this role, to register targets and shift weights in a rollout, and AWS changes what "
    "that takes with the feature. A policy of ours that lags behind would stop a release in the middle (ECS "
    "Developer Guide, infrastructure role for load balancers)",
    owner="platform",
    reference="docs/adr/0030-rollouts-by-ecs.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)


class FargateCluster(Construct):
    """A cluster that offers Fargate and Fargate Spot; `insights` adds per-task metrics, which cost by the task."""

    def __init__(self, scope: Construct, construct_id: str, *, vpc: ec2.IVpc, insights: bool) -> None:
        super().__init__(scope, construct_id)
        self.cluster = ecs.Cluster(
            self,
            "Cluster",
            vpc=vpc,
            container_insights_v2=ecs.ContainerInsights.ENHANCED if insights else ecs.ContainerInsights.DISABLED,
        )
        if not insights:
            acknowledge(self.cluster, "ECS4", packs=[Pack.AWS_SOLUTIONS], decision=_NO_INSIGHTS)
        self.capacity_providers = ecs.CfnClusterCapacityProviderAssociations(
            self,
            "CapacityProviders",
            cluster=self.cluster.cluster_name,
            capacity_providers=["FARGATE", "FARGATE_SPOT"],
            default_capacity_provider_strategy=[
                ecs.CfnClusterCapacityProviderAssociations.CapacityProviderStrategyProperty(
                    capacity_provider="FARGATE", weight=1
                )
            ],
        )


@dataclass(frozen=True, kw_only=True)
class SharedCluster:
    """A cluster of another stack, which has its capacity providers already."""

    cluster: ecs.ICluster
    capacity_providers: None = None


@dataclass(frozen=True, kw_only=True)
class Rolling:
    """Task by task, with the circuit breaker. `alarm_names` send the release back, too."""

    alarm_names: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class TrafficShift:
    """All new tasks beside the old ones, then traffic from one target group to the other as `config` says.

    The circuit breaker does nothing here: only `alarm_names` and `hooks` send the release back.
    """

    config: models.Rollout
    alarm_names: Sequence[str]
    hooks: Sequence[LifecycleHook]
    alternate: elbv2.IApplicationTargetGroup
    production_rule: elbv2.ApplicationListenerRule
    test_rule: elbv2.ApplicationListenerRule


@dataclass(frozen=True, kw_only=True)
class ServiceProps:
    """How many tasks run is not said here: autoscaling decides, and each deployment would set it back.

    `singleton` stops the old task before it starts the new one, so that two never run. `spot_beyond` is the number of
    tasks on On-Demand capacity beyond which Spot is used; None for no Spot. `target_group` gets the tasks of the
    default container; it may be another stack's, and who may reach whom is up to the caller.
    """

    cluster: FargateCluster | SharedCluster
    task: Task
    security_group: ec2.ISecurityGroup
    subnets: Sequence[ec2.ISubnet]
    rollout: Rolling | TrafficShift = Rolling()
    target_group: elbv2.IApplicationTargetGroup | None = None
    singleton: bool = False
    spot_beyond: int | None = None
    grace_seconds: int | None = None
    allow_exec: bool = False


class FargateService(Construct):
    """The same service whatever its rollout: another strategy is an update of it, not a replacement."""

    def __init__(self, scope: Construct, construct_id: str, *, props: ServiceProps) -> None:
        super().__init__(scope, construct_id)
        self._props = props
        shift = props.rollout if isinstance(props.rollout, TrafficShift) else None
        self.service = ecs.FargateService(
            self,
            "Service",
            cluster=props.cluster.cluster,
            task_definition=props.task.definition,
            platform_version=ecs.FargatePlatformVersion.VERSION1_4,
            capacity_provider_strategies=_strategies(props.spot_beyond),
            security_groups=[props.security_group],
            vpc_subnets=ec2.SubnetSelection(subnets=list(props.subnets)),
            assign_public_ip=False,
            min_healthy_percent=0 if props.singleton else 100,
            max_healthy_percent=100 if props.singleton else 200,
            circuit_breaker=None if shift else ecs.DeploymentCircuitBreaker(enable=True, rollback=True),
            deployment_strategy=_STRATEGIES[shift.config.strategy] if shift else None,
            bake_time=cdk.Duration.minutes(shift.config.bake_minutes) if shift else None,
            canary_configuration=_canary(shift.config) if shift else None,
            deployment_alarms=ecs.DeploymentAlarmConfig(
                alarm_names=list(props.rollout.alarm_names), behavior=ecs.AlarmBehavior.ROLLBACK_ON_ALARM
            )
            if props.rollout.alarm_names
            else None,
            # Rebalancing starts a task in the emptier zone before it stops one: a singleton has no room for that.
            availability_zone_rebalancing=ecs.AvailabilityZoneRebalancing.DISABLED
            if props.singleton
            else ecs.AvailabilityZoneRebalancing.ENABLED,
            health_check_grace_period=cdk.Duration.seconds(props.grace_seconds) if props.grace_seconds else None,
            propagate_tags=ecs.PropagatedTagSource.SERVICE,
            enable_ecs_managed_tags=True,
            enable_execute_command=props.allow_exec,
        )
        # Else the service may be made before its capacity provider is there, or that be deleted while it is in use;
        # and tasks may start before their roles are allowed anything.
        for needed in (props.cluster.capacity_providers, props.task.definition.execution_role):
            if needed:
                self.wait_for(needed)
        target_group = self._named(props.target_group) if props.target_group else None
        if target_group and shift:
            self._shift(target_group, shift)
        elif target_group:
            self.service.attach_to_application_target_group(target_group)

    def wait_for(self, *needed: IDependable) -> None:
        """Make the service, and update it, only after `needed`."""
        self.resource.node.add_dependency(*needed)

    @property
    def resource(self) -> ecs.CfnService:
        """The service itself, without what scales it."""
        resource = self.service.node.find_child("Service")
        if not isinstance(resource, ecs.CfnService):
            raise TypeError(f"{resource.node.path} is no AWS::ECS::Service")
        return resource

    def _named(self, target_group: elbv2.IApplicationTargetGroup) -> elbv2.IApplicationTargetGroup:
        named = elbv2.ApplicationTargetGroup.from_target_group_attributes(
            self, "TargetGroup", target_group_arn=target_group.target_group_arn
        )
        cdk.Annotations.of(named).acknowledge_warning(
            "@aws-cdk/aws-elbv2:albTargetGroupCannotRegisterConnectable",
            "Rules between load balancer and tasks are in the service's stack; CDK's own would form a cycle.",
        )
        return named

    def _shift(self, target_group: elbv2.IApplicationTargetGroup, shift: TrafficShift) -> None:
        container = self._props.task.definition.default_container
        if container is None:
            raise ValueError(f"{self.node.path}: the task has no default container to send requests to")
        # AWS's own policy: what ECS does to a load balancer while it shifts traffic is ECS's to know.
        role = iam.Role(
            self,
            "InfrastructureRole",
            assumed_by=iam.ServicePrincipal("ecs.amazonaws.com"),
            description="How ECS registers tasks and shifts traffic",
            managed_policies=[
                iam.ManagedPolicy.from_aws_managed_policy_name("AmazonECSInfrastructureRolePolicyForLoadBalancers")
            ],
        )
        managed = "IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/AmazonECSInfrastructureRolePolicyForLoadBalancers]"
        acknowledge(role, managed, packs=[Pack.AWS_SOLUTIONS], decision=_ECS_KNOWS)
        listener = ecs.ListenerRuleConfiguration.application_listener_rule
        self.service.load_balancer_target(
            container_name=container.container_name,
            container_port=container.container_port,
            alternate_target=ecs.AlternateTarget(
                "Alternate",
                alternate_target_group=shift.alternate,
                production_listener=listener(shift.production_rule),
                test_listener=listener(shift.test_rule),
                role=role,
            ),
        ).attach_to_application_target_group(target_group)
        self.resource.add_property_override(
            "DeploymentConfiguration.LifecycleHooks", [hook.as_property() for hook in shift.hooks]
        )
        cdk.Annotations.of(self.service).acknowledge_warning(
            "@aws-cdk/aws-ecs:shouldUseCircuitBreaker", "It is for rolling updates; alarms and hooks do the work."
        )
        self.wait_for(role, *(hook.needed for hook in shift.hooks))


_STRATEGIES = {"blue_green": ecs.DeploymentStrategy.BLUE_GREEN, "canary": ecs.DeploymentStrategy.CANARY}


def _canary(config: models.Rollout) -> ecs.TrafficShiftConfig | None:
    if config.strategy != "canary":
        return None
    return ecs.TrafficShiftConfig(
        step_percent=config.canary_percent, step_bake_time=cdk.Duration.minutes(config.canary_minutes)
    )


def _strategies(spot_beyond: int | None) -> list[ecs.CapacityProviderStrategy]:
    if spot_beyond is None:
        return [ecs.CapacityProviderStrategy(capacity_provider="FARGATE", weight=1)]
    return [
        ecs.CapacityProviderStrategy(capacity_provider="FARGATE", base=spot_beyond, weight=0),
        ecs.CapacityProviderStrategy(capacity_provider="FARGATE_SPOT", weight=1),
    ]
