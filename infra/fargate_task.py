"""A Fargate task definition whose containers are locked down, watched and logged alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

import aws_cdk as cdk
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.acknowledgement import Decision, Pack, acknowledge, acknowledge_wildcard

_NO_SECRETS = Decision(
    reason="The variables are hosts, names and limits, which the template shows anyway; every password and key comes"
    " from Secrets Manager by the task's secrets. The rule SpendSmart-NoSecretInEnvironment looks at each "
    "variable",
    owner="platform",
    reference="docs/adr/0056-acknowledged-findings.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)
_LOGIN = Decision(
    reason="ecr:GetAuthorizationToken knows no resources (Service Authorization Reference): the token opens only "
    "what the other statements name, which is the one repository of the image",
    owner="platform",
    reference="docs/adr/0056-acknowledged-findings.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)

USER = "10001"
"""The image's user; no container runs as root."""

SCRATCH = "/scratch"
"""The one folder that a container can write to; a task's containers share it."""

_EXEC_FOLDERS = {
    "exec-agent": "/managed-agents",
    "exec-state": "/var/lib/amazon/ssm",
    "exec-log": "/var/log/amazon/ssm",
}
"""Where the agent of ECS Exec writes: on a read-only root it needs volumes (aws/containers-roadmap#1359)."""

_LOG_BUFFER = cdk.Size.mebibytes(4)


@dataclass(frozen=True, kw_only=True)
class TaskProps:
    """`cpu` in units (1024 to a vCPU), `memory_mib` for all containers together; `family` names the revisions."""

    family: str
    cpu: int
    memory_mib: int
    architecture: Literal["arm64", "x86_64"]
    image: ecs.ContainerImage
    log_group: logs.ILogGroup
    allow_exec: bool = False


@dataclass(frozen=True, kw_only=True)
class HealthCheck:
    """`command` runs in the container every `interval_seconds`; failures in the first `start_seconds` do not count."""

    command: Sequence[str]
    start_seconds: int
    interval_seconds: int = 10


@dataclass(frozen=True, kw_only=True)
class ContainerProps:
    """`stop_seconds` is the time between SIGTERM and SIGKILL; Fargate's limit is 120."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    secrets: Mapping[str, ecs.Secret]
    stop_seconds: int
    health_check: HealthCheck | None = None
    ports: Sequence[int] = field(default_factory=tuple)
    labels: Mapping[str, str] = field(default_factory=dict)


class Task(Construct):
    """One image, any number of containers: not root, read-only root filesystem, no capabilities, an init process.

    `role` is what the application may do; the execution role (what ECS may do to start it) gets exactly the secrets
    that the containers name, the image, and the log group.
    """

    def __init__(self, scope: Construct, construct_id: str, *, props: TaskProps) -> None:
        super().__init__(scope, construct_id)
        self._props = props
        self.log_group = props.log_group
        self.role = iam.Role(self, "Role", assumed_by=_ecs_tasks(self), description=f"What {props.family} may do")
        self.definition = ecs.FargateTaskDefinition(
            self,
            "Definition",
            family=props.family,
            cpu=props.cpu,
            memory_limit_mib=props.memory_mib,
            runtime_platform=ecs.RuntimePlatform(
                cpu_architecture=ecs.CpuArchitecture.ARM64
                if props.architecture == "arm64"
                else ecs.CpuArchitecture.X86_64,
                operating_system_family=ecs.OperatingSystemFamily.LINUX,
            ),
            task_role=self.role,
            execution_role=iam.Role(
                self,
                "ExecutionRole",
                assumed_by=_ecs_tasks(self),
                description=f"What ECS may do to start {props.family}",
            ),
            volumes=[ecs.Volume(name=name) for name in self._folders()],
        )
        acknowledge(self.definition, "ECS2", packs=[Pack.AWS_SOLUTIONS], decision=_NO_SECRETS)

    def add_container(
        self, props: ContainerProps, *, after: ecs.ContainerDefinition | None = None
    ) -> ecs.ContainerDefinition:
        """Add a container; it starts once `after` is healthy and, ECS stopping in reverse, ends before it."""
        linux = ecs.LinuxParameters(self, f"{props.name.capitalize()}Linux", init_process_enabled=True)
        linux.drop_capabilities(ecs.Capability.ALL)
        container = self.definition.add_container(
            props.name,
            container_name=props.name,
            image=self._props.image,
            command=list(props.command),
            environment=dict(props.environment),
            secrets=dict(props.secrets),
            docker_labels=dict(props.labels),
            user=USER,
            readonly_root_filesystem=True,
            linux_parameters=linux,
            essential=True,
            stop_timeout=cdk.Duration.seconds(props.stop_seconds),
            health_check=_health_check(props.health_check) if props.health_check else None,
            # The container does not wait for CloudWatch: in an outage of it, log lines are lost and requests are not.
            logging=ecs.LogDriver.aws_logs(
                log_group=self._props.log_group,
                stream_prefix=props.name,
                mode=ecs.AwsLogDriverMode.NON_BLOCKING,
                max_buffer_size=_LOG_BUFFER,
            ),
            port_mappings=[ecs.PortMapping(container_port=port, protocol=ecs.Protocol.TCP) for port in props.ports],
        )
        container.add_mount_points(
            *(
                ecs.MountPoint(source_volume=name, container_path=path, read_only=False)
                for name, path in self._folders().items()
            )
        )
        if after:
            container.add_container_dependencies(
                ecs.ContainerDependency(container=after, condition=ecs.ContainerDependencyCondition.HEALTHY)
            )
        return container

    def acknowledge_login(self) -> None:
        """When a container is there: its image is what makes CDK grant the login to ECR."""
        acknowledge_wildcard(self.definition.obtain_execution_role(), "*", decision=_LOGIN)

    def _folders(self) -> dict[str, str]:
        return {"scratch": SCRATCH, **(_EXEC_FOLDERS if self._props.allow_exec else {})}


def _health_check(check: HealthCheck) -> ecs.HealthCheck:
    return ecs.HealthCheck(
        command=["CMD", *check.command],
        interval=cdk.Duration.seconds(check.interval_seconds),
        timeout=cdk.Duration.seconds(5),
        retries=3,
        start_period=cdk.Duration.seconds(check.start_seconds),
    )


def _ecs_tasks(scope: Construct) -> iam.IPrincipal:
    """ECS tasks of this account only, so that no other account's service can be tricked into using the role."""
    stack = cdk.Stack.of(scope)
    return iam.ServicePrincipal(
        "ecs-tasks.amazonaws.com",
        conditions={
            "StringEquals": {"aws:SourceAccount": stack.account},
            "ArnLike": {"aws:SourceArn": stack.format_arn(service="ecs", resource="*")},
        },
    )
