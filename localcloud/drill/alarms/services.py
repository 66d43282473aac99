"""Faults of the application: services that are stopped, tasks that are killed, receipts that wait."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx2
import psutil

from localcloud import commands, demo, layout
from localcloud.console import LocalCloudError
from localcloud.drill.alarms.fault import Again
from localcloud.drill.alarms.feeding import Feed
from localcloud.drill.platform import Platform

_NAMESPACE = "ecs"


@dataclass
class ServiceStopped:
    """The desired count is 0, and scaling is suspended, as it would be undone otherwise."""

    service: str
    _before: int = 0

    def make(self, platform: Platform) -> None:
        ecs, name = platform.client("ecs"), platform.service(self.service)
        self._before = ecs.describe_services(cluster=platform.cluster, services=[name])["services"][0]["desiredCount"]
        suspend_scaling(platform, self.service, suspended=True)
        ecs.update_service(cluster=platform.cluster, service=name, desiredCount=0)

    def mend(self, platform: Platform) -> None:
        name = platform.service(self.service)
        platform.client("ecs").update_service(
            cluster=platform.cluster, service=name, desiredCount=max(1, self._before)
        )  # fmt: skip
        suspend_scaling(platform, self.service, suspended=False)


@dataclass
class BusyAtMaximum(Feed):
    """Values of a service as busy as it can be, by which no task is started meanwhile."""

    service: str = ""

    def make(self, platform: Platform) -> None:
        suspend_scaling(platform, self.service, suspended=True)
        super().make(platform)

    def mend(self, platform: Platform) -> None:
        super().mend(platform)
        suspend_scaling(platform, self.service, suspended=False)


def suspend_scaling(platform: Platform, service: str, *, suspended: bool) -> None:
    """Whether the policies of a service, where it has any, do nothing."""
    scaling = platform.client("application-autoscaling")
    resource = f"service/{platform.cluster}/{platform.service(service)}"
    targets = scaling.describe_scalable_targets(ServiceNamespace=_NAMESPACE, ResourceIds=[resource])
    for target in targets["ScalableTargets"]:
        scaling.register_scalable_target(
            ServiceNamespace=_NAMESPACE,
            ResourceId=resource,
            ScalableDimension=target["ScalableDimension"],
            SuspendedState={"DynamicScalingInSuspended": suspended, "DynamicScalingOutSuspended": suspended},
        )


class TasksKilled(Again):
    """SIGKILL to the first process of a web task, once a minute, so that no more than one is away at a time."""

    every = 60.0

    def turn(self, platform: Platform) -> None:
        tasks = _running(platform, "web")
        if len(tasks) < 2:
            return
        record = layout.folder("runner", "tasks") / f"{tasks[0]}.json"
        container = json.loads(record.read_text())["containers"][-1]
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(container["pid"])
            if abs(process.create_time() - container["started"]) < 1:
                process.send_signal(signal.SIGKILL)


def _running(platform: Platform, service: str) -> list[str]:
    """The ids of a service's running tasks."""
    listed = platform.client("ecs").list_tasks(
        cluster=platform.cluster, serviceName=platform.service(service), desiredStatus="RUNNING"
    )
    return [arn.rsplit("/", 1)[-1] for arn in listed["taskArns"]]


@dataclass
class ReceiptsWait:
    """No worker runs; receipts of each queue have waited for hours, by their own clock, which is set back."""

    _stopped: ServiceStopped = field(default_factory=lambda: ServiceStopped("worker"))
    _sent: list[str] = field(default_factory=list)

    def make(self, platform: Platform) -> None:
        self._stopped.make(platform)
        _until(lambda: not _running(platform, "worker"), patience=180)
        client = _client()
        single = [client.upload(demo.RECEIPT, content_type="image/png") for _ in range(2)]
        folder = _send_folder(client)
        self._sent = [*single, folder]
        with platform.database(dbname=platform.database_name) as link, link.cursor() as cursor:
            for receipt, change in (
                (single[0], "state_changed_at = state_changed_at - interval '11 minutes'"),
                (single[1], "retry_at = now() - interval '31 minutes', attempts = 1"),
                (folder, "state_changed_at = state_changed_at - interval '121 minutes'"),
            ):
                cursor.execute(f"UPDATE receipts_receipt SET {change} WHERE id = %s", [receipt])  # noqa: S608

    def mend(self, platform: Platform) -> None:
        self._stopped.mend(platform)


def _send_folder(client: demo.Client) -> str:
    """A folder with one picture; the receipt's id."""
    image = demo.RECEIPT.read_bytes()
    asked = {
        "name": "drill",
        "files": [{"file_name": "receipt.png", "content_type": "image/png", "size": len(image)}],
    }
    made: dict[str, Any] = client.raw("POST", "/api/v1/bulk-uploads/", json=asked).json()
    receipt = made["receipts"][0]
    client.store(receipt["upload"], image, name="receipt.png", content_type="image/png")
    client.raw("POST", f"/api/v1/bulk-uploads/{made['id']}/complete/", json={"receipts": [receipt["id"]]})
    return str(receipt["id"])


def _client() -> demo.Client:
    """A client that is logged in, as soon as anybody can log in. Raises LocalCloudError."""
    deadline = time.monotonic() + 180
    while True:
        try:
            return demo.Client(commands.web_url(), demo.user())
        except (LocalCloudError, httpx2.HTTPError) as error:
            if time.monotonic() > deadline:
                raise LocalCloudError(f"nobody can log in: {error}") from error
            time.sleep(2)


def _until(holds: Callable[[], bool], *, patience: float) -> None:
    deadline = time.monotonic() + patience
    while not holds() and time.monotonic() < deadline:
        time.sleep(1)
