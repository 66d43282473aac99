"""What one preview tries with what its own tasks have: another one's data, and the environment's.

By its task role, its database login and its Valkey user; each also does what it may, so that a refusal means something.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from typing import Any

import psycopg2
import valkey
from botocore.exceptions import ClientError

from localcloud import aws, layout, tls
from localcloud.runner.roles import RoleSessions
from previews.names import PreviewName

_REGION = "us-east-1"
_SESSION = "preview-border"

Found = tuple[str, bool, str]
"""What was tried, whether it went as it has to, and what was said."""


class _Tasks:
    """What a preview's web task is given."""

    def __init__(self, preview: PreviewName) -> None:
        self.preview = preview
        ecs = aws.client("ecs", _REGION)
        cluster = next(arn for arn in ecs.list_clusters()["clusterArns"] if "Previews" in arn)
        services = ecs.list_services(cluster=cluster, maxResults=100)["serviceArns"]
        web = next(arn for arn in services if f"-{preview.stack}-Web" in arn)
        described = ecs.describe_services(cluster=cluster, services=[web])["services"][0]
        definition = ecs.describe_task_definition(taskDefinition=described["taskDefinition"])["taskDefinition"]
        container = next(each for each in definition["containerDefinitions"] if each["name"] == "web")
        pool = next(each for each in definition["containerDefinitions"] if each["name"] == "pgbouncer")
        self.role = str(definition["taskRoleArn"])
        self.variables = {each["name"]: each["value"] for each in container["environment"]}
        self.server = next(each["value"] for each in pool["environment"] if each["name"] == "WRITER_PORT")
        self.secrets = {each["name"]: each["valueFrom"] for each in container["secrets"]}

    def secret(self, name: str) -> str:
        """The value as the task's container has it: a whole secret, or one key of its JSON."""
        parts = self.secrets[name].split(":")
        text = aws.client("secretsmanager", _REGION).get_secret_value(SecretId=":".join(parts[:7]))["SecretString"]
        return str(json.loads(text)[parts[7]]) if len(parts) > 7 and parts[7] else str(text)


def checks(one: PreviewName, other: PreviewName) -> Iterator[Found]:
    """What `one` tries at the data of `other`, and at the environment's own."""
    mine, others = _Tasks(one), _Tasks(other)
    yield from _role(mine, others)
    yield from _database(mine, others)
    yield from _valkey(mine, others)


def _role(mine: _Tasks, others: _Tasks) -> Iterator[Found]:
    sessions = RoleSessions()
    s3 = sessions.client("s3", mine.role, name=_SESSION, region=_REGION)
    secrets = sessions.client("secretsmanager", mine.role, name=_SESSION, region=_REGION)
    bucket, prefix = mine.variables["RECEIPTS_BUCKET"], others.preview.object_prefix
    own = mine.preview.object_prefix
    environments = next(
        each["Name"] for each in aws.client("s3", _REGION).list_buckets()["Buckets"] if "receipts" in each["Name"]
    )
    yield _done("task role, its own objects", lambda: s3.list_objects_v2(Bucket=bucket, Prefix=own))
    for what, call in (
        ("lists another's objects", lambda: s3.list_objects_v2(Bucket=bucket, Prefix=prefix)),
        ("reads another's object", lambda: s3.get_object(Bucket=bucket, Key=f"{prefix}any")),
        ("writes another's object", lambda: s3.put_object(Bucket=bucket, Key=f"{prefix}any", Body=b"x")),
        ("lists the environment's objects", lambda: s3.list_objects_v2(Bucket=environments)),
        (
            "reads another's secret",
            lambda: secrets.get_secret_value(SecretId=others.variables["JWT_SIGNING_SECRET_ARN"]),
        ),
    ):
        yield _refused(f"task role {what}", call, "AccessDenied")


def _database(mine: _Tasks, others: _Tasks) -> Iterator[Found]:
    user, password = mine.secret("DATABASE_USERNAME"), mine.secret("DATABASE_PASSWORD")

    def connect(database: str) -> None:
        with (
            closing(
                psycopg2.connect(
                    host=layout.LOOPBACK,
                    port=mine.server,
                    user=user,
                    password=password,
                    dbname=database,
                    sslmode="require",
                )
            ) as link,
            link.cursor() as cursor,
        ):
            cursor.execute("SELECT 1")

    yield _done("database user, its own database", lambda: connect(mine.variables["DATABASE_NAME"]))
    for what, name in (("another's", others.variables["DATABASE_NAME"]), ("the environment's", "spendsmart")):
        yield _refused(f"database user at {what} database", partial(connect, name), "permission denied")


def _valkey(mine: _Tasks, others: _Tasks) -> Iterator[Found]:
    client = valkey.Valkey(
        host=layout.LOOPBACK,
        port=int(mine.variables["CACHE_PORT"]),
        username=mine.variables["CACHE_USERNAME"],
        password=mine.secret("CACHE_PASSWORD"),
        ssl=True,
        ssl_ca_certs=str(tls.material().authority),
        socket_timeout=30,
    )
    yield _done("Valkey user, its own key", lambda: client.get(f"{mine.preview.key_prefix}key"))
    for what, key in (("another's key", f"{others.preview.key_prefix}key"), ("the environment's key", "celery")):
        yield _refused(f"Valkey user at {what}", partial(client.get, key), "permission")


def _done(what: str, call: Callable[[], Any]) -> Found:
    try:
        call()
    except (ClientError, psycopg2.Error, valkey.exceptions.ValkeyError) as error:
        return what, False, str(error).strip()
    return what, True, "works"


def _refused(what: str, call: Callable[[], Any], word: str) -> Found:
    try:
        call()
    except (ClientError, psycopg2.Error, valkey.exceptions.ValkeyError) as error:
        said = str(error).strip().splitlines()[0]
        return what, word in said, said
    return what, False, "was not refused"
