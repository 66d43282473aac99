"""The saved queries of an environment, on its own log groups."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.config import Environment
from infra.monitoring.alarm import prefix
from infra.monitoring.saved_queries import QUERIES, SPANS


class LogQueries(Construct):
    """`groups` are the names of the log groups by construct id; hooks and spans are there in some environments only."""

    def __init__(
        self, scope: Construct, construct_id: str, *, environment: Environment, groups: Mapping[str, str]
    ) -> None:
        super().__init__(scope, construct_id)
        known = {**groups, **({SPANS: SPANS} if environment.tracing.sample_percent else {})}
        for query in QUERIES:
            names = [known[group] for group in query.groups if group in known]
            if names:
                logs.CfnQueryDefinition(
                    self,
                    "".join(word.capitalize() for word in query.name.replace("-", " ").split()),
                    # The console shows a slash as a folder.
                    name=f"{prefix(environment).rstrip('-')}/{query.name}",
                    query_string=query.text.strip(),
                    log_group_names=names,
                )
