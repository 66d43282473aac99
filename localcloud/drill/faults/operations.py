"""What operators do in the middle of the load: deploy, scale in, rotate secrets."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from localcloud import layout
from localcloud.console import LocalCloudError
from localcloud.drill.alarms.services import suspend_scaling
from localcloud.drill.faults import openai, parts
from localcloud.drill.faults.fault import Scene
from localcloud.drill.faults.parts import Task
from localcloud.drill.platform import Platform

PATIENCE = 300.0
"""Seconds that a service has to run new tasks."""


def let_in(platform: Platform) -> None:
    """Give the environment the key that the drill's OpenAI knows, and its tasks the way there, if they have neither."""
    name = openai.secret(platform)
    if name is None:
        return
    secrets = platform.client("secretsmanager")
    known = secrets.get_secret_value(SecretId=name)["SecretString"] == openai.KEY
    if not known:
        secrets.put_secret_value(SecretId=name, SecretString=openai.KEY)
    if not known or not _told(platform):
        redeploy(platform, "worker")


def redeploy(platform: Platform, service: str) -> None:
    """Stop the tasks of a service, one after the other, and wait each time until a new one has taken its place.

    Raises LocalCloudError.
    """
    ecs, name, old = platform.client("ecs"), platform.service(service), parts.tasks(platform, service)
    for task in old:
        ecs.stop_task(cluster=platform.cluster, task=task.id, reason="A drill wants a new one")
        deadline = time.monotonic() + PATIENCE
        while not _replaced(parts.tasks(platform, service), task, count=len(old)) or not _complete(name):
            if time.monotonic() > deadline:
                raise LocalCloudError(f"{service} has no new task after {PATIENCE:.0f} s", remedy="run: make status")
            time.sleep(1)


def _replaced(now: Sequence[Task], task: Task, *, count: int) -> bool:
    return len(now) >= count and task.id not in {one.id for one in now}


def _complete(service: str) -> bool:
    """Whether a service has as many healthy tasks as it wants."""
    found = next(one for one in parts.runner()["services"] if one["name"] == service)
    return int(found["running"]) >= int(found["desired"])


@dataclass
class Deployed:
    """Every task of a service is replaced by a new deployment of what runs."""

    service: str

    def make(self, scene: Scene) -> None:
        name = scene.platform.service(self.service)
        scene.platform.client("ecs").update_service(
            cluster=scene.platform.cluster, service=name, forceNewDeployment=True
        )

    def mend(self, scene: Scene) -> None:
        """It goes on by itself; a deployment that shifts traffic takes as long as its bake time."""


@dataclass
class ScaledIn:
    """A service is left with one task fewer, and gets it back."""

    service: str
    _before: int = 0

    def make(self, scene: Scene) -> None:
        ecs, cluster, name = scene.platform.client("ecs"), scene.platform.cluster, scene.platform.service(self.service)
        suspend_scaling(scene.platform, self.service, suspended=True)
        self._before = ecs.describe_services(cluster=cluster, services=[name])["services"][0]["desiredCount"]
        self._bound(scene, max(1, self._before - 1))
        ecs.update_service(cluster=cluster, service=name, desiredCount=max(1, self._before - 1))

    def mend(self, scene: Scene) -> None:
        ecs, cluster, name = scene.platform.client("ecs"), scene.platform.cluster, scene.platform.service(self.service)
        ecs.update_service(cluster=cluster, service=name, desiredCount=max(1, self._before))
        self._bound(scene, max(1, self._before))
        suspend_scaling(scene.platform, self.service, suspended=False)

    def _bound(self, scene: Scene, least: int) -> None:
        scaling = scene.platform.client("application-autoscaling")
        resource = f"service/{scene.platform.cluster}/{scene.platform.service(self.service)}"
        targets = scaling.describe_scalable_targets(ServiceNamespace="ecs", ResourceIds=[resource])["ScalableTargets"]
        for target in targets:
            scaling.register_scalable_target(
                ServiceNamespace="ecs",
                ResourceId=resource,
                ScalableDimension=target["ScalableDimension"],
                MinCapacity=least,
                MaxCapacity=target["MaxCapacity"],
            )


@dataclass
class Rotated:
    """A secret gets its next version from its rotation function."""

    secret: str

    def make(self, scene: Scene) -> None:
        secrets = scene.platform.client("secretsmanager")
        pages = secrets.get_paginator("list_secrets").paginate()
        names = [one["Name"] for page in pages for one in page["SecretList"] if self.secret in one["Name"]]
        if len(names) != 1:
            raise LocalCloudError(f"there is no secret {self.secret}", remedy="run: make status")
        secrets.rotate_secret(SecretId=names[0])

    def mend(self, scene: Scene) -> None:
        """Nothing to mend."""


@dataclass
class OpenAIKeyRotated:
    """OpenAI takes a new key, and the old one until the workers were replaced."""

    def make(self, scene: Scene) -> None:
        name = openai.secret(scene.platform)
        if name is None:
            raise LocalCloudError("this environment has no key of OpenAI's", remedy="choose one with features.openai")
        new = f"{openai.KEY}-{scene.chance.randrange(1 << 30)}"
        scene.engine.keys = {openai.KEY, new}
        scene.platform.client("secretsmanager").put_secret_value(SecretId=name, SecretString=new)
        redeploy(scene.platform, "worker")
        scene.engine.keys = {new}

    def mend(self, scene: Scene) -> None:
        """The old key back: the next drill begins with it."""
        scene.engine.keys = set()
        name = openai.secret(scene.platform)
        scene.platform.client("secretsmanager").put_secret_value(SecretId=name, SecretString=openai.KEY)


def _told(platform: Platform) -> bool:
    """Whether the workers that run know the way."""
    address = layout.openai_server().read_text()
    for task in parts.tasks(platform, "worker"):
        for process in parts.family(task.containers["worker"])[:1]:
            if process.environ().get("OPENAI_BASE_URL") != address:
                return False
    return True
