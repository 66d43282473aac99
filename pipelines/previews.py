"""Previews of pull requests: admitted, assembled, deployed, and looked after.

Two kinds of steps that never mix. Those that run a branch's own code (its Dockerfile, its stacks) may push an image
into a repository of branches, and nothing else. Those that may deploy or speak on pull requests run what is on main,
and look at what the branch has assembled before they deploy it (docs/adr/0073).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import aws_cdk as cdk
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as targets
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.acknowledgement import Decision, acknowledge_lasting
from infra.config import ConfigurationError, Environment
from pipelines.bootstrap import Purpose, may_assume
from pipelines.builds import Build, BuildProps
from pipelines.config import Delivery
from pipelines.foundation import Foundation
from pipelines.image_rights import LOGIN, PULL, PUSH, log_in_to_ecr, platform_of
from pipelines.workflow import Workflow

_BY_HAND = Decision(
    reason="GitHub makes no fine-grained token by an API: a person makes it, with the day on which it ends. It opens "
    "one repository's pull requests and nothing in AWS",
    owner="platform",
    reference="docs/previews.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)
_LOOK_AGAIN = cdk.Duration.hours(3)
"""A quarter of the time in which people are warned before the end."""


@dataclass(frozen=True, kw_only=True)
class PreviewsProps:
    """`environment` carries the previews; `token` may write comments on pull requests."""

    delivery: Delivery
    foundation: Foundation
    environment: Environment
    token: secretsmanager.ISecret


class Previews(Construct):
    """Both pipelines, the images of branches, and the token that may write comments.

    The token is put in by hand: a fine-grained one of GitHub's, for this repository, that reads contents and writes
    pull requests.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        delivery: Delivery,
        foundation: Foundation,
        environment: Environment,
    ) -> None:
        super().__init__(scope, construct_id)
        if environment.previews is None:
            raise ConfigurationError(f"previews = {environment.name!r}: config/{environment.name}.toml carries none")
        self.token = secretsmanager.Secret(
            self, "GitHubToken", description="Writes the comments on pull requests", encryption_key=foundation.key
        )
        acknowledge_lasting(self.token, decision=_BY_HAND)
        life = environment.previews.life
        branches = foundation.branches([environment.account], days=max(life.hours, life.kept_hours) // 24 + 1)
        props = PreviewsProps(delivery=delivery, foundation=foundation, environment=environment, token=self.token)
        self.pushes = PreviewPipeline(self, "Push", props=props, branches=branches)
        self.tending = TendingPipeline(self, "Tend", props=props)


class _WithRights(Workflow):
    """A pipeline that has reviewed code beside the branch's, for steps that may do something."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        props: PreviewsProps,
        mode: codepipeline.ExecutionMode,
    ) -> None:
        super().__init__(
            scope, construct_id, delivery=props.delivery, foundation=props.foundation, mode=mode, reviewed=True
        )
        self.environment = props.environment
        self._token = props.token

    def trusted(
        self, construct_id: str, *, buildspec: str, description: str, minutes: int, roles: Sequence[Purpose]
    ) -> Build:
        environment = self.environment
        return self.build(
            construct_id,
            BuildProps(
                buildspec=buildspec,
                description=description,
                timeout_minutes=minutes,
                variables={
                    "ENVIRONMENT": environment.name,
                    "ACCOUNT": environment.account,
                    "REGION": environment.regions.primary,
                    "REPOSITORY": self.delivery.source.repository,
                },
                secrets={"GITHUB_TOKEN": self._token},
                statements=[
                    may_assume(
                        self,
                        roles,
                        account=environment.account,
                        regions=[environment.regions.primary],
                    )
                ],
            ),
        )


class PreviewPipeline(_WithRights):
    """From a push to a pull request's branch to a preview that serves it, or a comment that says why not."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        props: PreviewsProps,
        branches: ecr.Repository,
    ) -> None:
        super().__init__(scope, construct_id, props=props, mode=codepipeline.ExecutionMode.PARALLEL)
        self.start_on(self.source.on_pull_request())
        limits = self.delivery.timeout_minutes
        push = {"BRANCH": "#{Source.BranchName}", "COMMIT": "#{Source.CommitId}"}
        admit = self.trusted(
            "Admit",
            buildspec="preview-admit",
            description="Whether a pull request may have a preview: no forks, within the limits",
            minutes=limits.plan,
            roles=["lookup"],
        )
        self.pipeline.add_stage(
            stage_name="Admit",
            actions=[self.step("Admit", admit, source=self.reviewed, variables=push, namespace="Admit")],
        )
        assembly = codepipeline.Artifact("Assembly")
        self.pipeline.add_stage(
            stage_name="Assemble",
            actions=[
                self.step(
                    "Assemble",
                    self._assemble(branches),
                    variables={**push, "PULL_REQUEST": "#{Admit.PULL_REQUEST}", "OWNER": "#{Admit.OWNER}"},
                    outputs=[assembly],
                )
            ],
        )
        deploy = self.trusted(
            "Deploy",
            buildspec="preview-deploy",
            description="Deploys what a branch has assembled, after a look at it, and says how it went",
            minutes=limits.image,
            roles=["deploy", "file-publishing"],
        )
        self.pipeline.add_stage(
            stage_name="Deploy",
            actions=[self.step("Deploy", deploy, source=self.reviewed, inputs=[assembly], variables=push)],
        )

    def _assemble(self, branches: ecr.Repository) -> Build:
        environment = self.environment
        return self.build(
            "Assemble",
            BuildProps(
                buildspec="preview-assemble",
                description="Builds a branch's image and synthesizes its preview, by the branch's own code",
                timeout_minutes=self.delivery.timeout_minutes.image,
                docker=environment.cpu_architecture,
                hands_on=True,
                variables={
                    "ENVIRONMENT": environment.name,
                    "RELEASE_REPOSITORY": branches.repository_uri,
                    "PLATFORM": platform_of(environment.cpu_architecture),
                    "BASE_IMAGE": self.delivery.base_image,
                },
                wildcards={"*": LOGIN},
                statements=[
                    log_in_to_ecr(),
                    iam.PolicyStatement(
                        actions=[*PULL, *PUSH, "ecr:DescribeImages"], resources=[branches.repository_arn]
                    ),
                ],
            ),
        )


class TendingPipeline(_WithRights):
    """Ends previews of pull requests that are closed, takes the label `keep` for what it says, renews all comments.

    With each pull request that is closed, and every three hours for what no event tells of.
    """

    def __init__(self, scope: Construct, construct_id: str, *, props: PreviewsProps) -> None:
        super().__init__(scope, construct_id, props=props, mode=codepipeline.ExecutionMode.QUEUED)
        self.start_on(self.source.on_closed_pull_request())
        tend = self.trusted(
            "Tend",
            buildspec="preview-tend",
            description="Looks after the previews of pull requests",
            minutes=self.delivery.timeout_minutes.plan,
            roles=["deploy"],
        )
        self.pipeline.add_stage(stage_name="Tend", actions=[self.step("Tend", tend, source=self.reviewed)])
        scheduler.Schedule(
            self,
            "Schedule",
            description="Look after the previews of pull requests",
            schedule=scheduler.ScheduleExpression.rate(_LOOK_AGAIN),
            target=targets.CodePipelineStartPipelineExecution(self.pipeline),
        )
