"""Scheduled drift detection: a run that fails, and so is told of, when deployed stacks differ from their templates."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as targets
from constructs import Construct

from infra.config import Environment
from pipelines.bootstrap import may_assume, regions
from pipelines.builds import Build, BuildProps
from pipelines.config import Delivery, Stages
from pipelines.foundation import Foundation
from pipelines.workflow import Workflow


class DriftPipeline(Workflow):
    """Looks at staging and production with roles that only read."""

    def __init__(
        self, scope: Construct, construct_id: str, *, delivery: Delivery, foundation: Foundation, stages: Stages
    ) -> None:
        super().__init__(
            scope, construct_id, delivery=delivery, foundation=foundation, mode=codepipeline.ExecutionMode.QUEUED
        )
        self.pipeline.add_stage(
            stage_name="Detect",
            actions=[
                self.step("Staging", self._detect("Staging", stages.staging)),
                self.step("Production", self._detect("Production", stages.production)),
            ],
        )
        scheduler.Schedule(
            self,
            "Schedule",
            description="Compare what is deployed with its templates",
            schedule=scheduler.ScheduleExpression.expression(
                delivery.drift.schedule, cdk.TimeZone.of(delivery.drift.time_zone)
            ),
            target=targets.CodePipelineStartPipelineExecution(self.pipeline),
        )

    def _detect(self, stage: str, environment: Environment) -> Build:
        return self.build(
            f"Detect{stage}",
            BuildProps(
                buildspec="drift",
                description=f"Drift of {environment.name}",
                timeout_minutes=self.delivery.timeout_minutes.drift,
                variables={
                    "ENVIRONMENT": environment.name,
                    "ACCOUNT": environment.account,
                    "REGIONS": " ".join(regions(environment)),
                },
                evidence=self.foundation.evidence,
                statements=[may_assume(self, ["lookup"], account=environment.account, regions=regions(environment))],
            ),
        )
