"""An ECS service on Fargate that rolls to a new release, and back when the release does not start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from constructs import Construct

from infra.fargate_task import Task


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
class ServiceProps:
    """How many tasks run is not said here: autoscaling decides, and each deployment would set it back.

    `singleton` stops the old task before it starts the new one, so that two never run. `spot_beyond` is the number of
    tasks on On-Demand capacity beyond which Spot is used; None for no Spot.
    """

    cluster: FargateCluster
    task: Task
    security_group: ec2.ISecurityGroup
    subnets: Sequence[ec2.ISubnet]
    singleton: bool = False
    spot_beyond: int | None = None
    grace_seconds: int | None = None
    allow_exec: bool = False


class RollingService(Construct):
    """Rolling deployments with circuit breaker: a release whose tasks do not become healthy is taken back."""

    def __init__(self, scope: Construct, construct_id: str, *, props: ServiceProps) -> None:
        super().__init__(scope, construct_id)
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
            circuit_breaker=ecs.DeploymentCircuitBreaker(enable=True, rollback=True),
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
                self.service.node.find_child("Service").node.add_dependency(needed)

    def attach(self, target_group: elbv2.IApplicationTargetGroup) -> None:
        """Register the tasks in a target group of another stack; who may reach whom is up to the caller."""
        named = elbv2.ApplicationTargetGroup.from_target_group_attributes(
            self, "TargetGroup", target_group_arn=target_group.target_group_arn
        )
        cdk.Annotations.of(named).acknowledge_warning(
            "@aws-cdk/aws-elbv2:albTargetGroupCannotRegisterConnectable",
            "Rules between load balancer and tasks are in the service's stack; CDK's own would form a cycle.",
        )
        self.service.attach_to_application_target_group(named)


def _strategies(spot_beyond: int | None) -> list[ecs.CapacityProviderStrategy]:
    if spot_beyond is None:
        return [ecs.CapacityProviderStrategy(capacity_provider="FARGATE", weight=1)]
    return [
        ecs.CapacityProviderStrategy(capacity_provider="FARGATE", base=spot_beyond, weight=0),
        ecs.CapacityProviderStrategy(capacity_provider="FARGATE_SPOT", weight=1),
    ]
