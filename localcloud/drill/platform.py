"""The running platform as a drill sees it: names, alarms, and ways to its parts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg2

from localcloud import aws, outputs
from localcloud.console import LocalCloudError
from localcloud.dataplane import paths
from localcloud.dataplane.postgres.folder import SUPERUSER
from localcloud.drill import deployed
from localcloud.drill.deployed import Alarm


@dataclass(frozen=True, kw_only=True)
class Platform:
    """`alarms` by their titles, as they were when the drill began."""

    env: str
    region: str
    alarms: Mapping[str, Alarm]

    @classmethod
    def find(cls, env: str) -> Platform:
        region = outputs.find("ClusterName").region
        return cls(env=env, region=region, alarms=deployed.alarms(region))

    def client(self, service: str) -> Any:
        return aws.client(service, self.region)

    @property
    def cluster(self) -> str:
        return outputs.value("ClusterName")

    def service(self, name: str) -> str:
        """The full name of the ECS service `web`, `worker` or `beat`."""
        return outputs.value(f"{name.capitalize()}ServiceName")

    def function(self, description: str) -> str:
        """The function with this description. Raises LocalCloudError."""
        pages = self.client("lambda").get_paginator("list_functions").paginate()
        names = [f["FunctionName"] for page in pages for f in page["Functions"] if f.get("Description") == description]
        return _only(names, f"a function that says: {description}")

    def rule(self, description: str) -> str:
        """The EventBridge rule with this description. Raises LocalCloudError."""
        rules = self.client("events").list_rules()["Rules"]
        return _only([r["Name"] for r in rules if r.get("Description") == description], f"a rule: {description}")

    @property
    def writer(self) -> str:
        """The identifier of the primary database instance."""
        return f"spendsmart-{self.env}"

    def database(self, identifier: str = "", *, dbname: str = "postgres") -> Any:
        """A connection to an instance's server (the writer's), as the superuser, each statement by itself.

        Raises psycopg2.Error.
        """
        link = psycopg2.connect(
            host=str(paths.sockets()),
            port=self._instance(identifier or self.writer)["Endpoint"]["Port"],
            user=SUPERUSER,
            dbname=dbname,
            connect_timeout=10,
            application_name="drill",
        )
        link.autocommit = True
        return link

    def client_of_database(self) -> Any:
        """A connection as any client has it: through the network, with the login of the instance.

        Raises psycopg2.Error.
        """
        instance = self._instance(self.writer)
        login = json.loads(
            self.client("secretsmanager").get_secret_value(SecretId=self._login())["SecretString"]
        )  # fmt: skip
        return psycopg2.connect(
            host=instance["Endpoint"]["Address"],
            port=instance["Endpoint"]["Port"],
            user=login["username"],
            password=login["password"],
            dbname=self.database_name,
            sslmode="require",
            connect_timeout=10,
            application_name="drill",
        )

    @property
    def database_name(self) -> str:
        return str(self._instance(self.writer)["DBName"])

    def broker_group(self) -> str:
        """The id of the replication group that is the broker."""
        pages = self.client("elasticache").get_paginator("describe_replication_groups").paginate()
        groups = [group["ReplicationGroupId"] for page in pages for group in page["ReplicationGroups"]]
        return _only([name for name in groups if "broker" in name], "a replication group for the broker")

    def _instance(self, identifier: str) -> Any:
        return self.client("rds").describe_db_instances(DBInstanceIdentifier=identifier)["DBInstances"][0]

    def _login(self) -> str:
        secrets = self.client("secretsmanager").get_paginator("list_secrets").paginate()
        names = [secret["Name"] for page in secrets for secret in page["SecretList"]]
        return _only([name for name in names if "DatabaseLogin" in name], "a secret with the database's login")


def _only(found: list[str], what: str) -> str:
    if len(found) != 1:
        raise LocalCloudError(f"there is not {what}", remedy="run: make up, which deploys all stacks")
    return found[0]
