"""One task: its containers from the first secret to the last log line, in a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime

from botocore.exceptions import BotoCoreError, ClientError

from localcloud.emulator.ecs_reports import ContainerReport, HealthStatus, StopCode, TaskReport, TaskStatus
from localcloud.runner import leftovers, logs
from localcloud.runner.container import Container
from localcloud.runner.definitions import ContainerDefinition, TaskDefinition
from localcloud.runner.launch import Launch
from localcloud.runner.preparation import Surroundings, TaskFailedToStartError, TaskIdentity

TURN = 0.2
"""Seconds between two looks at the containers."""

MEMORY_EVERY = 2.0
"""Seconds between two looks at their memory."""

START_PATIENCE = 180.0
"""Seconds a container may wait for those it depends on; ECS's default startTimeout on Fargate is three minutes."""


@dataclass(frozen=True, kw_only=True)
class Ending:
    """Why a task ends; `failed` counts against its deployment."""

    reason: str
    code: StopCode
    failed: bool = False


@dataclass
class Task:
    """A task. `report` gets what ECS should know at each change and says whether it was told.

    `grace` is the time in seconds after its start in which failing health checks are forgiven. Moments are
    time.monotonic()'s.
    """

    surroundings: Surroundings
    report: Callable[[TaskReport], bool]
    grace: float = 0.0
    deployment_id: str = ""
    capacity_provider: str | None = None
    status: TaskStatus = "PROVISIONING"
    health: HealthStatus = "UNKNOWN"
    ending: Ending | None = None
    running_since: float | None = None
    draining_since: float | None = None
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    host_ports: dict[int, int] = field(default_factory=dict)
    containers: dict[str, Container] = field(default_factory=dict)
    _born: float = field(default_factory=time.monotonic)
    _logs: dict[str, logs.LogStream] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)
    _guard: threading.Lock = field(default_factory=threading.Lock)
    _telling: threading.Lock = field(default_factory=threading.Lock)
    _thread: threading.Thread | None = None
    _last_report: TaskReport | None = None

    @property
    def identity(self) -> TaskIdentity:
        return self.surroundings.identity

    @property
    def definition(self) -> TaskDefinition:
        return self.surroundings.definition

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name=f"task-{self.identity.id[:8]}", daemon=True)
        self._thread.start()

    def drain(self, ending: Ending) -> None:
        """Announce the end: the task runs on, for its load balancer to let go of it, until `stop` is called."""
        with self._guard:
            self.ending = self.ending or ending
        self.draining_since = self.draining_since or time.monotonic()

    def stop(self, ending: Ending) -> None:
        """Ask the task to end; returns at once. The first reason stays."""
        with self._guard:
            self.ending = self.ending or ending
        self._stop.set()

    @property
    def leaving(self) -> bool:
        """On its way out, or gone: it no longer counts as one of its service's tasks."""
        return self.ending is not None or self.over

    @property
    def stopping(self) -> bool:
        return self._stop.is_set() or self.over

    @property
    def over(self) -> bool:
        return self.status == "STOPPED"

    @property
    def told(self) -> bool:
        """Over, and ECS knows."""
        return self.over and self._last_report is not None and self._last_report.last_status == "STOPPED"

    @property
    def failed(self) -> bool:
        return self.ending is not None and self.ending.failed

    @property
    def healthy(self) -> bool:
        """Running, and as well as its own checks can tell."""
        checked = any(c.health_check and c.essential for c in self.definition.containers)
        return self.status == "RUNNING" and not self.leaving and (self.health == "HEALTHY" or not checked)

    def join(self, seconds: float) -> None:
        if self._thread:
            self._thread.join(seconds)

    # ---- the task's life ----

    def _run(self) -> None:
        try:
            self._start_containers()
            if not self._stop.is_set():
                self.running_since = time.monotonic()
                self._set("RUNNING")
                self._watch()
        except TaskFailedToStartError as error:
            self.stop(Ending(reason=str(error), code="TaskFailedToStart", failed=True))
        except Exception as error:  # noqa: BLE001  (whatever it is, the task has to end and ECS to hear of it)
            reason = f"InternalError: {type(error).__name__}: {error}"
            self.stop(Ending(reason=reason, code="TaskFailedToStart", failed=True))
        finally:
            self._end()

    def _start_containers(self) -> None:
        self._set("PENDING")
        try:
            order = self.definition.start_order()
        except ValueError as error:
            raise TaskFailedToStartError(str(error)) from error
        self.host_ports = self.surroundings.allocate_ports()
        leftovers.remember(self.identity.id, self.host_ports, [])
        launches = self.surroundings.launches(self.host_ports)
        deadline = time.monotonic() + START_PATIENCE
        for definition in order:
            while not self._dependencies_met(definition):
                if self._stop.wait(TURN):
                    return
                self._look()
                if time.monotonic() > deadline:
                    raise TaskFailedToStartError(
                        f"{definition.name} waited {START_PATIENCE:.0f} s for the containers it depends on"
                    )
            self._start_one(launches[definition.name])

    def _dependencies_met(self, definition: ContainerDefinition) -> bool:
        """Raises TaskFailedToStartError when one of them can no longer become what is waited for."""
        for dependency in definition.depends_on:
            container = self.containers[dependency.container]
            code = container.exit_code
            match dependency.condition:
                case "HEALTHY":
                    met, hopeless = container.health == "HEALTHY", code is not None or container.health == "UNHEALTHY"
                case "COMPLETE":
                    met, hopeless = code is not None, False
                case "SUCCESS":
                    met, hopeless = code == 0, code not in (None, 0)
                case _:
                    met, hopeless = True, False
            if hopeless and not met:
                words = self._logs[dependency.container].last_words()
                raise TaskFailedToStartError(
                    f"{definition.name} depends on {dependency.container} being {dependency.condition}, which is "
                    f"{container.health} with exit code {code}" + (f": {words}" if words else "")
                )
            if not met:
                return False
        return True

    def _start_one(self, launch: Launch) -> None:
        definition = launch.definition
        # awslogs creates the stream first: without the right to, the task does not start.
        client, stream = None, ""
        if definition.logs:
            client = self.surroundings.execution_client("logs")
            stream = f"{definition.logs.prefix}/{definition.name}/{self.identity.id}"
            try:
                client.create_log_stream(logGroupName=definition.logs.group, logStreamName=stream)
            except (ClientError, BotoCoreError) as error:
                raise TaskFailedToStartError(
                    "ResourceInitializationError: failed to create CloudWatch log stream "
                    f"{definition.logs.group}/{stream} for container {definition.name}: {error}"
                ) from error
        try:
            running = self.surroundings.runtime.start(launch)
        except OSError as error:
            raise TaskFailedToStartError(f"CannotStartContainerError: {definition.name}: {error}") from error
        self.containers[definition.name] = Container(definition, running)
        leftovers.remember(self.identity.id, self.host_ports, [c.running for c in self.containers.values()])
        folder = logs.folder(self.identity.group, self.identity.id)
        self._logs[definition.name] = logs.LogStream(
            running.output,
            file=folder / f"{definition.name}.log",
            client=client,
            group=definition.logs.group if definition.logs else "",
            stream=stream,
        )
        self.tell()

    def _watch(self) -> None:
        next_memory = 0.0
        while not self._stop.wait(TURN):
            self._look()
            if time.monotonic() >= next_memory:
                self._look_at_memory()
                next_memory = time.monotonic() + MEMORY_EVERY
            self.tell()

    def _look(self) -> None:
        for name, container in list(self.containers.items()):
            container.check_health()
            if not container.definition.essential:
                continue
            code = container.exit_code
            if code is not None:
                reason = f"Essential container in task exited: {name} with code {code}"
                if container.running.out_of_memory():
                    container.reason = reason = f"OutOfMemoryError: Container killed due to memory usage: {name}"
                elif code:
                    self._logs[name].finish(patience=1)
                    words = self._logs[name].last_words()
                    reason += f": {words}" if words else ""
                self.stop(Ending(reason=reason, code="EssentialContainerExited", failed=code != 0))
            elif container.health == "UNHEALTHY" and time.monotonic() - self._born > self.grace:
                words = self._logs[name].last_words()
                reason = f"Task failed container health checks: {name}" + (f"; it last said: {words}" if words else "")
                self.stop(Ending(reason=reason, code="ServiceSchedulerInitiated", failed=True))

    def _look_at_memory(self) -> None:
        used = {name: container.running.memory() for name, container in self.containers.items()}
        for name, container in self.containers.items():
            limit = container.definition.memory_mib
            if limit and used[name] > limit * 1024**2:
                self._out_of_memory(container, used[name], limit)
        limit = self.definition.memory_mib
        if limit and sum(used.values()) > limit * 1024**2:
            self._out_of_memory(self.containers[max(used, key=lambda name: used[name])], sum(used.values()), limit)

    def _out_of_memory(self, container: Container, used: int, limit: int) -> None:
        container.kill()
        container.reason = (
            f"OutOfMemoryError: Container killed due to memory usage: {container.definition.name}, "
            f"{used // 1024**2} MiB of {limit} MiB"
        )
        if container.definition.essential:
            self.stop(Ending(reason=container.reason, code="EssentialContainerExited", failed=True))

    def _end(self) -> None:
        self._set("STOPPING")
        for group in self.definition.stop_order():
            # Those that depend on others go first: PgBouncer outlives its clients.
            present = [self.containers[definition.name] for definition in group if definition.name in self.containers]
            if present:
                with ThreadPoolExecutor(len(present)) as pool:
                    list(pool.map(Container.end, present))
        for stream in self._logs.values():
            stream.finish()
        leftovers.forget(self.identity.id)
        self.surroundings.clear(self.host_ports)
        self._set("STOPPED")

    # ---- what ECS sees ----

    def _set(self, status: TaskStatus) -> None:
        self.status = status
        self.tell()

    def tell(self) -> None:
        """Report what has changed since the last report that ECS took."""
        watched = [c.health for c in self.containers.values() if c.definition.health_check and c.definition.essential]
        if watched:
            self.health = min(watched, key=("UNHEALTHY", "UNKNOWN", "HEALTHY").index)
        draining = self.draining_since is not None and self.status == "RUNNING"
        report = TaskReport(
            task_arn=self.identity.arn,
            last_status="DEACTIVATING" if draining else self.status,
            health_status=self.health,
            containers=[self._container_report(c) for c in self.definition.containers],
            stop_code=self.ending.code if self.ending else None,
            stopped_reason=self.ending.reason if self.ending else None,
            failed=self.failed,
            host_ports={
                f"{container.name}:{port}": self.host_ports[port]
                for container in self.definition.containers
                for port in container.ports
                if port in self.host_ports
            },
        )
        with self._telling:
            if report != self._last_report and self.report(report):
                self._last_report = report

    def _container_report(self, definition: ContainerDefinition) -> ContainerReport:
        container = self.containers.get(definition.name)
        if container is None:
            return ContainerReport(name=definition.name, last_status="STOPPED" if self.over else "PENDING")
        return container.report()
