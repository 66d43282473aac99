"""From a commit on main to production: checked, built once, tested in staging, approved, released, watched."""

from __future__ import annotations

from typing import Literal

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_codepipeline_actions as actions
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.config import Environment
from pipelines import conditions
from pipelines.bootstrap import may_assume, regions
from pipelines.builds import BuildProps
from pipelines.config import Delivery, Stages
from pipelines.foundation import Foundation
from pipelines.image_rights import LOGIN, PULL, PUSH, log_in_to_ecr, platform_of
from pipelines.workflow import Workflow

_IMAGE = "#{Image.IMAGE}"
"""The variable that the image's build exports: the image's name by digest."""


class DeliveryPipeline(Workflow):
    """One run at a time in each stage; a newer one overtakes an older one that waits.

    Update and checks come before anything is built; the image is built once, and what staging has tested is what
    production gets: the same image by digest, the same templates.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        delivery: Delivery,
        foundation: Foundation,
        stages: Stages,
        red: cloudwatch.IAlarm | None,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            delivery=delivery,
            foundation=foundation,
            mode=codepipeline.ExecutionMode.SUPERSEDED,
        )
        self._stages = stages
        self._assembly = codepipeline.Artifact("Assembly")
        self.start_on(self.source.on_push())
        self._update()
        self._check()
        self._build_image()
        self._staging()
        self._approve()
        self._production(red)

    def _update(self) -> None:
        """The pipelines' own stack, so that the run goes on as the commit says."""
        account, region = self.delivery.account, self.delivery.region
        update = self.build(
            "Update",
            BuildProps(
                buildspec="update",
                description="Deploys the pipelines' own stack",
                timeout_minutes=self.delivery.timeout_minutes.update,
                statements=[may_assume(self, ["deploy", "file-publishing"], account=account, regions=[region])],
            ),
        )
        self.pipeline.add_stage(stage_name="Update", actions=[self.step("SelfUpdate", update)])

    def _check(self) -> None:
        limits, evidence = self.delivery.timeout_minutes, self.foundation.evidence
        checks = self.build(
            "Checks",
            BuildProps(
                buildspec="checks",
                description="Lint, types, preflight and every test",
                timeout_minutes=limits.checks,
                namespaces=True,  # tests run the local cloud, and build the image with buildah
                large=True,
            ),
        )
        scan = self.build(
            "Scan",
            BuildProps(
                buildspec="scan",
                description="Secrets in the tree, code, Dockerfile and dependencies",
                timeout_minutes=limits.scan,
                evidence=evidence,
            ),
        )
        self.pipeline.add_stage(stage_name="Check", actions=[self.step("Checks", checks), self.step("Scan", scan)])

    def _build_image(self) -> None:
        limits, releases = self.delivery.timeout_minutes, self.foundation.releases
        architecture = self._stages.production.cpu_architecture
        image = self.build(
            "Image",
            BuildProps(
                buildspec="image",
                description="Builds the application's image and pushes it under the commit's name",
                timeout_minutes=limits.image,
                docker=architecture,
                variables={
                    "RELEASE_REPOSITORY": releases.repository_uri,
                    "CACHE_REPOSITORY": self.foundation.build_cache.repository_uri,
                    "PLATFORM": platform_of(architecture),
                    "BASE_IMAGE": self.delivery.base_image,
                },
                wildcards={"*": LOGIN},
                statements=[
                    log_in_to_ecr(),
                    iam.PolicyStatement(
                        actions=[*PULL, *PUSH],
                        resources=[releases.repository_arn, self.foundation.build_cache.repository_arn],
                    ),
                    iam.PolicyStatement(actions=["ecr:DescribeImages"], resources=[releases.repository_arn]),
                ],
            ),
        )
        inspect = self.build(
            "InspectImage",
            BuildProps(
                buildspec="inspect-image",
                description="Waits for the image's scan, judges it, lists what is in the image",
                timeout_minutes=limits.image_scan,
                evidence=self.foundation.evidence,
                wildcards={"*": LOGIN},
                statements=[
                    log_in_to_ecr(),
                    iam.PolicyStatement(
                        actions=[*PULL, "ecr:DescribeImages", "ecr:DescribeImageScanFindings"],
                        resources=[releases.repository_arn],
                    ),
                ],
            ),
        )
        assemble = self.build(
            "Assemble",
            BuildProps(
                buildspec="assemble",
                description="Synthesizes staging and production with the image by its digest",
                timeout_minutes=limits.assemble,
                hands_on=True,
                variables={"STAGING": self._stages.staging.name, "PRODUCTION": self._stages.production.name},
            ),
        )
        self.pipeline.add_stage(
            stage_name="Image",
            actions=[
                self.step("Build", image, namespace="Image"),
                self.step("Inspect", inspect, order=2, variables={"IMAGE": _IMAGE}),
                self.step("Assemble", assemble, order=2, variables={"IMAGE": _IMAGE}, outputs=[self._assembly]),
            ],
        )

    def _staging(self) -> None:
        environment = self._stages.staging
        load = self.delivery.load
        self.pipeline.add_stage(
            stage_name="Staging",
            on_failure=conditions.GO_BACK,
            actions=[
                self._deploy("Staging", environment),
                self._verify(
                    "Staging",
                    environment,
                    smoke="full",
                    variables={
                        "LOAD_REQUESTS_PER_SECOND": str(load.requests_per_second),
                        "LOAD_SECONDS": str(load.seconds),
                        "LOAD_MAX_FAILED_PERCENT": str(load.max_failed_percent),
                        "LOAD_MAX_P95_MS": str(load.max_p95_ms),
                    },
                ),
            ],
        )

    def _approve(self) -> None:
        environment = self._stages.production
        plan = self.build(
            "Plan",
            BuildProps(
                buildspec="plan",
                description="Says what the release would change in production, read-only",
                timeout_minutes=self.delivery.timeout_minutes.plan,
                evidence=self.foundation.evidence,
                variables={"ENVIRONMENT": environment.name},
                statements=[may_assume(self, ["lookup"], account=environment.account, regions=regions(environment))],
            ),
        )
        self.pipeline.add_stage(
            stage_name="Approve",
            actions=[
                self.step("Plan", plan, inputs=[self._assembly], namespace="Plan"),
                actions.ManualApprovalAction(
                    action_name="Approve",
                    run_order=2,
                    timeout=cdk.Duration.minutes(self.delivery.approval.timeout_minutes),
                    notification_topic=self.foundation.topic,
                    external_entity_link="#{Plan.EVIDENCE_URL}",
                    additional_information=(
                        "#{Source.CommitId} is to go to production. "
                        "The link leads to the plan, the scans, the inventory and staging's results."
                    ),
                ),
            ],
        )

    def _production(self, red: cloudwatch.IAlarm | None) -> None:
        environment, gate = self._stages.production, self.delivery.gate
        if red:
            self.pipeline.add_to_role_policy(
                iam.PolicyStatement(actions=["cloudwatch:DescribeAlarms"], resources=[red.alarm_arn])
            )
        self.pipeline.add_stage(
            stage_name="Production",
            before_entry=conditions.entry(window=self.delivery.change_window, red=red),
            on_success=conditions.afterwards(red=red, watch_minutes=gate.watch_minutes) if red else None,
            on_failure=conditions.GO_BACK,
            actions=[
                self._deploy("Production", environment),
                self._verify("Production", environment, smoke="read-only", variables={}),
            ],
        )

    def _deploy(self, stage: str, environment: Environment) -> actions.CodeBuildAction:
        deploy = self.build(
            f"Deploy{stage}",
            BuildProps(
                buildspec="deploy",
                description=f"Creates and executes the change sets of {environment.name}",
                timeout_minutes=self.delivery.timeout_minutes.deploy,
                variables={"ENVIRONMENT": environment.name},
                statements=[
                    may_assume(
                        self, ["deploy", "file-publishing"], account=environment.account, regions=regions(environment)
                    )
                ],
            ),
        )
        return self.step("Deploy", deploy, inputs=[self._assembly])

    def _verify(
        self, stage: str, environment: Environment, *, smoke: Literal["full", "read-only"], variables: dict[str, str]
    ) -> actions.CodeBuildAction:
        verify = self.build(
            f"Verify{stage}",
            BuildProps(
                buildspec="verify",
                description=f"Tries {environment.name} from outside",
                timeout_minutes=self.delivery.timeout_minutes.verify,
                evidence=self.foundation.evidence,
                variables={
                    "ENVIRONMENT": environment.name,
                    "ACCOUNT": environment.account,
                    "REGION": environment.regions.primary,
                    "SMOKE": smoke,
                    **variables,
                },
                statements=[
                    may_assume(self, ["lookup"], account=environment.account, regions=[environment.regions.primary])
                ],
            ),
        )
        return self.step("Verify", verify, order=2)
