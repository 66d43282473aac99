"""The two functions by which previews get their share of servers: one for the database, one for everything else."""

from __future__ import annotations

import importlib.metadata
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Protocol

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

import previews
from infra.acknowledgement import Decision, acknowledge_wildcard
from infra.application import Server, Valkey
from infra.config.models import RetentionDays
from infra.retention import retention
from infra.small_function import RUNTIME, acknowledge_limits, allow_interfaces

OBJECTS = Decision(
    reason="Objects of previews, whose names the application makes up: the bucket and the prefix are named, and "
    "what is in it is synthetic",
    owner="platform",
    reference="docs/adr/0056-acknowledged-findings.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)
_ANSWERED = Decision(
    reason="CloudFormation calls it, waits for its answer by a signed address, and fails the stack when none "
    "comes; the sweeper ends what is left over. A queue of failed calls would be read by nobody",
    owner="platform",
    reference="docs/adr/0056-acknowledged-findings.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)
_NO_RESOURCES = Decision(
    reason="ecs:DescribeTaskDefinition and the EC2 calls that Lambda makes for a function in a VPC know no "
    "resources (Service Authorization Reference); none of them changes anything but the function's own "
    "interfaces",
    owner="platform",
    reference="docs/adr/0056-acknowledged-findings.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)
_BY_NAME = Decision(
    reason="Previews come and go, and what is theirs has the beginning of their names in common: this function "
    "makes and ends it for all of them, in an environment that holds synthetic data alone",
    owner="platform",
    reference="docs/adr/0056-acknowledged-findings.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)

_CODE = Path(__file__).parent / "functions" / "preview_server"
_RULES = Path(previews.__file__).parent
"""What previews are called and how long they live: plain Python, as everybody else has it."""

_LIBRARIES = ("pg8000", "scramp", "asn1crypto", "python-dateutil", "six", "redis")
"""Clients of PostgreSQL and Valkey in plain Python, and what they need: nothing is built for the function's machine."""

ROLE_PREFIX = 24
"""Characters of a stack's name that CloudFormation leaves in the name of a role, which may have 64."""

_LAMBDA_MINUTES = 15
"""Lambda's most; a migration may take most of it."""


@dataclass(frozen=True, kw_only=True)
class Callers:
    """Whose requests are served: the stack `base`, and those whose names begin with `prefix`."""

    base: str
    prefix: str


@dataclass(frozen=True, kw_only=True)
class FunctionProps:
    callers: Callers
    log_retention_days: RetentionDays
    log_key: kms.IKey


class InNetwork(Protocol):
    """Where a function of a VPC is."""

    @property
    def vpc(self) -> ec2.IVpc: ...
    @property
    def security_group(self) -> ec2.ISecurityGroup: ...


@dataclass(frozen=True, kw_only=True)
class DatabaseFunctionProps(FunctionProps):
    """`master` is the login of the server, `valkeys` are those of the environment itself. Tasks run in `cluster`, in
    `task_group`; `families` is how the names of their definitions begin. `logins` are the names of the secrets with
    the roles' logins."""

    vpc: ec2.IVpc
    security_group: ec2.ISecurityGroup
    server: Server
    master: secretsmanager.ISecret
    valkeys: Sequence[Valkey]
    secrets_key: kms.IKey
    logins: Sequence[str]
    cluster: ecs.ICluster
    task_group: ec2.ISecurityGroup
    families: str


@dataclass(frozen=True, kw_only=True)
class SharesFunctionProps(FunctionProps):
    """`priorities` is where rule priorities are handed out, a path of Systems Manager, and `most` how many;
    `user_groups` are ElastiCache's. A preview begins with what is below `template_objects` in `bucket`."""

    priorities: str
    most: int
    user_groups: Sequence[str]
    bucket: s3.IBucket
    template_objects: str


class DatabaseFunction(Construct):
    """Makes and drops databases and their roles, and runs the tasks that migrate and fill them."""

    def __init__(self, scope: Construct, construct_id: str, *, props: DatabaseFunctionProps) -> None:
        super().__init__(scope, construct_id)
        self.function = preview_function(
            self,
            props,
            module="databases",
            description="Databases and roles of previews, and the template that they are made from",
            environment={
                "MASTER_SECRET_ARN": props.master.secret_arn,
                "DATABASE_HOST": props.server.host,
                "DATABASE_PORT": props.server.port,
                "VALKEY_SERVERS": as_json(self, props.valkeys),
                "CLUSTER": props.cluster.cluster_name,
                "SUBNETS": ",".join(subnet.subnet_id for subnet in props.vpc.private_subnets),
                "TASK_SECURITY_GROUP": props.task_group.security_group_id,
            },
            network=props,
        )
        starred = set()
        for statement in (*self._secrets(props), *self._tasks(props)):
            self.function.add_to_role_policy(statement)
            starred |= {resource for resource in statement.resources if "*" in resource}
        for resource in sorted(starred):
            decision = _NO_RESOURCES if resource == "*" else _BY_NAME
            acknowledge_wildcard(role_of(self.function), resource, decision=decision)

    def _secrets(self, props: DatabaseFunctionProps) -> list[iam.PolicyStatement]:
        stack = cdk.Stack.of(self)
        # Secrets that no template names are called after their logical ids, perhaps with the stack's name before.
        named = [
            stack.format_arn(
                service="secretsmanager",
                resource="secret",
                resource_name=f"*{name}*",
                arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
            )
            for name in props.logins
        ]
        return [
            iam.PolicyStatement(
                actions=["secretsmanager:GetSecretValue"],
                resources=[
                    props.master.secret_arn,
                    *(each.password.secret_arn for each in props.valkeys),
                    *named,
                ],
            ),
            iam.PolicyStatement(
                actions=["kms:Decrypt"],
                resources=[props.secrets_key.key_arn],
                conditions={"StringEquals": {"kms:ViaService": f"secretsmanager.{stack.region}.amazonaws.com"}},
            ),
        ]

    def _tasks(self, props: DatabaseFunctionProps) -> list[iam.PolicyStatement]:
        stack, callers = cdk.Stack.of(self), props.callers
        in_cluster = {"ArnEquals": {"ecs:cluster": props.cluster.cluster_arn}}
        definitions = stack.format_arn(service="ecs", resource="task-definition", resource_name=f"{props.families}*:*")
        tasks = stack.format_arn(service="ecs", resource="task", resource_name=f"{props.cluster.cluster_name}/*")
        return [
            iam.PolicyStatement(actions=["ecs:RunTask"], resources=[definitions], conditions=in_cluster),
            iam.PolicyStatement(
                actions=["ecs:DescribeTasks", "ecs:StopTask"], resources=[tasks], conditions=in_cluster
            ),
            # This action knows no resources (Service Authorization Reference, "Amazon Elastic Container Service").
            iam.PolicyStatement(actions=["ecs:DescribeTaskDefinition"], resources=["*"]),
            iam.PolicyStatement(
                actions=["iam:PassRole"],
                resources=[
                    stack.format_arn(service="iam", region="", resource="role", resource_name=f"{name}*")
                    for name in sorted({each[:ROLE_PREFIX] for each in (callers.base, callers.prefix)})
                ],
                conditions={"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
            ),
            iam.PolicyStatement(
                actions=["logs:GetLogEvents"],
                resources=[
                    stack.format_arn(
                        service="logs",
                        resource="log-group",
                        resource_name=f"*{name}*:*",
                        arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
                    )
                    for name in (callers.base, callers.prefix)
                ],
            ),
        ]


class SharesFunction(Construct):
    """Hands out rule priorities, lets Valkey's users in, and fills and empties the previews' part of the bucket."""

    def __init__(self, scope: Construct, construct_id: str, *, props: SharesFunctionProps) -> None:
        super().__init__(scope, construct_id)
        self.function = preview_function(
            self,
            props,
            module="shares",
            description="What previews share beside the database server",
            environment={
                "PRIORITY_PATH": props.priorities,
                "MOST_PREVIEWS": str(props.most),
                "USER_GROUPS": ",".join(props.user_groups),
                "BUCKET": props.bucket.bucket_name,
                "TEMPLATE_OBJECTS": props.template_objects,
            },
        )
        stack = cdk.Stack.of(self)
        parameters = stack.format_arn(service="ssm", resource="parameter", resource_name=props.priorities.strip("/"))
        elasticache = [
            stack.format_arn(
                service="elasticache", resource=kind, resource_name=name, arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME
            )
            for kind, name in (*(("usergroup", group) for group in props.user_groups), ("user", "preview-*"))
        ]
        for statement in (
            iam.PolicyStatement(
                actions=["ssm:GetParameter", "ssm:PutParameter", "ssm:DeleteParameter"],
                resources=[f"{parameters}/*"],
            ),
            iam.PolicyStatement(
                actions=["elasticache:DescribeUserGroups", "elasticache:ModifyUserGroup"], resources=elasticache
            ),
        ):
            self.function.add_to_role_policy(statement)
        self._allow_objects(props)
        for resource in (f"{parameters}/*", *(one for one in elasticache if one.endswith("*"))):
            acknowledge_wildcard(role_of(self.function), resource, decision=_BY_NAME)

    def _allow_objects(self, props: SharesFunctionProps) -> None:
        """The template's are copied, and the previews' emptied; not CDK's grants, whose actions have stars."""
        key = props.bucket.encryption_key
        if key is None:
            raise ValueError(f"{props.bucket.node.path} has no key of its own")
        template = props.bucket.arn_for_objects(f"{props.template_objects}*")
        own = props.bucket.arn_for_objects("previews/*")
        for actions, resource in (
            (["s3:ListBucket"], props.bucket.bucket_arn),
            (["s3:GetObject", "s3:GetObjectTagging"], template),
            (["s3:PutObject", "s3:PutObjectTagging", "s3:DeleteObject"], own),
            (["kms:Decrypt", "kms:GenerateDataKey"], key.key_arn),
        ):
            self.function.add_to_role_policy(iam.PolicyStatement(actions=actions, resources=[resource]))
        for resource in (template, own):
            acknowledge_wildcard(role_of(self.function), resource, decision=OBJECTS)


def as_json(scope: Construct, valkeys: Sequence[Valkey]) -> str:
    """Where the servers are and who logs in there, for a function's environment."""
    return cdk.Stack.of(scope).to_json_string(
        [
            {
                "host": each.server.host,
                "port": each.server.port,
                "username": each.username,
                "secret": each.password.secret_arn,
            }
            for each in valkeys
        ]
    )


def preview_function(
    scope: Construct,
    props: FunctionProps,
    *,
    module: str,
    description: str,
    environment: Mapping[str, str],
    network: InNetwork | None = None,
) -> lambda_.Function:
    log_group = logs.LogGroup(
        scope, "Logs", retention=retention(props.log_retention_days), encryption_key=props.log_key
    )
    # The construct copies the code into the assembly.
    role = _role(scope, description=description, log_group=log_group, in_vpc=network is not None)
    with _code() as folder:
        function = lambda_.Function(
            scope,
            "Function",
            description=description,
            runtime=RUNTIME,
            architecture=lambda_.Architecture.ARM_64,
            handler=f"{_CODE.name}.{module}.handler",
            code=lambda_.Code.from_asset(folder),
            memory_size=256,
            timeout=cdk.Duration.minutes(_LAMBDA_MINUTES),
            # CloudFormation has had its answer, be it that it failed.
            retry_attempts=0,
            role=role,
            environment={"BASE_STACK": props.callers.base, "STACK_PREFIX": props.callers.prefix, **environment},
            log_group=log_group,
            vpc=network.vpc if network else None,
            vpc_subnets=ec2.SubnetSelection(subnets=network.vpc.private_subnets) if network else None,
            security_groups=[network.security_group] if network else None,
        )
    acknowledge_limits(function, undelivered=_ANSWERED, outside_vpc=network is None)
    return function


def _role(scope: Construct, *, description: str, log_group: logs.ILogGroup, in_vpc: bool) -> iam.Role:
    role = iam.Role(scope, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"), description=description)
    log_group.grant_write(role)
    if in_vpc:
        allow_interfaces(role)
    return role


def role_of(function: lambda_.IFunction) -> iam.IRole:
    if function.role is None:
        raise ValueError(f"{function.node.path} has no role")
    return function.role


@contextmanager
def _code() -> Iterator[str]:
    """A folder with the functions' modules and the driver, as they are installed here."""
    with tempfile.TemporaryDirectory() as folder:
        for package in (_CODE, _RULES):
            shutil.copytree(package, Path(folder) / package.name, ignore=shutil.ignore_patterns("__pycache__"))
        for library in _LIBRARIES:
            for file in importlib.metadata.files(library) or ():
                if file.suffix == ".py" and ".." not in file.parts:
                    target = Path(folder) / file
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(file.locate(), target)
        yield folder
