"""Metrics of the running platform: counted against the load balancer's log, and under the names that alarms have."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2

from localcloud import aws, commands
from localcloud.metrics.datum import MINUTE, minute_of
from tests.localcloud.dataplane.conftest import eventually

REGION = "us-east-1"
NAMESPACES = {"AWS/ApplicationELB", "AWS/ECS", "AWS/RDS", "AWS/ElastiCache"}
_ANSWERED = re.compile(r"^\S+ (?P<start>\S+) \S+ \S+ \"(?P<target>\S+)\" \S+ \S+ (?P<ms>\d+) (?P<code>\d+) ")


def _cloudwatch() -> Any:
    return aws.client("cloudwatch", REGION)


def _balancer() -> str:
    (found,) = aws.client("elbv2", REGION).describe_load_balancers()["LoadBalancers"]
    return str(found["LoadBalancerArn"]).split(":loadbalancer/")[1]


def _sum(name: str, start: int, end: int) -> int:
    points = _cloudwatch().get_metric_statistics(
        Namespace="AWS/ApplicationELB",
        MetricName=name,
        Dimensions=[{"Name": "LoadBalancer", "Value": _balancer()}],
        StartTime=datetime.fromtimestamp(start, UTC),
        EndTime=datetime.fromtimestamp(end, UTC),
        Period=MINUTE,
        Statistics=["Sum"],
    )["Datapoints"]
    return int(sum(point["Sum"] for point in points))


def _logged(home: Path, start: int, end: int) -> Counter[int]:
    """Answers of targets by the hundreds of their codes, from the access log that people read."""
    found: Counter[int] = Counter()
    for path in (home / "logs").glob("alb-*.log"):
        for line in path.read_text().splitlines():
            answered = _ANSWERED.match(line)
            assert answered, line
            ended = datetime.fromisoformat(answered["start"]) + timedelta(milliseconds=int(answered["ms"]))
            if start <= ended.timestamp() < end and answered["target"] != "-":
                found[int(answered["code"]) // 100] += 1
    return found


def test_every_answer_of_a_minute_is_counted_under_its_code(cloud: Path) -> None:
    begin = minute_of(time.time())
    for number in range(40):
        httpx2.get(f"{commands.web_url()}/{'readyz' if number % 4 else 'nothing-here'}", timeout=30)
    end = minute_of(time.time()) + MINUTE
    eventually(lambda: _sum("RequestCount", begin, end) >= 40, within=end - time.time() + 30, period=1)
    logged = _logged(cloud, begin, end)
    assert logged[4] >= 10
    assert _sum("RequestCount", begin, end) == logged.total()
    assert _sum("HTTPCode_Target_2XX_Count", begin, end) == logged[2]
    assert _sum("HTTPCode_Target_4XX_Count", begin, end) == logged[4]


def test_what_alarms_look_at_is_what_is_published(cloud: Path) -> None:
    """The dimensions of every metric of an alarm; values that only AWS could give, as of replicas, aside."""
    pages = _cloudwatch().get_paginator("list_metrics").paginate()
    published = {_dimensions(metric) for page in pages for metric in page["Metrics"]}
    groups = aws.client("elbv2", REGION).describe_target_groups()["TargetGroups"]
    names = {group["TargetGroupArn"].rsplit(":", 1)[1] for group in groups}
    used = {name for _, pairs in published for key, name in pairs if key == "TargetGroup"}
    assert used
    assert used <= names
    looked_at = list(_looked_at())
    assert {metric["Namespace"] for metric in looked_at} >= {"AWS/ApplicationELB", "AWS/ECS", "AWS/RDS"}
    for metric in looked_at:
        namespace, pairs = _dimensions(metric)
        # A target group that nothing runs in yet says nothing, but has the name it will say it under.
        idle = {name for key, name in pairs if key == "TargetGroup"} & (names - used)
        assert (namespace, pairs) in published or idle, metric


def _looked_at() -> Iterator[dict[str, Any]]:
    pages = _cloudwatch().get_paginator("describe_alarms").paginate(AlarmTypes=["MetricAlarm"])
    for alarm in (alarm for page in pages for alarm in page["MetricAlarms"]):
        for metric in [alarm, *(query.get("MetricStat", {}).get("Metric", {}) for query in alarm.get("Metrics", []))]:
            if metric.get("Namespace") in NAMESPACES:
                yield metric


def _dimensions(metric: dict[str, Any]) -> tuple[str, frozenset[tuple[str, str]]]:
    return metric["Namespace"], frozenset((each["Name"], each["Value"]) for each in metric["Dimensions"])
