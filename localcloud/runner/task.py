"""One task: its containers from the first secret to the last log line, in a thread of its own."""

from __future__ import annotations

import secrets as random
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from botocore.exceptions import BotoCoreError, ClientError

from localcloud import images, layout, tls
from localcloud.emulator.ecs_reports import (
    ContainerReport,
    ContainerStatus,
    HealthStatus,
    StopCode,
    TaskReport,
    TaskStatus,
)
from localcloud.runner import secrets
from localcloud.runner.container import Container, Launch, base_environment
from localcloud.runner.definitions import ContainerDefinition, TaskDefinition
from localcloud.runner.environment import translated
from localcloud.runner.logs import LogStream
from localcloud.runner.roles import RoleSessions

TURN = 0.2
"""Seconds between two looks at the containers."""

MEMORY_EVERY = 2.0
"""Seconds between two looks at their memory."""

START_PATIENCE = 180.0
"""Seconds a container may wait for those it depends on; ECS's default startTimeout on Fargate is three minutes."""


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


@dataclass
class Task:
    """A running task. `report` is called at each change with what ECS should know."""

    identity: TaskIdentity
    definition: TaskDefinition
    roles: RoleSessions
    report: Callable[[TaskReport], None]
    deployment_id: str = ""
    status: TaskStatus = "PROVISIONING"
    health: HealthStatus = "UNKNOWN"
    stopped_reason: str = ""
    stop_code: StopCode | None = None
    failed: bool = False
    running_since: float | None = None
    protected_until: float = 0.0
    token: str = field(default_factory=lambda: random.token_urlsafe(32))
    host_ports: dict[int, int] = field(default_factory=dict)
    _containers: dict[str, Container] = field(default_factory=dict)
    _logs: dict[str, LogStream] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _last_report: TaskReport | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name=f"task-{self.identity.id[:8]}", daemon=True)
        self._thread.start()

    def stop(self, reason: str, code: StopCode, *, failed: bool = False) -> None:
        """Ask the task to end; returns at once. The first reason stays."""
        if not self._stop.is_set():
            self.stopped_reason, self.stop_code, self.failed = reason, code, failed
            self._stop.set()

    @property
    def stopping(self) -> bool:
        return self._stop.is_set() or self.status == "STOPPED"

    @property
    def over(self) -> bool:
        return self.status == "STOPPED"

    def join(self, seconds: float) -> None:
        if self._thread:
            self._thread.join(seconds)

    # ---- the task's life ----

    def _run(self) -> None:
        try:
            self._start_containers()
            self._set("RUNNING")
            self.running_since = time.monotonic()
            self._watch()
        except TaskFailedToStartError as error:
            self.stop(str(error), "TaskFailedToStart", failed=True)
        except Exception as error:  # noqa: BLE001  (whatever it is, the task has to end and ECS to hear of it)
            self.stop(f"InternalError: {type(error).__name__}: {error}", "TaskFailedToStart", failed=True)
        finally:
            self._end()

    def _start_containers(self) -> None:
        self._set("PENDING")
        launches = self._prepare()
        deadline = time.monotonic() + START_PATIENCE
        for definition in self._ordered():
            while not self._dependencies_met(definition):
                if self._stop.wait(TURN):
                    return
                self._look()
                if time.monotonic() > deadline:
                    raise TaskFailedToStartError(
                        f"{definition.name} waited {START_PATIENCE:.0f} s for the containers it depends on"
                    )
            self._start_one(launches[definition.name])
        self._set("ACTIVATING")

    def _ordered(self) -> list[ContainerDefinition]:
        try:
            return self.definition.start_order()
        except ValueError as error:
            raise TaskFailedToStartError(str(error)) from error

    def _prepare(self) -> dict[str, Launch]:
        """Images, secrets, ports and folders of all containers, before the first one starts."""
        folder = layout.folder("runner", "tasks", self.identity.id)
        mounts = {
            path: folder / "volumes" / path.strip("/").replace("/", "-")
            for c in self.definition.containers
            for path in c.mounts
        }
        for path in mounts.values():
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        ports = {port for container in self.definition.containers for port in container.ports}
        self.host_ports = {port: layout.allocate_port("task", f"{self.identity.id}:{port}") for port in sorted(ports)}
        launches = {}
        for container in self.definition.containers:
            try:
                image = images.load(container.image)
                values = secrets.resolve(container, self._execution_client)
            except (images.ImageNotFoundError, secrets.SecretUnavailableError) as error:
                raise TaskFailedToStartError(str(error)) from error
            except (ClientError, BotoCoreError) as error:
                raise TaskFailedToStartError(
                    f"ResourceInitializationError: the execution role {self.definition.execution_role} "
                    f"cannot be assumed: {error}"
                ) from error
            # Programs come from this machine, so the image's own search path means nothing here.
            given = {k: v for k, v in image.environment.items() if k != "PATH"} | container.environment
            environment = (
                base_environment(task_id=self.identity.id, folder=folder)
                | translated(given, ports=self.host_ports, mounts=mounts)
                | values
                | self._platform()
            )
            launches[container.name] = Launch(definition=container, image=image, environment=environment)
        return launches

    def _execution_client(self, service: str) -> object:
        if not self.definition.execution_role:
            raise TaskFailedToStartError("ResourceInitializationError: the task definition has no execution role")
        return self.roles.client(
            service, self.definition.execution_role, name=f"ecs-{self.identity.id[:32]}", region=self.identity.region
        )

    def _platform(self) -> dict[str, str]:
        """What Fargate itself adds to every container, and what leads the SDK to the emulator."""
        here = f"http://{layout.LOOPBACK}:{layout.ports().credentials}"
        added = {
            "AWS_REGION": self.identity.region,
            "AWS_DEFAULT_REGION": self.identity.region,
            "AWS_EXECUTION_ENV": "AWS_ECS_FARGATE",
            "ECS_CONTAINER_METADATA_URI_V4": f"{here}/v4/{self.identity.id}",
            "ECS_AGENT_URI": f"{here}/agent/{self.identity.id}",
            "AWS_ENDPOINT_URL": f"https://{layout.LOOPBACK}:{layout.ports().api}",
            "AWS_CA_BUNDLE": str(tls.material().bundle),
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        if self.definition.task_role:
            added["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = f"{here}/credentials/{self.identity.id}"
            added["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = self.token
        return added

    def _dependencies_met(self, definition: ContainerDefinition) -> bool:
        for dependency in definition.depends_on:
            container = self._containers[dependency.container]
            code = container.exit_code
            match dependency.condition:
                case "HEALTHY":
                    met = container.health == "HEALTHY"
                case "COMPLETE":
                    met = code is not None
                case "SUCCESS":
                    met = code == 0
                case _:
                    met = True
            if not met:
                return False
        return True

    def _start_one(self, launch: Launch) -> None:
        definition = launch.definition
        # awslogs creates the stream first: without the right to, the task does not start.
        client, stream = None, ""
        if definition.logs:
            client = self._execution_client("logs")
            stream = f"{definition.logs.prefix}/{definition.name}/{self.identity.id}"
            try:
                client.create_log_stream(logGroupName=definition.logs.group, logStreamName=stream)  # type: ignore[attr-defined]
            except (ClientError, BotoCoreError) as error:
                raise TaskFailedToStartError(
                    "ResourceInitializationError: failed to create CloudWatch log stream "
                    f"{definition.logs.group}/{stream} for container {definition.name}: {error}"
                ) from error
        try:
            container = Container(launch)
        except OSError as error:
            raise TaskFailedToStartError(f"CannotStartContainerError: {definition.name}: {error}") from error
        self._containers[definition.name] = container
        file = (
            layout.folder("logs", "tasks", self.identity.group.removeprefix("service:"), self.identity.id)
            / f"{definition.name}.log"
        )
        assert container.process.stdout is not None  # noqa: S101  (it was asked for)
        self._logs[definition.name] = LogStream(
            container.process.stdout,
            file=file,
            client=client,
            group=definition.logs.group if definition.logs else "",
            stream=stream,
        )
        self._tell()

    def _watch(self) -> None:
        next_memory = 0.0
        while not self._stop.wait(TURN):
            self._look()
            if time.monotonic() >= next_memory:
                self._look_at_memory()
                next_memory = time.monotonic() + MEMORY_EVERY
            self._tell()

    def _look(self) -> None:
        for name, container in self._containers.items():
            container.check_health()
            code = container.exit_code
            if code is not None and container.definition.essential:
                words = self._logs[name].last_words()
                failed = code != 0
                reason = f"Essential container {name} exited with {code}" + (f": {words}" if failed and words else "")
                self.stop(reason, "EssentialContainerExited", failed=failed)
            if container.health == "UNHEALTHY" and container.definition.essential:
                self.stop(f"Task failed container health checks: {name}", "ServiceSchedulerInitiated", failed=True)

    def _look_at_memory(self) -> None:
        used = {name: container.memory() for name, container in self._containers.items()}
        for name, container in self._containers.items():
            limit = container.definition.memory_mib
            if limit and used[name] > limit * 1024**2:
                self._out_of_memory(container, used[name], limit)
        limit = self.definition.memory_mib
        if limit and sum(used.values()) > limit * 1024**2:
            self._out_of_memory(self._containers[max(used, key=lambda n: used[n])], sum(used.values()), limit)

    def _out_of_memory(self, container: Container, used: int, limit: int) -> None:
        container.kill()
        reason = (
            f"OutOfMemoryError: Container killed due to memory usage: {container.definition.name}, "
            f"{used // 1024**2} MiB of {limit} MiB"
        )
        self.stop(reason, "EssentialContainerExited", failed=True)

    def _end(self) -> None:
        self._set("STOPPING")
        # Those that depend on others go first: PgBouncer outlives its clients.
        for name in reversed(list(self._containers)):
            self._containers[name].end()
        for name, container in self._containers.items():
            container.kill()
            self._logs[name].finish()
        for port in self.host_ports:
            layout.release_port("task", f"{self.identity.id}:{port}")
        shutil.rmtree(layout.home() / "runner" / "tasks" / self.identity.id, ignore_errors=True)
        self.roles.forget(name=f"ecs-{self.identity.id[:32]}")
        self.roles.forget(name=self.identity.id)
        self._set("STOPPED")

    # ---- what others see ----

    def _set(self, status: TaskStatus) -> None:
        self.status = status
        self._tell()

    def _tell(self) -> None:
        reports = [self._container_report(c) for c in self.definition.containers]
        watched = [c.health for c in self._containers.values() if c.definition.health_check and c.definition.essential]
        if watched:
            worst = next((state for state in ("UNHEALTHY", "UNKNOWN") if state in watched), "HEALTHY")
            self.health = worst  # type: ignore[assignment]
        report = TaskReport(
            task_arn=self.identity.arn,
            last_status=self.status,
            health_status=self.health,
            containers=reports,
            stop_code=self.stop_code,
            stopped_reason=self.stopped_reason or None,
            failed=self.failed,
            host_ports={
                f"{container.name}:{port}": self.host_ports[port]
                for container in self.definition.containers
                for port in container.ports
                if port in self.host_ports
            },
        )
        if report != self._last_report:
            self._last_report = report
            self.report(report)

    def _container_report(self, definition: ContainerDefinition) -> ContainerReport:
        container = self._containers.get(definition.name)
        if container is None:
            return ContainerReport(name=definition.name, last_status="STOPPED" if self.over else "PENDING")
        code = container.exit_code
        status: ContainerStatus = "RUNNING" if code is None else "STOPPED"
        return ContainerReport(
            name=definition.name,
            last_status=status,
            health_status=container.health,  # type: ignore[arg-type]
            exit_code=code,
            runtime_id=str(container.process.pid),
        )

    @property
    def healthy(self) -> bool:
        """Running, and as well as its own checks can tell."""
        checked = any(c.health_check and c.essential for c in self.definition.containers)
        return self.status == "RUNNING" and not self.stopping and (self.health == "HEALTHY" or not checked)
