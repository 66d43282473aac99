"""CodeBuild projects: each runs one buildspec of `pipelines/buildspecs/` in the source that the pipeline hands over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

import aws_cdk as cdk
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.acknowledgement import Decision, Pack, acknowledge, acknowledge_wildcard
from infra.config.models import RetentionDays
from infra.retention import retention

_OBJECTS = Decision(
    reason="Objects of one bucket of the pipelines' own, which CodePipeline and the commit give their names: the"
    " bucket is named, its objects cannot be",
    owner="platform",
    reference="docs/pipeline.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)
_FROM_PIPELINE = Decision(
    reason="Its source comes from CodePipeline, which reads the repository by a connection that GitHub knows as "
    "an app: the project holds no address and no token. cdk-nag looks for OAuth in projects that fetch "
    "their source themselves",
    owner="platform",
    reference="docs/pipeline.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)

BUILDSPECS = "pipelines/buildspecs"


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """What all builds of a pipeline share: its key and artifacts, and how long logs and queues last."""

    key: kms.IKey
    artifacts: s3.IBucket
    log_retention_days: RetentionDays
    queued_minutes: int


@dataclass(frozen=True, kw_only=True)
class BuildProps:
    """`buildspec` is a file's name without its ending; `docker` is the architecture of a build that runs Docker.

    `namespaces` is for a build that makes containers or namespaces itself, which only privileged ones may; `hands_on`
    says whether later steps get artifacts of this one. `secrets` are variables with what a secret holds. `wildcards`
    says why resources of `statements` have a star in them.
    """

    buildspec: str
    description: str
    timeout_minutes: int
    variables: Mapping[str, str] = field(default_factory=dict)
    docker: Literal["arm64", "x86_64"] | None = None
    namespaces: bool = False
    large: bool = False
    hands_on: bool = False
    evidence: s3.IBucket | None = None
    statements: Sequence[iam.PolicyStatement] = ()
    secrets: Mapping[str, secretsmanager.ISecret] = field(default_factory=dict)
    wildcards: Mapping[str, Decision] = field(default_factory=dict)


class Build(Construct):
    """One project. Its role reads artifacts, writes its own logs, and does what `props` say.

    The role takes no grants from CDK, which are wider: whole groups of S3 and KMS actions, report groups, and log
    groups that are not used.
    """

    def __init__(self, scope: Construct, construct_id: str, *, workshop: Workshop, props: BuildProps) -> None:
        super().__init__(scope, construct_id)
        group = logs.LogGroup(
            self, "Logs", retention=retention(workshop.log_retention_days), encryption_key=workshop.key
        )
        variables = dict(props.variables)
        if props.evidence:
            variables["EVIDENCE_BUCKET"] = props.evidence.bucket_name
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("codebuild.amazonaws.com"),
            description=props.description,
        )
        for statement in _rights(group, workshop, props):
            role.add_to_policy(statement)
        for bucket in [workshop.artifacts, *([props.evidence] if props.evidence else [])]:
            acknowledge_wildcard(role, bucket.arn_for_objects("*"), decision=_OBJECTS)
        for resource, decision in props.wildcards.items():
            acknowledge_wildcard(role, resource, decision=decision)
        self.project = codebuild.PipelineProject(
            self,
            "Project",
            description=props.description,
            role=role.without_policy_updates(),
            build_spec=codebuild.BuildSpec.from_source_filename(f"{BUILDSPECS}/{props.buildspec}.yml"),
            environment=_environment(props),
            environment_variables={
                **{name: codebuild.BuildEnvironmentVariable(value=value) for name, value in variables.items()},
                **{
                    name: codebuild.BuildEnvironmentVariable(
                        value=secret.secret_arn, type=codebuild.BuildEnvironmentVariableType.SECRETS_MANAGER
                    )
                    for name, secret in props.secrets.items()
                },
            },
            check_secrets_in_plain_text_env_variables=True,
            grant_report_group_permissions=False,
            encryption_key=workshop.key,
            logging=codebuild.LoggingOptions(cloud_watch=codebuild.CloudWatchLoggingOptions(log_group=group)),
            timeout=cdk.Duration.minutes(props.timeout_minutes),
            queued_timeout=cdk.Duration.minutes(workshop.queued_minutes),
        )
        self.project.node.add_dependency(role)
        acknowledge(
            self.project, "CodeBuildProjectSourceRepoUrl", packs=(Pack.HIPAA, Pack.PCI), decision=_FROM_PIPELINE
        )


def _rights(group: logs.ILogGroup, workshop: Workshop, props: BuildProps) -> list[iam.PolicyStatement]:
    artifacts = [workshop.artifacts.arn_for_objects("*")]
    writable = [
        *(artifacts if props.hands_on else []),
        *([props.evidence.arn_for_objects("*")] if props.evidence else []),
    ]
    return [
        iam.PolicyStatement(actions=["logs:CreateLogStream", "logs:PutLogEvents"], resources=[group.log_group_arn]),
        iam.PolicyStatement(actions=["s3:GetObject", "s3:GetObjectVersion"], resources=artifacts),
        iam.PolicyStatement(
            actions=["kms:Decrypt", *(["kms:GenerateDataKey"] if writable else [])], resources=[workshop.key.key_arn]
        ),
        *([iam.PolicyStatement(actions=["s3:PutObject"], resources=writable)] if writable else []),
        *(
            iam.PolicyStatement(actions=["secretsmanager:GetSecretValue"], resources=[secret.secret_arn])
            for secret in props.secrets.values()
        ),
        *props.statements,
    ]


def _environment(props: BuildProps) -> codebuild.BuildEnvironment:
    if props.docker == "arm64":
        # An arm64 image is built on arm64: emulation takes several times as long.
        return codebuild.BuildEnvironment(
            build_image=codebuild.LinuxArmBuildImage.AMAZON_LINUX_2023_STANDARD_3_0,
            compute_type=codebuild.ComputeType.LARGE,
            privileged=True,
        )
    return codebuild.BuildEnvironment(
        build_image=codebuild.LinuxBuildImage.STANDARD_7_0,
        compute_type=codebuild.ComputeType.LARGE if props.large or props.docker else codebuild.ComputeType.MEDIUM,
        privileged=props.namespaces or props.docker is not None,
    )
