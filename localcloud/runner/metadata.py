"""What a task is told about itself and its containers.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4-fargate-response.html
"""

from __future__ import annotations

from typing import Any

from localcloud import layout
from localcloud.runner.definitions import ContainerDefinition
from localcloud.runner.task import Task


def task(of: Task) -> dict[str, Any]:
    """The body of .../task."""
    definition = of.definition
    limits = {"CPU": (definition.cpu_units or 0) / 1024, "Memory": definition.memory_mib or 0}
    return {
        "Cluster": of.identity.cluster,
        "TaskARN": of.identity.arn,
        "Family": definition.family,
        "Revision": definition.arn.rsplit(":", 1)[-1],
        "DesiredStatus": "STOPPED" if of.leaving else "RUNNING",
        "KnownStatus": of.status,
        "Limits": limits,
        "AvailabilityZone": f"{of.identity.region}a",
        "LaunchType": "FARGATE",
        **({"ServiceName": of.identity.group.partition(":")[2]} if of.identity.group.startswith("service:") else {}),
        "Containers": [container(of, each) for each in definition.containers],
    }


def container(of: Task, definition: ContainerDefinition) -> dict[str, Any]:
    """The body of a container's own address."""
    found = of.containers.get(definition.name)
    known = "PENDING" if found is None else "RUNNING" if found.exit_code is None else "STOPPED"
    shown: dict[str, Any] = {
        "DockerId": f"{of.identity.id}-{definition.name}",
        "Name": definition.name,
        "DockerName": definition.name,
        "Image": definition.image,
        "Labels": {
            "com.amazonaws.ecs.cluster": of.identity.cluster,
            "com.amazonaws.ecs.container-name": definition.name,
            "com.amazonaws.ecs.task-arn": of.identity.arn,
            "com.amazonaws.ecs.task-definition-family": of.definition.family,
            "com.amazonaws.ecs.task-definition-version": of.definition.arn.rsplit(":", 1)[-1],
        },
        "DesiredStatus": "STOPPED" if of.leaving else "RUNNING",
        "KnownStatus": known,
        "CreatedAt": of.created_at.isoformat(),
        "Type": "NORMAL",
        "Networks": [{"NetworkMode": "awsvpc", "IPv4Addresses": [layout.LOOPBACK]}],
        "Ports": [
            {"ContainerPort": port, "HostPort": of.host_ports[port], "Protocol": "tcp"}
            for port in definition.ports
            if port in of.host_ports
        ],
    }
    if found is not None and definition.health_check:
        shown["Health"] = {"status": found.health}
    if found is not None and found.exit_code is not None:
        shown["ExitCode"] = found.exit_code
    return shown
