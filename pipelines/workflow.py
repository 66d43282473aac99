"""A pipeline of type V2 whose every step is a build, and the notice of its failures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_codepipeline_actions as actions
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from constructs import Construct

from infra.acknowledgement import Decision, Pack, acknowledge, acknowledge_wildcard
from pipelines.builds import Build, BuildProps, Workshop
from pipelines.config import Delivery
from pipelines.foundation import Foundation
from pipelines.source import GitHubSource

_ARTIFACTS = Decision(
    reason="CodePipeline's own use of its artifacts: CDK grants whole groups of actions, on the one bucket and "
    "the one key that belong to these pipelines alone and hold nothing but what they have made",
    owner="platform",
    reference="docs/pipeline.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)


class Workflow(Construct):
    """A pipeline that begins with the repository; subclasses add its stages."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        delivery: Delivery,
        foundation: Foundation,
        mode: codepipeline.ExecutionMode,
        reviewed: bool = False,
    ) -> None:
        """`reviewed` fetches the delivered branch, too, as `self.reviewed`."""
        super().__init__(scope, construct_id)
        self.delivery = delivery
        self.foundation = foundation
        self._workshop = workshop(delivery, foundation)
        self.source = GitHubSource(delivery.source)
        self.pipeline = codepipeline.Pipeline(
            self,
            "Pipeline",
            pipeline_type=codepipeline.PipelineType.V2,
            execution_mode=mode,
            artifact_bucket=foundation.artifacts,
            # A changed definition is used at once, by the very commit that changes it.
            restart_execution_on_update=mode is codepipeline.ExecutionMode.SUPERSEDED,
            use_pipeline_role_for_actions=True,
        )
        self._acknowledge_artifacts()
        self.source.allow(self.pipeline)
        trusted = self.source.trusted() if reviewed else None
        self.reviewed = trusted.action_properties.outputs[0] if trusted and trusted.action_properties.outputs else None
        self.pipeline.add_stage(stage_name="Source", actions=[self.source.action, *([trusted] if trusted else [])])
        self._tell_of_failures()

    def start_on(self, event: codepipeline.GitConfiguration) -> None:
        """What in the repository starts a run."""
        self.pipeline.add_trigger(
            provider_type=codepipeline.ProviderType.CODE_STAR_SOURCE_CONNECTION, git_configuration=event
        )

    def build(self, construct_id: str, props: BuildProps) -> Build:
        """A project of this pipeline."""
        return Build(self, construct_id, workshop=self._workshop, props=props)

    def step(
        self,
        name: str,
        build: Build,
        *,
        order: int = 1,
        inputs: Sequence[codepipeline.Artifact] = (),
        outputs: Sequence[codepipeline.Artifact] = (),
        variables: Mapping[str, str] | None = None,
        namespace: str | None = None,
        source: codepipeline.Artifact | None = None,
    ) -> actions.CodeBuildAction:
        """Run a project over the source, or another one that has its buildspec, and over `inputs` beside it."""
        return actions.CodeBuildAction(
            action_name=name,
            project=build.project,
            input=source or self.source.artifact,
            extra_inputs=list(inputs) or None,
            outputs=list(outputs) or None,
            run_order=order,
            environment_variables={
                key: codebuild.BuildEnvironmentVariable(value=value) for key, value in (variables or {}).items()
            },
            variables_namespace=namespace,
        )

    def _acknowledge_artifacts(self) -> None:
        groups = ["s3:Abort*", "s3:DeleteObject*", "s3:GetBucket*", "s3:GetObject*", "s3:List*"]
        for action in [*groups, "kms:GenerateDataKey*", "kms:ReEncrypt*"]:
            finding = f"IAM5[Action::{action}]"
            acknowledge(
                self.pipeline.role.node.find_child("DefaultPolicy"),
                finding,
                packs=[Pack.AWS_SOLUTIONS],
                decision=_ARTIFACTS,
            )
        artifacts = self.foundation.artifacts.arn_for_objects("*")
        acknowledge_wildcard(self.pipeline.role, artifacts, decision=_ARTIFACTS)

    def _tell_of_failures(self) -> None:
        field = events.EventField.from_path
        text = (
            f"{self.node.id} {field('$.detail.state')}: {field('$.detail.pipeline')}, "
            f"execution {field('$.detail.execution-id')}, in {field('$.account')} {field('$.region')}"
        )
        self.pipeline.on_event(
            "Failure",
            description="A run failed or was stopped",
            event_pattern=events.EventPattern(
                detail_type=["CodePipeline Pipeline Execution State Change"],
                detail={"state": ["FAILED", "STOPPED"]},
            ),
            target=targets.SnsTopic(self.foundation.topic, message=events.RuleTargetInput.from_text(text)),
        )


def workshop(delivery: Delivery, foundation: Foundation) -> Workshop:
    """What all builds share."""
    return Workshop(
        key=foundation.key,
        artifacts=foundation.artifacts,
        log_retention_days=delivery.log_retention_days,
        queued_minutes=delivery.timeout_minutes.queued,
    )
