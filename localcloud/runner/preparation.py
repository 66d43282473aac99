"""What a task needs before its first container starts: images, secrets, ports, folders, the platform's variables."""

from __future__ import annotations

import secrets as random
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from localcloud import images, layout, tls
from localcloud.runner import secrets
from localcloud.runner.definitions import ContainerDefinition, TaskDefinition
from localcloud.runner.launch import Launch, Runtime
from localcloud.runner.roles import RoleSessions


class TaskFailedToStartError(Exception):
    """The task cannot run as its definition says; the message is its stopped reason."""


@dataclass(frozen=True, kw_only=True)
class TaskIdentity:
    """Where a task belongs: `group` names its service or its family, as in ECS."""

    arn: str
    cluster: str
    region: str
    group: str

    @property
    def id(self) -> str:
        return self.arn.rsplit("/", 1)[-1]


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What one task gets from its host. `token` opens the task's credentials to its own containers only."""

    identity: TaskIdentity
    definition: TaskDefinition
    roles: RoleSessions
    runtime: Runtime
    token: str = field(default_factory=lambda: random.token_urlsafe(32))

    @property
    def folder(self) -> Path:
        """The task's own folder; its volumes live and end with the task, as on Fargate."""
        return layout.folder("runner", "tasks", self.identity.id)

    def allocate_ports(self) -> dict[int, int]:
        """This machine's port for each container port."""
        ports = {port for container in self.definition.containers for port in container.ports}
        return {port: layout.allocate_port("task", f"{self.identity.id}:{port}") for port in sorted(ports)}

    def launches(self, ports: dict[int, int]) -> dict[str, Launch]:
        """Of every container, before the first one starts. Raises TaskFailedToStartError, in ECS's words."""
        mounts = {
            path: self.folder / "volumes" / name
            for container in self.definition.containers
            for path, name in container.mounts.items()
        }
        for path in mounts.values():
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return {
            container.name: Launch(
                task_id=self.identity.id,
                definition=container,
                folder=self.folder,
                ports=ports,
                mounts={path: mounts[path] for path in container.mounts},
                secrets=self._secrets(container),
                platform=self._platform(container),
            )
            for container in self.definition.containers
        }

    def _secrets(self, container: ContainerDefinition) -> dict[str, str]:
        try:
            self.runtime.check_image(container.image)
            return secrets.resolve(container, self.execution_client)
        except (images.ImageNotFoundError, secrets.SecretUnavailableError) as error:
            raise TaskFailedToStartError(str(error)) from error

    def execution_client(self, service: str) -> Any:
        """A client with the rights of the execution role: the agent's own, before the containers run."""
        role = self.definition.execution_role
        if not role:
            raise TaskFailedToStartError("ResourceInitializationError: the task definition has no execution role")
        try:
            return self.roles.client(service, role, name=f"ecs-{self.identity.id[:32]}", region=self.identity.region)
        except (ClientError, BotoCoreError) as error:
            raise TaskFailedToStartError(
                f"ResourceInitializationError: the execution role {role} cannot be assumed: {error}"
            ) from error

    def _platform(self, container: ContainerDefinition) -> dict[str, str]:
        """What Fargate itself adds to every container, and what leads the SDK to the emulator."""
        here = f"http://{layout.LOOPBACK}:{layout.ports().credentials}"
        added = {
            "AWS_REGION": self.identity.region,
            "AWS_DEFAULT_REGION": self.identity.region,
            "AWS_EXECUTION_ENV": "AWS_ECS_FARGATE",
            "ECS_CONTAINER_METADATA_URI_V4": f"{here}/v4/{self.identity.id}-{container.name}",
            "ECS_AGENT_URI": f"{here}/agent/{self.identity.id}",
            "AWS_ENDPOINT_URL": f"https://{layout.LOOPBACK}:{layout.ports().api}",
            "AWS_CA_BUNDLE": str(tls.material().bundle),
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        if any(secret.name == "OPENAI_API_KEY" for secret in container.secrets) and layout.openai_server().exists():
            added["OPENAI_BASE_URL"] = layout.openai_server().read_text()
        if self.definition.task_role:
            added["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = f"{here}/credentials/{self.identity.id}"
            added["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = self.token
        return added

    def clear(self, ports: dict[int, int]) -> None:
        """Give everything back."""
        for port in ports:
            layout.release_port("task", f"{self.identity.id}:{port}")
        shutil.rmtree(layout.home() / "runner" / "tasks" / self.identity.id, ignore_errors=True)
        self.roles.forget(name=f"ecs-{self.identity.id[:32]}")
        self.roles.forget(name=self.identity.id)
