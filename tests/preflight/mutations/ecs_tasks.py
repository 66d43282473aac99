"""Faults in task definitions and their containers."""

from __future__ import annotations

from typing import Any

from tests.preflight.prod import Prod, plants


def _task(prod: Prod) -> dict[str, Any]:
    return prod.resource("Service", "AWS::ECS::TaskDefinition", path="/WebTask/")


def _container(prod: Prod, index: int = -1) -> dict[str, Any]:
    """The web task's own container comes last, after the connection pool's."""
    return _task(prod)["Properties"]["ContainerDefinitions"][index]  # type: ignore[no-any-return]


@plants("ECS-27", constraint=27)
def health_of_a_container_without_a_check(prod: Prod) -> str:
    del _container(prod, 0)["HealthCheck"]
    return prod.path(_task(prod))


@plants("ECS-27b", constraint=27)
def waiting_for_an_essential_container_to_end(prod: Prod) -> str:
    _container(prod)["DependsOn"][0]["Condition"] = "SUCCESS"
    return prod.path(_task(prod))


@plants("ECS-27c", constraint=27)
def waiting_for_nobody(prod: Prod) -> str:
    _container(prod)["DependsOn"][0]["ContainerName"] = "pgpool"
    return prod.path(_task(prod))


@plants("ECS-27d", constraint=27)
def a_mount_without_a_volume(prod: Prod) -> str:
    del _task(prod)["Properties"]["Volumes"]
    return prod.path(_task(prod))


@plants("ECS-27e", constraint=27)
def waiting_in_a_circle(prod: Prod) -> str:
    name = _container(prod)["Name"]
    _container(prod, 0)["DependsOn"] = [{"Condition": "START", "ContainerName": name}]
    return prod.path(_task(prod))


@plants("ECS-28", constraint=28)
def a_long_stop_timeout(prod: Prod) -> str:
    _container(prod)["StopTimeout"] = 121
    return prod.path(_task(prod))


@plants("ECS-29", constraint=29)
def a_slow_health_check(prod: Prod) -> str:
    _container(prod)["HealthCheck"].update({"Timeout": 61, "Interval": 90})
    return prod.path(_task(prod))


@plants("ECS-29b", constraint=29)
def a_health_check_without_its_first_word(prod: Prod) -> str:
    _container(prod)["HealthCheck"]["Command"].pop(0)
    return prod.path(_task(prod))


@plants("ECS-30", constraint=30)
def little_ephemeral_storage(prod: Prod) -> str:
    _task(prod)["Properties"]["EphemeralStorage"] = {"SizeInGiB": 20}
    return prod.path(_task(prod))


@plants("ECS-31", constraint=31)
def swap_on_fargate(prod: Prod) -> str:
    _container(prod)["LinuxParameters"]["MaxSwap"] = 0
    return prod.path(_task(prod))


@plants("ECS-33", constraint=33)
def nobody_hears_of_the_rotation(prod: Prod) -> str:
    rotated = prod.resource("Service", "AWS::Events::Rule")
    rotated["Properties"]["EventPattern"]["source"] = ["aws.health"]
    return prod.path(_task(prod))


@plants("ECS-211")
def a_privileged_container(prod: Prod) -> str:
    _container(prod)["Privileged"] = True
    return prod.path(_task(prod))


@plants("ECS-212")
def a_capability_too_many(prod: Prod) -> str:
    _container(prod)["LinuxParameters"]["Capabilities"]["Add"] = ["NET_BIND_SERVICE"]
    return prod.path(_task(prod))


@plants("ECS-213")
def a_folder_of_the_host(prod: Prod) -> str:
    _task(prod)["Properties"]["Volumes"][0]["Host"] = {"SourcePath": "/var/data"}
    return prod.path(_task(prod))


@plants("ECS-215")
def containers_larger_than_their_task(prod: Prod) -> str:
    for container in _task(prod)["Properties"]["ContainerDefinitions"]:
        container["MemoryReservation"] = 1025
    return prod.path(_task(prod))


@plants("ECS-216")
def secrets_without_an_execution_role(prod: Prod) -> str:
    del _task(prod)["Properties"]["ExecutionRoleArn"]
    return prod.path(_task(prod))


@plants("ECS-217")
def files_in_the_clear(prod: Prod) -> str:
    _task(prod)["Properties"]["Volumes"].append(
        {
            "Name": "shared",
            "EFSVolumeConfiguration": {"FilesystemId": "fs-12345678", "AuthorizationConfig": {"IAM": "ENABLED"}},
        }
    )
    return prod.path(_task(prod))


@plants("ECS-221")
def logs_without_a_prefix(prod: Prod) -> str:
    del _container(prod)["LogConfiguration"]["Options"]["awslogs-stream-prefix"]
    return prod.path(_task(prod))


@plants("ECS-222")
def logs_to_the_journal(prod: Prod) -> str:
    _container(prod)["LogConfiguration"] = {"LogDriver": "journald"}
    return prod.path(_task(prod))


@plants("ECS-223")
def a_variable_that_is_also_a_secret(prod: Prod) -> str:
    _container(prod)["Environment"].append({"Name": "DATABASE_PASSWORD", "Value": "changeme"})
    return prod.path(_task(prod))
