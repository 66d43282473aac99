"""CodePipeline and CodeBuild: connections to source hosts, and the roles that use them."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.assembly import Resource
from preflight.rule import Confidence, Fault, Severity, rule
from preflight.rules.pipelines import CONNECTION_PROVIDER, PIPELINE, actions, provider
from preflight.rules.role_grants import allows_action, assumed_by, role_of
from preflight.values import Node, target, text

CONNECTIONS = ("AWS::CodeConnections::Connection", "AWS::CodeStarConnections::Connection")


@rule(
    "PIPE-119",
    constraint=119,
    severity=Severity.COST,
    confidence=Confidence.DOCUMENTED,
    title="A connection that a template creates waits for a handshake by hand",
    otherwise="The connection stays PENDING after the deploy, and the first run of the pipeline fails.",
    remedy="Create the connection once, complete it in the console, and pass its ARN into the template.",
    source="https://docs.aws.amazon.com/dtconsole/latest/userguide/connections-update.html",
    types=PIPELINE,
)
def connection_in_the_same_deploy(pipeline: Resource) -> Iterator[Fault]:
    for action in actions(pipeline):
        arn = action.get("Configuration", "ConnectionArn")
        connection = target(arn, *CONNECTIONS)
        if connection is not None:
            yield Fault(at=str(arn), message=f"uses the connection {connection.construct_path}, created with it")


@rule(
    "PIPE-120",
    constraint=120,
    severity=Severity.SILENT,
    confidence=Confidence.DOCUMENTED,
    title="The role of a source action may use its connection, under the prefix that the connection's ARN has",
    otherwise="The stack is green and each run stops at the source with AccessDenied.",
    remedy="Allow both codeconnections:UseConnection and codestar-connections:UseConnection on the connection.",
    source="https://docs.aws.amazon.com/dtconsole/latest/userguide/rename.html",
    types=PIPELINE,
    lacks=(
        "AWS::IAM::Policy",
        "AWS::IAM::RolePolicy",
        "AWS::IAM::ManagedPolicy",
    ),
)
def use_of_the_connection(pipeline: Resource) -> Iterator[Fault]:
    for action in actions(pipeline):
        if provider(action) != CONNECTION_PROVIDER:
            continue
        arn = action.get("Configuration", "ConnectionArn")
        own = role_of(action.get("RoleArn"))
        role = own or role_of(pipeline.get("RoleArn"))
        if role is None or (own is None and not action.get("RoleArn").absent):
            continue
        prefixes = connection_prefixes(arn)
        answers = [allows_action(role, f"{prefix}:UseConnection") for prefix in prefixes]
        if all(answer is False for answer in answers):
            needed = " or ".join(f"{prefix}:UseConnection" for prefix in prefixes)
            yield Fault(at=str(arn), message=f"{role.construct_path} is not allowed {needed}")


def connection_prefixes(arn: Node) -> tuple[str, ...]:
    """The IAM prefixes that fit: an action's prefix has to be the one in the connection's ARN."""
    written = text(arn) or ""
    for prefix in ("codeconnections", "codestar-connections"):
        if f":{prefix}:" in written:
            return (prefix,)
    if target(arn, "AWS::CodeConnections::Connection") is not None:
        return ("codeconnections",)
    return ("codeconnections", "codestar-connections")


@rule(
    "PIPE-220",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="The roles of pipelines and builds trust the service that assumes them",
    otherwise="The service answers that it is not authorized to assume the role, and the stack rolls back.",
    remedy="Allow sts:AssumeRole to codepipeline.amazonaws.com or codebuild.amazonaws.com in the role.",
    source="https://docs.aws.amazon.com/codepipeline/latest/userguide/pipelines-create-service-role.html",
    types=("AWS::CodePipeline::Pipeline", "AWS::CodeBuild::Project"),
)
def trust_of_the_service(resource: Resource) -> Iterator[Fault]:
    name, service = (
        ("RoleArn", "codepipeline.amazonaws.com")
        if resource.type == "AWS::CodePipeline::Pipeline"
        else ("ServiceRole", "codebuild.amazonaws.com")
    )
    role = role_of(resource.get(name))
    if role is not None and assumed_by(role, service) is False:
        yield Fault(at=name, message=f"{role.construct_path} does not trust {service}")
