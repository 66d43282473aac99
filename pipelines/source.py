"""The first stage of every pipeline: the repository, through a connection that a person has authorized."""

from __future__ import annotations

from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_codepipeline_actions as actions
from aws_cdk import aws_iam as iam

from pipelines.config import Source


class GitHubSource:
    """The source `action` and its `artifact`. What starts a pipeline is a trigger, or a schedule, never the action."""

    def __init__(self, source: Source) -> None:
        self.settings = source
        self.artifact = codepipeline.Artifact("Source")
        self.action = actions.CodeStarConnectionsSourceAction(
            action_name="GitHub",
            connection_arn=source.connection_arn,
            owner=source.owner,
            repo=source.name,
            branch=source.branch,
            output=self.artifact,
            trigger_on_push=False,
            variables_namespace="Source",
        )

    def allow(self, pipeline: codepipeline.Pipeline) -> None:
        """Both prefixes: CDK grants the old one only, and an ARN of the new one is refused without the new one."""
        pipeline.add_to_role_policy(
            iam.PolicyStatement(
                actions=["codeconnections:UseConnection", "codestar-connections:UseConnection"],
                resources=[self.settings.connection_arn],
            )
        )

    def on_push(self) -> codepipeline.GitConfiguration:
        """A commit on the branch that is delivered."""
        return codepipeline.GitConfiguration(
            source_action=self.action,
            push_filter=[codepipeline.GitPushFilter(branches_includes=[self.settings.branch])],
        )

    def trusted(self) -> actions.CodeStarConnectionsSourceAction:
        """What the delivered branch has, beside what started a run: code that was reviewed, for steps with rights."""
        return actions.CodeStarConnectionsSourceAction(
            action_name="Reviewed",
            connection_arn=self.settings.connection_arn,
            owner=self.settings.owner,
            repo=self.settings.name,
            branch=self.settings.branch,
            output=codepipeline.Artifact("Reviewed"),
            trigger_on_push=False,
            variables_namespace="Reviewed",
        )

    def on_closed_pull_request(self) -> codepipeline.GitConfiguration:
        """A pull request towards that branch, merged or given up."""
        return codepipeline.GitConfiguration(
            source_action=self.action,
            pull_request_filter=[
                codepipeline.GitPullRequestFilter(
                    branches_includes=[self.settings.branch], events=[codepipeline.GitPullRequestEvent.CLOSED]
                )
            ],
        )

    def on_pull_request(self) -> codepipeline.GitConfiguration:
        """A pull request towards that branch, opened or with new commits."""
        events = codepipeline.GitPullRequestEvent
        return codepipeline.GitConfiguration(
            source_action=self.action,
            pull_request_filter=[
                codepipeline.GitPullRequestFilter(
                    branches_includes=[self.settings.branch], events=[events.OPEN, events.UPDATED]
                )
            ],
        )
