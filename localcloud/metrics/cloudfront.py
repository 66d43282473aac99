"""AWS/CloudFront, from the requests that Envoy answered for distributions.

docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/programming-cloudwatch-metrics.html: in us-east-1, with the
dimension Region=Global. Cache and origin metrics are of no use here: nothing is cached.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from localcloud.dataplane.envoy.request_log import Request
from localcloud.metrics.datum import Datum, Minute, minute_of

NAMESPACE = "AWS/CloudFront"
REGION = "us-east-1"


def requests(found: Iterable[Request]) -> list[Datum]:
    """Each request is counted in the minute it was answered in; its owner is a distribution's id."""
    groups: dict[tuple[int, str], list[Request]] = defaultdict(list)
    for request in found:
        groups[(minute_of(request.completed), request.owner)].append(request)
    data: list[Datum] = []
    for (minute, distribution), group in groups.items():
        into = Minute(namespace=NAMESPACE, region=REGION, start=minute)
        names = {"DistributionId": distribution, "Region": "Global"}
        client = sum(400 <= each.code < 500 for each in group)
        server = sum(each.code >= 500 for each in group)
        data += [
            into.counted("Requests", {1: len(group)}, "None", **names),
            into.value("BytesDownloaded", sum(each.sent for each in group), "None", **names),
            into.value("BytesUploaded", sum(each.received for each in group), "None", **names),
            into.value("4xxErrorRate", 100 * client / len(group), "Percent", **names),
            into.value("5xxErrorRate", 100 * server / len(group), "Percent", **names),
            into.value("TotalErrorRate", 100 * (client + server) / len(group), "Percent", **names),
        ]
    return data
