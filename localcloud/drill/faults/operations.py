"""What operators do in the middle of the load: deploy, scale in, rotate secrets."""

from __future__ import annotations

import time

from localcloud import layout
from localcloud.console import LocalCloudError
from localcloud.drill.faults import openai, parts
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
    """Replace the tasks of a rolling service, and wait until only new ones run. Raises LocalCloudError."""
    before = {task.id for task in parts.tasks(platform, service)}
    ecs, name = platform.client("ecs"), platform.service(service)
    ecs.update_service(cluster=platform.cluster, service=name, forceNewDeployment=True)
    deadline = time.monotonic() + PATIENCE
    while True:
        described = ecs.describe_services(cluster=platform.cluster, services=[name])["services"][0]
        now = {task.id for task in parts.tasks(platform, service)}
        if not now & before and len(now) >= described["desiredCount"] and len(described["deployments"]) == 1:
            return
        if time.monotonic() > deadline:
            raise LocalCloudError(f"{service} has no new tasks after {PATIENCE:.0f} s", remedy="run: make status")
        time.sleep(1)


def _told(platform: Platform) -> bool:
    """Whether the workers that run know the way."""
    address = layout.openai_server().read_text()
    for task in parts.tasks(platform, "worker"):
        for process in parts.family(task.containers["worker"])[:1]:
            if process.environ().get("OPENAI_BASE_URL") != address:
                return False
    return True
