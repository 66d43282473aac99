"""Calls that no task may make, tried with the tasks' own roles."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from localcloud import aws, layout
from localcloud.access import ATTEMPTS
from localcloud.runner.roles import RoleSessions

DENIALS = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError"})
"""How the services' APIs call it: https://docs.aws.amazon.com/awssupport/latest/user/security-training.html and each
service's list of common errors."""


@dataclass(frozen=True, kw_only=True)
class World:
    """What of the deployed platform the calls name."""

    region: str
    bucket: str
    secret: str
    key: str
    role: str
    database: str
    cluster: str
    service: str
    function: str
    topic: str
    log_group: str
    security_group: str
    stack: str


@dataclass(frozen=True, kw_only=True)
class Forbidden:
    """One call; made by a role that may, it would leave everything as it was, or add something harmless."""

    name: str
    service: str
    call: Callable[[Any, World], Any]


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """What became of a call: `answer` is the error's code, or "let"."""

    role: str
    call: str
    refused: bool
    answer: str


FORBIDDEN = (
    Forbidden(
        name="write outside of the receipts' folder",
        service="s3",
        call=lambda s3, world: s3.put_object(Bucket=world.bucket, Key="elsewhere/audit", Body=b""),
    ),
    Forbidden(
        name="change the receipts bucket's policy",
        service="s3",
        call=lambda s3, world: s3.delete_bucket_policy(Bucket=f"{world.bucket}-audit"),
    ),
    Forbidden(name="list all buckets", service="s3", call=lambda s3, _: s3.list_buckets()),
    Forbidden(
        name="read the database's password",
        service="secretsmanager",
        call=lambda secrets, world: secrets.get_secret_value(SecretId=world.secret),
    ),
    Forbidden(
        name="write the database's password",
        service="secretsmanager",
        call=lambda secrets, world: secrets.put_secret_value(
            SecretId=world.secret, SecretString="{}", VersionStages=["AUDIT"]
        ),
    ),
    Forbidden(
        name="see who else may use a key",
        service="kms",
        call=lambda kms, world: kms.list_grants(KeyId=world.key),
    ),
    Forbidden(
        name="rewrite a key's policy",
        service="kms",
        call=lambda kms, world: kms.put_key_policy(KeyId=world.key, PolicyName="audit", Policy="{}"),
    ),
    Forbidden(name="list roles", service="iam", call=lambda iam, _: iam.list_roles()),
    Forbidden(
        name="give a role more rights",
        service="iam",
        call=lambda iam, world: iam.put_role_policy(
            RoleName=f"{world.role}-audit", PolicyName="a", PolicyDocument="{}"
        ),
    ),
    Forbidden(
        name="become the role that deploys",
        service="sts",
        call=lambda sts, world: sts.assume_role(
            RoleArn=f"arn:aws:iam::{layout.ACCOUNT}:role/{world.role}", RoleSessionName="audit"
        ),
    ),
    Forbidden(
        name="change the database",
        service="rds",
        call=lambda rds, world: rds.modify_db_instance(DBInstanceIdentifier=world.database, CopyTagsToSnapshot=True),
    ),
    Forbidden(
        name="copy the database",
        service="rds",
        call=lambda rds, world: rds.describe_db_snapshots(DBInstanceIdentifier=world.database),
    ),
    Forbidden(
        name="start tasks",
        service="ecs",
        call=lambda ecs, world: ecs.run_task(cluster=world.cluster, taskDefinition="audit"),
    ),
    Forbidden(
        name="change a service",
        service="ecs",
        call=lambda ecs, world: ecs.update_service(cluster=world.cluster, service=world.service),
    ),
    Forbidden(
        name="read logs",
        service="logs",
        call=lambda logs, world: logs.filter_log_events(logGroupName=world.log_group, limit=1),
    ),
    Forbidden(
        name="read a function's code",
        service="lambda",
        call=lambda functions, world: functions.get_function(FunctionName=world.function),
    ),
    Forbidden(
        name="send messages to people",
        service="sns",
        call=lambda sns, world: sns.publish(
            TopicArn=world.topic, Message="an audit's attempt, which should be refused"
        ),
    ),
    Forbidden(
        name="open a security group",
        service="ec2",
        call=lambda ec2, world: ec2.revoke_security_group_ingress(
            GroupId=world.security_group, IpProtocol="tcp", FromPort=9, ToPort=9, CidrIp="192.0.2.0/24"
        ),
    ),
    Forbidden(
        name="see stacks",
        service="cloudformation",
        call=lambda stacks, world: stacks.describe_stacks(StackName=world.stack),
    ),
)
"""None of them belongs to what any task does."""


def attempts(roles: RoleSessions, role_arn: str, world: World) -> Iterator[Attempt]:
    """Every forbidden call, made with a session of the role."""
    for forbidden in FORBIDDEN:
        client = roles.client(forbidden.service, role_arn, name=ATTEMPTS, region=world.region)
        try:
            forbidden.call(client, world)
            answer = "let"
        except ClientError as error:
            answer = str(error.response["Error"]["Code"])
        yield Attempt(role=role_arn.rpartition("/")[2], call=forbidden.name, refused=answer in DENIALS, answer=answer)


def task_roles(region: str) -> list[str]:
    """ARNs of the roles of all task definitions that are deployed."""
    ecs = aws.client("ecs", region)
    found: dict[str, None] = {}
    for arn in ecs.list_task_definitions(status="ACTIVE")["taskDefinitionArns"]:
        definition = ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]
        if "taskRoleArn" in definition:
            found[definition["taskRoleArn"]] = None
    return sorted(found)


def world(region: str) -> World:
    """Finds what the calls name; raises IndexError or StopIteration where the platform is not deployed."""
    of = {name: aws.client(name, region) for name in ("s3", "secretsmanager", "rds", "ecs", "lambda", "sns", "logs")}
    cluster = of["ecs"].list_clusters()["clusterArns"][0]
    secret = next(one for one in of["secretsmanager"].list_secrets()["SecretList"] if "Database" in one["Name"])
    stacks = aws.client("cloudformation", region).describe_stacks()["Stacks"]
    groups = aws.client("ec2", region).describe_security_groups()["SecurityGroups"]
    roles = aws.client("iam", region).list_roles(MaxItems=1000)["Roles"]
    return World(
        region=region,
        bucket=next(one["Name"] for one in of["s3"].list_buckets()["Buckets"] if "receipts" in one["Name"]),
        secret=secret["ARN"],
        key=of["secretsmanager"].describe_secret(SecretId=secret["ARN"])["KmsKeyId"],
        role=next(one["RoleName"] for one in roles if f"-deploy-role-{layout.ACCOUNT}-{region}" in one["RoleName"]),
        database=of["rds"].describe_db_instances()["DBInstances"][0]["DBInstanceIdentifier"],
        cluster=cluster,
        service=of["ecs"].list_services(cluster=cluster)["serviceArns"][0],
        function=of["lambda"].list_functions()["Functions"][0]["FunctionName"],
        topic=of["sns"].list_topics()["Topics"][0]["TopicArn"],
        log_group=of["logs"].describe_log_groups()["logGroups"][0]["logGroupName"],
        security_group=groups[0]["GroupId"],
        stack=next(one["StackName"] for one in stacks if one["StackName"].endswith("-Data")),
    )
