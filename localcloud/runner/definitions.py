"""Task definitions and services as frozen dataclasses, read from what boto3 returns."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True, kw_only=True)
class HealthCheck:
    """A container's own check; times in seconds. Defaults: ECS API reference, HealthCheck."""

    command: tuple[str, ...]
    interval: float = 30
    timeout: float = 5
    retries: int = 3
    start_period: float = 0


@dataclass(frozen=True, kw_only=True)
class Secret:
    """A variable whose value is `value_from`: `secret ARN[:json key[:version stage[:version id]]]` or a parameter."""

    name: str
    value_from: str


@dataclass(frozen=True, kw_only=True)
class Dependency:
    container: str
    condition: str


@dataclass(frozen=True, kw_only=True)
class LogDestination:
    """The awslogs driver's options."""

    group: str
    region: str
    prefix: str


@dataclass(frozen=True, kw_only=True)
class ContainerDefinition:
    """One container; `stop_timeout` in seconds, `memory_mib` its hard limit if any, 1,024 `cpu_units` are a core."""

    name: str
    image: str
    entry_point: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None
    environment: dict[str, str] = field(default_factory=dict)
    secrets: tuple[Secret, ...] = ()
    ports: tuple[int, ...] = ()
    mounts: dict[str, str] = field(default_factory=dict)
    """Volume names by container path."""
    health_check: HealthCheck | None = None
    depends_on: tuple[Dependency, ...] = ()
    essential: bool = True
    stop_timeout: float = 30
    user: str = ""
    memory_mib: int | None = None
    cpu_units: int | None = None
    read_only: bool = False
    init: bool = False
    dropped: tuple[str, ...] = ()
    logs: LogDestination | None = None


@dataclass(frozen=True, kw_only=True)
class TaskDefinition:
    arn: str
    family: str
    containers: tuple[ContainerDefinition, ...]
    task_role: str | None
    execution_role: str | None
    memory_mib: int | None
    cpu_units: int | None = None

    def start_order(self) -> list[ContainerDefinition]:
        """Containers so that each comes after those it depends on. Raises ValueError for a circle or a stranger."""
        known = {container.name: container for container in self.containers}
        ordered: list[ContainerDefinition] = []
        visiting: set[str] = set()

        def visit(name: str) -> None:
            if name not in known:
                raise ValueError(f"a container depends on {name}, which the task definition does not have")
            if known[name] in ordered:
                return
            if name in visiting:
                raise ValueError(f"containers depend on each other in a circle through {name}")
            visiting.add(name)
            for dependency in known[name].depends_on:
                visit(dependency.container)
            ordered.append(known[name])

        for name in known:
            visit(name)
        return ordered

    def stop_order(self) -> list[list[ContainerDefinition]]:
        """Groups that may end together, each after those that depend on its members; one group where that fails."""
        left = list(self.containers)
        groups = []
        while left:
            needed = {dependency.container for container in left for dependency in container.depends_on}
            free = [container for container in left if container.name not in needed] or left
            groups.append(free)
            left = [container for container in left if container not in free]
        return groups


def task_definition(described: dict[str, Any]) -> TaskDefinition:
    """From describe_task_definition's `taskDefinition`."""
    memory = described.get("memory")
    return TaskDefinition(
        arn=described["taskDefinitionArn"],
        family=described["family"],
        containers=tuple(_container(c) for c in described["containerDefinitions"]),
        task_role=described.get("taskRoleArn") or None,
        execution_role=described.get("executionRoleArn") or None,
        memory_mib=int(memory) if memory else None,
        cpu_units=int(described["cpu"]) if described.get("cpu") else None,
    )


def _container(described: dict[str, Any]) -> ContainerDefinition:
    check = described.get("healthCheck")
    logs = described.get("logConfiguration") or {}
    linux = described.get("linuxParameters") or {}
    options = logs.get("options", {}) if logs.get("logDriver") == "awslogs" else {}
    return ContainerDefinition(
        name=described["name"],
        image=described["image"],
        entry_point=tuple(described["entryPoint"]) if described.get("entryPoint") else None,
        command=tuple(described["command"]) if described.get("command") else None,
        environment={pair["name"]: pair["value"] for pair in described.get("environment", [])},
        secrets=tuple(Secret(name=s["name"], value_from=s["valueFrom"]) for s in described.get("secrets", [])),
        ports=tuple(int(mapping["containerPort"]) for mapping in described.get("portMappings", [])),
        mounts={mount["containerPath"]: mount["sourceVolume"] for mount in described.get("mountPoints", [])},
        health_check=_health_check(check) if check else None,
        depends_on=tuple(
            Dependency(container=d["containerName"], condition=d["condition"]) for d in described.get("dependsOn", [])
        ),
        essential=described.get("essential", True),
        stop_timeout=float(described.get("stopTimeout", 30)),
        user=described.get("user", ""),
        memory_mib=described.get("memory"),
        cpu_units=described.get("cpu") or None,
        read_only=described.get("readonlyRootFilesystem", False),
        init=linux.get("initProcessEnabled", False),
        dropped=tuple(linux.get("capabilities", {}).get("drop", ())),
        logs=LogDestination(
            group=options["awslogs-group"],
            region=options["awslogs-region"],
            prefix=options.get("awslogs-stream-prefix", ""),
        )
        if options
        else None,
    )


def _health_check(described: dict[str, Any]) -> HealthCheck:
    return HealthCheck(
        command=tuple(described["command"]),
        interval=described.get("interval", 30),
        timeout=described.get("timeout", 5),
        retries=described.get("retries", 3),
        start_period=described.get("startPeriod", 0),
    )


def with_overrides(definition: TaskDefinition, overrides: dict[str, Any]) -> TaskDefinition:
    """RunTask's `overrides`: commands and variables of single containers."""
    changed = {o["name"]: o for o in overrides.get("containerOverrides", [])}
    containers = []
    for container in definition.containers:
        override = changed.get(container.name, {})
        added = {pair["name"]: pair["value"] for pair in override.get("environment", [])}
        containers.append(
            replace(
                container,
                command=tuple(override["command"]) if override.get("command") else container.command,
                environment=container.environment | added,
            )
        )
    return replace(definition, containers=tuple(containers))
