"""Connections to code hosts: made pending, and of no use until a person has finished the handshake."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from preflight.account.answer import Answer, failed, passed
from preflight.account.api import Account
from preflight.account.registry import check
from preflight.account.texts import literals
from preflight.assembly import Assembly

CONNECTION = ("AWS::CodeConnections::Connection", "AWS::CodeStarConnections::Connection")
ARN = re.compile(
    r"arn:[\w-]+:(?P<service>codeconnections|codestar-connections):(?P<region>[\w-]+):\d{12}:connection/[\w-]+"
)
HANDSHAKE = "finish it in the console: Developer Tools, Settings, Connections, Update pending connection"


@check("connections", title="The connections to code hosts are available", constraints=(119,))
def connections(account: Account, assembly: Assembly) -> Iterator[Answer]:
    used_in: dict[str, list[str]] = defaultdict(list)
    for resource in account.of_type(assembly, "AWS::CodePipeline::Pipeline", "AWS::CodeBuild::Project"):
        for literal in literals(resource.get()):
            for arn in (match[0] for match in ARN.finditer(literal)):
                if resource.construct_path not in used_in[arn]:
                    used_in[arn].append(resource.construct_path)
    for made in account.of_type(assembly, *CONNECTION):
        known = account.physical(made)
        if known is None:
            yield failed(
                made.construct_path,
                "made by this deploy, and pending until somebody finishes the handshake: the first run fails",
                remedy="make the connection by hand first, finish the handshake, and give its ARN to the app",
            )
        else:
            used_in[known].append(made.construct_path)

    def one(arn: str) -> Iterator[Answer]:
        match = ARN.fullmatch(arn)
        service, region = (match["service"], match["region"]) if match else ("codeconnections", arn)
        found = account.ask(
            service, "GetConnection", region=region, absent=("ResourceNotFoundException",), ConnectionArn=arn
        )
        if found is None:
            yield failed(arn, f"not there; used in {', '.join(used_in[arn])}", remedy="correct the ARN")
            return
        status = str(found.get("Connection", {}).get("ConnectionStatus", ""))
        if status == "AVAILABLE":
            yield passed(arn, status)
        else:
            yield failed(arn, f"{status}; used in {', '.join(used_in[arn])}", remedy=HANDSHAKE)

    yield from account.each(sorted(used_in), one)
