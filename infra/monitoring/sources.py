"""All that an environment is watched by: its metrics, by where they come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import aws_cloudwatch as cloudwatch

from infra.monitoring.metrics.application import ApplicationMetrics
from infra.monitoring.metrics.database import DatabaseMetrics
from infra.monitoring.metrics.ecs_service import EcsServiceMetrics
from infra.monitoring.metrics.load_balancer import LoadBalancerMetrics
from infra.monitoring.metrics.valkey import ValkeyMetrics


@dataclass(frozen=True, kw_only=True)
class Sources:
    """`blocked` by firewall; `nat_gateways` are their ids."""

    application: ApplicationMetrics
    load_balancer: LoadBalancerMetrics
    web: EcsServiceMetrics
    worker: EcsServiceMetrics
    beat: EcsServiceMetrics
    writer: DatabaseMetrics
    readers: Sequence[DatabaseMetrics]
    broker: ValkeyMetrics
    cache: ValkeyMetrics
    blocked: Mapping[str, cloudwatch.IMetric]
    nat_gateways: Sequence[str]
