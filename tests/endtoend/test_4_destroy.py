"""The end: what `cdk destroy` leaves behind."""

from __future__ import annotations

import time
from contextlib import suppress

import psutil
import pytest

from localcloud import aws, cdk, layout, outputs, regions, strays

pytestmark = [pytest.mark.endtoend, pytest.mark.usefixtures("cloud")]


def test_destroying_dev_leaves_nothing_running_and_nothing_stored() -> None:
    cdk.run(["destroy", "--all", "--force", "--app", str(outputs.assembly()), "--no-notices"])
    for region in regions.standing():
        stacks = aws.client("cloudformation", region).describe_stacks()["Stacks"]
        assert {stack["StackName"] for stack in stacks} <= {"CDKToolkit"}
        assert aws.client("rds", region).describe_db_instances()["DBInstances"] == []
        assert aws.client("elasticache", region).describe_replication_groups()["ReplicationGroups"] == []
        assert aws.client("elbv2", region).describe_load_balancers()["LoadBalancers"] == []
        assert aws.client("ecs", region).list_clusters()["clusterArns"] == []
        secrets = aws.client("secretsmanager", region).list_secrets()["SecretList"]
        assert [secret["Name"] for secret in secrets] == []
    buckets = aws.client("s3", "us-east-1").list_buckets()["Buckets"]
    assert [b["Name"] for b in buckets if not b["Name"].startswith("cdk-")] == []
    psutil.wait_procs(servers := _servers(), timeout=60)
    assert _servers() == [], servers
    # A server's folder goes after the server, which first sends the end of its log to the archive.
    deadline = time.monotonic() + 30
    while (kept := _folders()) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert kept == []


def _folders() -> list[str]:
    return [kept.name for kind in ("rds", "elasticache") for kept in (layout.home() / kind).iterdir()]


def _servers() -> list[psutil.Process]:
    names = {"postgres", "valkey-server", "gunicorn", "pgbouncer", "celery"}
    found = []
    for process in strays.find():
        with suppress(psutil.NoSuchProcess):
            if process.name() in names:
                found.append(process)
    return found
