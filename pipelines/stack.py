"""The stack of the tooling account."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from infra.permissions import PermissionsBoundary, bound_roles, without_inline_policies
from pipelines.alarm_watch import AlarmWatch, WatchProps
from pipelines.config import Delivery, Stages
from pipelines.delivery import DeliveryPipeline
from pipelines.drift import DriftPipeline
from pipelines.foundation import Foundation
from pipelines.previews import Previews
from pipelines.pull_requests import PullRequestPipeline
from pipelines.workflow import workshop

STACK_NAME = "SpendSmart-Tooling-Pipeline"
_BOUNDARY = "spendsmart-tooling-boundary"


class PipelineStack(cdk.Stack):
    """Pipelines on one foundation: delivery, pull requests, drift, and two for previews."""

    def __init__(self, scope: Construct, *, delivery: Delivery, stages: Stages) -> None:
        super().__init__(
            scope,
            STACK_NAME,
            stack_name=STACK_NAME,
            description="Delivery of SpendSmart",
            env=cdk.Environment(account=delivery.account, region=delivery.region),
            termination_protection=True,
        )
        boundary = PermissionsBoundary(self, "Boundary", name=_BOUNDARY, role_prefix="SpendSmart-Tooling-")
        self.foundation = Foundation(
            self,
            "Foundation",
            delivery=delivery,
            stage_accounts=[stages.staging.account, stages.production.account],
        )
        self.delivery = DeliveryPipeline(
            self,
            "Delivery",
            delivery=delivery,
            foundation=self.foundation,
            stages=stages,
            red=self._watch(delivery, stages),
        )
        self.pull_requests = PullRequestPipeline(self, "PullRequests", delivery=delivery, foundation=self.foundation)
        self.drift = DriftPipeline(self, "Drift", delivery=delivery, foundation=self.foundation, stages=stages)
        if stages.previews:
            Previews(self, "Previews", delivery=delivery, foundation=self.foundation, environment=stages.previews)
        bound_roles(self, boundary)
        without_inline_policies(self)
        cdk.CfnOutput(self, "DeliveryPipelineName", value=self.delivery.pipeline.pipeline_name)
        cdk.CfnOutput(self, "ReleaseRepository", value=self.foundation.releases.repository_uri)
        cdk.CfnOutput(self, "EvidenceBucket", value=self.foundation.evidence.bucket_name)

    def _watch(self, delivery: Delivery, stages: Stages) -> cloudwatch.IAlarm | None:
        """The alarm that closes production, where the configuration names any to watch."""
        if not delivery.gate.p0_alarms:
            return None
        watch = AlarmWatch(
            self,
            "AlarmWatch",
            workshop=workshop(delivery, self.foundation),
            props=WatchProps(
                alarms=delivery.gate.p0_alarms,
                account=stages.production.account,
                region=stages.production.regions.primary,
            ),
        )
        return watch.alarm
