"""Pull requests: the checks and scans of delivery, and nothing that could deploy, push or read what is deployed."""

from __future__ import annotations

from aws_cdk import aws_codepipeline as codepipeline
from constructs import Construct

from pipelines.builds import BuildProps
from pipelines.config import Delivery
from pipelines.foundation import Foundation
from pipelines.workflow import Workflow


class PullRequestPipeline(Workflow):
    """Runs side by side. Its builds run code that nobody has reviewed: their roles write logs, and that is all."""

    def __init__(self, scope: Construct, construct_id: str, *, delivery: Delivery, foundation: Foundation) -> None:
        super().__init__(
            scope, construct_id, delivery=delivery, foundation=foundation, mode=codepipeline.ExecutionMode.PARALLEL
        )
        self.start_on(self.source.on_pull_request())
        limits = delivery.timeout_minutes
        checks = self.build(
            "Checks",
            BuildProps(
                buildspec="checks",
                description="Lint, types, preflight and every test, of a pull request",
                timeout_minutes=limits.checks,
                namespaces=True,  # as in delivery
                large=True,
            ),
        )
        scan = self.build(
            "Scan",
            BuildProps(
                buildspec="scan",
                description="Secrets in the tree, code, Dockerfile and dependencies, of a pull request",
                timeout_minutes=limits.scan,
            ),
        )
        self.pipeline.add_stage(stage_name="Check", actions=[self.step("Checks", checks), self.step("Scan", scan)])
