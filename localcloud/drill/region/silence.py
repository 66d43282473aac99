"""Whether a lost region can still serve: its endpoints, its cluster, its bucket, which its CDN took pictures from.

The CDN's own address is not asked: load balancers have no names here, and it finds the second region's by its tag.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from localcloud import aws, outputs
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
    """What the region had: its name, its cluster and its bucket of receipts."""

    region: str
    bucket: str
    cluster: str


def note(platform: Platform) -> Noted:
    """To be asked for while the region stands."""
    return Noted(region=platform.region, bucket=outputs.value("ReceiptsBucket"), cluster=platform.cluster)


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
    """What of the lost region is still there, asked for in the region that stands."""
    found = []
    s3 = platform.client("s3")
    if noted.bucket in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}:
        found.append(f"the bucket {noted.bucket}")
    regions = {arn.split(":")[3] for arn in platform.client("ecs").list_clusters()["clusterArns"]}
    if noted.region in regions:
        found.append(f"the cluster {noted.cluster}")
    return found
