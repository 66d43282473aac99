"""How the task runner tells the emulator's ECS what happens to tasks and deployments.

On AWS the Fargate agent and the ECS scheduler do this over private calls, so boto3 has none. Everything else the
runner needs is plain boto3 (`localcloud.aws.client("ecs", region)`): list_services, describe_services,
describe_task_definition, list_tasks, describe_tasks, stop_task.

How the parts play together:

* **Services.** CreateService and UpdateService only record what is wanted: the service appears in describe_services
  with a PRIMARY deployment in `rolloutState` IN_PROGRESS and no task at all; a deployment it replaces stays there as
  ACTIVE. The runner makes tasks with `create_task`, moves them with `report_task`, and ends the rollout with
  `complete_deployment` or `fail_deployment`. AWS::ECS::Service in CloudFormation waits for that end and fails the
  resource with the runner's reason. desiredCount 0 is a rollout too: complete it when nothing runs any more.
* **Counts.** runningCount and pendingCount of services, deployments and clusters are derived from the reported tasks;
  failedTasks of a deployment grows by one with each task of it that stops with `failed=True`.
* **Completion** removes the ACTIVE deployments that have no live task left; the runner stops their tasks first.
* **Failure** marks the deployment FAILED (desiredCount 0). With `deploymentCircuitBreaker.rollback` and an earlier
  completed deployment still there, the emulator, as ECS does, makes that one PRIMARY again (IN_PROGRESS, its tasks
  stay) and the failed one ACTIVE: the runner stops the failed one's tasks and completes the other like any rollout.
* **RunTask** creates tasks in PROVISIONING, `startedBy`/`group` as given, overrides kept: the runner finds them in
  list_tasks (no service name in `group`) and reports on them like on its own.
* **StopTask** (by anyone) sets desiredStatus STOPPED and stoppedReason; the runner stops the processes and reports
  STOPPED. Deleting a service sets desiredStatus STOPPED on its tasks; the service itself turns DRAINING and becomes
  INACTIVE when the last of them is STOPPED.
* STOPPED tasks stay in describe_tasks for an hour and are found by list_tasks(desiredStatus="STOPPED").

Every call raises ReportRefusedError when the emulator refuses it (unknown cluster, service, task or deployment) and
OSError (urllib.error.URLError) when the emulator cannot be reached; a report is idempotent, so send it again.
"""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from localcloud import layout

TaskStatus = Literal[
    "PROVISIONING", "PENDING", "ACTIVATING", "RUNNING", "DEACTIVATING", "STOPPING", "DEPROVISIONING", "STOPPED"
]
ContainerStatus = Literal["PENDING", "RUNNING", "STOPPED"]
HealthStatus = Literal["HEALTHY", "UNHEALTHY", "UNKNOWN"]
StopCode = Literal[
    "TaskFailedToStart", "EssentialContainerExited", "UserInitiated", "ServiceSchedulerInitiated", "SpotInterruption"
]

PATH_PREFIX = "/_localcloud/ecs/"
TOKEN_HEADER = "X-Localcloud-Token"  # noqa: S105 - the header's name
_TIMEOUT_SECONDS = 10.0


class ReportRefusedError(RuntimeError):
    """The emulator refused a report: it does not know the cluster, service, deployment or task."""


@dataclass(frozen=True, kw_only=True)
class ContainerReport:
    """State of one container of a task, in ECS's terms."""

    name: str
    last_status: ContainerStatus
    health_status: HealthStatus = "UNKNOWN"
    exit_code: int | None = None
    reason: str | None = None
    runtime_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class TaskReport:
    """State of one task. Every report replaces the one before it; containers left out keep their last state.

    `host_ports` maps "container name:container port" to the port on 127.0.0.1; describe_tasks shows it as the
    container's networkBindings. `failed` counts a STOPPED task against its deployment (circuit breaker).
    """

    task_arn: str
    last_status: TaskStatus
    health_status: HealthStatus = "UNKNOWN"
    containers: Sequence[ContainerReport] = ()
    stop_code: StopCode | None = None
    stopped_reason: str | None = None
    failed: bool = False
    host_ports: Mapping[str, int] = field(default_factory=dict)


class EcsReports:
    """Client of the report calls of one region. `cluster` and `service` are names or ARNs in every call."""

    def __init__(self, *, region: str) -> None:
        self._region = region
        self._base = f"https://{layout.LOOPBACK}:{layout.ports().api}{PATH_PREFIX}"
        self._tls = ssl.create_default_context(cafile=str(layout.folder("tls") / "ca.pem"))
        self._token = json.loads((layout.folder("secrets") / "root.json").read_text())["secret_access_key"]

    def create_task(
        self, *, cluster: str, service: str, deployment_id: str, capacity_provider: str | None = None
    ) -> str:
        """A new task of a deployment (an `id` from describe_services), in PROVISIONING. Returns its ARN."""
        answer = self._post(
            "create_task",
            cluster=cluster,
            service=service,
            deployment_id=deployment_id,
            capacity_provider=capacity_provider,
        )
        return str(answer["taskArn"])

    def report_task(self, *, cluster: str, report: TaskReport) -> None:
        """Record a task's and its containers' state. Times (startedAt, stoppedAt, ...) are set by the emulator."""
        self._post("report_task", cluster=cluster, report=asdict(report))

    def complete_deployment(self, *, cluster: str, service: str, deployment_id: str) -> None:
        """The deployment reached steady state: COMPLETED. An event "has reached a steady state" is added."""
        self._post("complete_deployment", cluster=cluster, service=service, deployment_id=deployment_id)

    def fail_deployment(self, *, cluster: str, service: str, deployment_id: str, reason: str) -> None:
        """The deployment failed for good: FAILED with rolloutStateReason `reason` (for people: name the cause)."""
        self._post("fail_deployment", cluster=cluster, service=service, deployment_id=deployment_id, reason=reason)

    def add_event(self, *, cluster: str, service: str, message: str) -> None:
        """Put a message first in the service's events; a repetition of the latest one is not added again."""
        self._post("add_event", cluster=cluster, service=service, message=message)

    def _post(self, verb: str, **payload: Any) -> dict[str, Any]:
        request = urllib.request.Request(  # noqa: S310 - the address is ours and https
            self._base + verb,
            data=json.dumps({"region": self._region, **payload}).encode(),
            headers={"Content-Type": "application/json", TOKEN_HEADER: self._token},
            method="POST",
        )
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS, context=self._tls) as answer:  # noqa: S310
                body: dict[str, Any] = json.loads(answer.read())
                return body
        except urllib.error.HTTPError as error:
            raise ReportRefusedError(f"{verb}: {error.read().decode(errors='replace')}") from error
