"""Whether a lost region can still serve: its endpoints, its bucket, its picture addresses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import httpx2
from botocore.exceptions import BotoCoreError, ClientError

from localcloud import aws, demo, layout, outputs
from localcloud.drill.platform import Platform

_CALLS = (
    ("sts", "get_caller_identity"),
    ("ecs", "list_clusters"),
    ("rds", "describe_db_instances"),
    ("elasticache", "describe_replication_groups"),
    ("elbv2", "describe_load_balancers"),
    ("secretsmanager", "list_secrets"),
    ("s3", "list_buckets"),
    ("cloudformation", "describe_stacks"),
)


@dataclass(frozen=True, kw_only=True)
class Noted:
    """What the region had: its name, its bucket of receipts, and what answered for pictures."""

    region: str
    bucket: str
    cluster: str
    pictures: str


def note(platform: Platform) -> Noted:
    """To be asked for while the region stands."""
    return Noted(
        region=platform.region,
        bucket=outputs.value("ReceiptsBucket"),
        cluster=platform.cluster,
        pictures=f"https://localhost:{layout.ports().cdn}",
    )


def ask(noted: Noted) -> tuple[int, int]:
    """How many calls were sent to the region's endpoints, and how many of them were refused."""
    refused = 0
    for service, call in _CALLS:
        try:
            getattr(aws.client(service, noted.region), call)()
        except (ClientError, BotoCoreError):
            refused += 1
    return len(_CALLS), refused


def serves(noted: Noted, platform: Platform) -> Sequence[str]:
    """What of the lost region still answers, asked for from outside and from the region that stands."""
    found = []
    s3 = platform.client("s3")
    if noted.bucket in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}:
        found.append(f"the bucket {noted.bucket}")
    regions = {arn.split(":")[3] for arn in platform.client("ecs").list_clusters()["clusterArns"]}
    if noted.region in regions:
        found.append(f"the cluster {noted.cluster}")
    try:
        answer = httpx2.get(f"{noted.pictures}/", verify=demo.trust(), timeout=5)
    except httpx2.HTTPError:
        return found
    return [*found, f"pictures at {noted.pictures}"] if answer.status_code < 400 else found
