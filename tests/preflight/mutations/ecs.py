"""Faults in services. Those of traffic shifting are in `ecs_rollouts`, those of tasks in `ecs_tasks`."""

from __future__ import annotations

from typing import Any

from tests.preflight.prod import Prod, plants


def _service(prod: Prod, name: str = "Web") -> dict[str, Any]:
    return prod.resource("Service", "AWS::ECS::Service", path=f"/{name}/")


def _task(prod: Prod, name: str = "Web") -> dict[str, Any]:
    return prod.resource("Service", "AWS::ECS::TaskDefinition", path=f"/{name}Task/")


@plants("ECS-18", constraint=18)
def a_launch_type_beside_the_strategy(prod: Prod) -> str:
    service = _service(prod)
    service["Properties"]["LaunchType"] = "FARGATE"
    return prod.path(service)


@plants("ECS-18b", constraint=18)
def an_old_platform_for_arm(prod: Prod) -> str:
    service = _service(prod, "Worker")
    service["Properties"]["PlatformVersion"] = "1.3.0"
    return prod.path(service)


@plants("ECS-18c", constraint=18)
def two_bases(prod: Prod) -> str:
    service = _service(prod, "Worker")
    service["Properties"]["CapacityProviderStrategy"] = [
        {"CapacityProvider": "FARGATE", "Base": 1, "Weight": 1},
        {"CapacityProvider": "FARGATE_SPOT", "Base": 2, "Weight": 4},
    ]
    return prod.path(service)


@plants("ECS-18d", constraint=18)
def instances_beside_fargate(prod: Prod) -> str:
    service = _service(prod, "Worker")
    service["Properties"]["CapacityProviderStrategy"].append({"CapacityProvider": "instances", "Weight": 1})
    return prod.path(service)


@plants("ECS-18e", constraint=18)
def an_empty_strategy(prod: Prod) -> str:
    service = _service(prod, "Beat")
    service["Properties"]["CapacityProviderStrategy"] = []
    return prod.path(service)


@plants("ECS-19", constraint=19)
def a_service_that_does_not_wait_for_its_providers(prod: Prod) -> str:
    service = _service(prod)
    service["DependsOn"] = [name for name in service["DependsOn"] if "CapacityProviders" not in name]
    return prod.path(service)


@plants("ECS-19b", constraint=19)
def a_provider_that_the_cluster_lacks(prod: Prod) -> str:
    associations = prod.resource("Service", "AWS::ECS::ClusterCapacityProviderAssociations")
    associations["Properties"]["CapacityProviders"] = ["FARGATE_SPOT"]
    return prod.path(_service(prod))


@plants("ECS-19c", constraint=19)
def a_default_that_the_cluster_lacks(prod: Prod) -> str:
    associations = prod.resource("Service", "AWS::ECS::ClusterCapacityProviderAssociations")
    associations["Properties"]["CapacityProviders"] = ["FARGATE_SPOT"]
    return prod.path(associations)


@plants("ECS-20", constraint=20)
def a_named_service(prod: Prod) -> str:
    service = _service(prod)
    service["Properties"]["ServiceName"] = "spendsmart-web"
    return prod.path(service)


@plants("ECS-24", constraint=24)
def no_circuit_breaker(prod: Prod) -> str:
    service = _service(prod, "Worker")
    del service["Properties"]["DeploymentConfiguration"]["DeploymentCircuitBreaker"]
    return prod.path(service)


@plants("ECS-26", constraint=26)
def exec_into_read_only_containers(prod: Prod) -> str:
    service = _service(prod)
    service["Properties"]["EnableExecuteCommand"] = True
    return prod.path(service)


@plants("ECS-26b", constraint=26)
def exec_without_a_task_role(prod: Prod) -> str:
    service = _service(prod, "Beat")
    service["Properties"]["EnableExecuteCommand"] = True
    del _task(prod, "Beat")["Properties"]["TaskRoleArn"]
    return prod.path(service)


@plants("ECS-26c", constraint=26)
def exec_without_its_channels(prod: Prod) -> str:
    service = _service(prod, "Worker")
    service["Properties"]["EnableExecuteCommand"] = True
    return prod.path(service)


@plants("ECS-201")
def a_target_group_of_instances(prod: Prod) -> str:
    group = prod.resource("Ingress", "AWS::ElasticLoadBalancingV2::TargetGroup", path="/Blue")
    del group["Properties"]["TargetType"]
    return prod.path(group)


@plants("ECS-202")
def a_port_that_no_container_has(prod: Prod) -> str:
    service = _service(prod)
    service["Properties"]["LoadBalancers"][0]["ContainerPort"] = 8080
    return prod.path(service)


@plants("ECS-205")
def no_room_to_replace_a_task(prod: Prod) -> str:
    service = _service(prod, "Beat")
    service["Properties"]["DeploymentConfiguration"]["MinimumHealthyPercent"] = 100
    return prod.path(service)


@plants("ECS-205b")
def rebalancing_without_room(prod: Prod) -> str:
    service = _service(prod, "Beat")
    service["Properties"]["AvailabilityZoneRebalancing"] = "ENABLED"
    return prod.path(service)


@plants("ECS-206")
def a_daemon(prod: Prod) -> str:
    service = _service(prod, "Beat")
    service["Properties"]["SchedulingStrategy"] = "DAEMON"
    return prod.path(service)


@plants("ECS-210")
def storage_on_an_old_platform(prod: Prod) -> str:
    service = _service(prod, "Worker")
    service["Properties"]["PlatformVersion"] = "1.3.0"
    _task(prod, "Worker")["Properties"]["EphemeralStorage"] = {"SizeInGiB": 40}
    return prod.path(service)
