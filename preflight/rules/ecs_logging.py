"""Where a task's containers log to."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.assembly import Resource
from preflight.rule import Confidence, Fault, Severity, rule
from preflight.rules.ecs_containers import containers, for_fargate
from preflight.rules.ecs_services import API, REGISTER, TASK_DEFINITION
from preflight.values import is_unknown, text


@rule(
    "ECS-221",
    severity=Severity.REFUSED,
    confidence=Confidence.BELIEVED,
    title="On Fargate awslogs has a stream prefix",
    otherwise="The option is required on Fargate.",
    remedy="Set the option awslogs-stream-prefix.",
    source=f"{API}/API_LogConfiguration.html",
    types=(TASK_DEFINITION,),
)
def stream_prefix(task: Resource) -> Iterator[Fault]:
    for container in containers(task) if for_fargate(task) else []:
        log = container.get("LogConfiguration")
        if text(log.get("LogDriver")) == "awslogs" and log.get("Options", "awslogs-stream-prefix").absent:
            yield Fault(at=log.path("Options"), message="no awslogs-stream-prefix")


@rule(
    "ECS-222",
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Fargate logs by awslogs, splunk or awsfirelens, and FireLens has its router and its file",
    otherwise=REGISTER,
    remedy="Use one of the three; for awsfirelens add a container with FirelensConfiguration, its settings in a file.",
    source=f"{API}/API_LogConfiguration.html",
    types=(TASK_DEFINITION,),
)
def log_drivers(task: Resource) -> Iterator[Fault]:
    found = containers(task)
    router = is_unknown(task.get("ContainerDefinitions")) or any(
        not one.get("FirelensConfiguration").absent for one in found
    )
    fargate = for_fargate(task)
    for container in found:
        node = container.get("LogConfiguration", "LogDriver")
        driver = text(node)
        if fargate and driver not in (None, "awslogs", "splunk", "awsfirelens"):
            yield Fault(at=str(node), message=f"{driver} on Fargate")
        if driver == "awsfirelens" and not router:
            yield Fault(at=str(node), message="no container has a FirelensConfiguration")
        kind = container.get("FirelensConfiguration", "Options", "config-file-type")
        if fargate and text(kind) == "s3":
            yield Fault(at=str(kind), message="FireLens settings from S3 on Fargate")
