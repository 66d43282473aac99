"""Only reading calls are made, each is in the table, and the generated policy allows exactly those."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import botocore.session
import pytest
from cfnlint.data import AdditionalSpecs
from cfnlint.helpers import load_resource

from preflight.account import policy
from preflight.account.api import Account
from preflight.account.calls import CALLS, READ_ONLY_PREFIXES, SCOPED
from preflight.account.lookups import LOOKUPS
from preflight.account.names import WAF
from tests.preflight.account.cloud import HOME, Cloud

PACKAGE = Path(policy.__file__).parent
SESSION = botocore.session.get_session()


def written_calls() -> set[tuple[str, str]]:
    """(service, operation) of every call that the checks' source writes down."""
    found = {(lookup.service, lookup.operation) for lookup in LOOKUPS.values()}
    found |= {("wafv2", operation) for operation, _ in WAF.values()}
    for module in PACKAGE.glob("*.py"):
        for node in ast.walk(ast.parse(module.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in ("ask", "every")
            ):
                texts = [argument.value if isinstance(argument, ast.Constant) else None for argument in node.args[:2]]
                if len(texts) == 2:
                    found.add((str(texts[0]), str(texts[1])))
    return found


@pytest.mark.parametrize(("service", "operation"), sorted(CALLS))
def test_every_call_exists_and_only_reads(service: str, operation: str) -> None:
    assert operation in SESSION.get_service_model(service).operation_names
    assert operation.startswith(READ_ONLY_PREFIXES)


def test_the_table_holds_what_the_checks_call_and_nothing_else() -> None:
    literal = {call for call in written_calls() if "None" not in call}
    # Calls whose service or operation stands in a variable: their table is beside them.
    variable = {
        *((service, "GetConnection") for service in ("codeconnections", "codestar-connections")),
        *((service, "DescribeEngineDefaultParameters") for service in ("rds", "elasticache")),
        *(("service-quotas", operation) for operation in ("GetServiceQuota", "GetAWSDefaultServiceQuota")),
        *(("ec2", f"Describe{what}") for what in ("Vpcs", "Addresses", "InternetGateways", "VpcEndpoints")),
    }
    assert literal | variable == set(CALLS)


def test_a_call_that_is_not_in_the_table_is_not_sent() -> None:
    account = Account(lambda _: Cloud())  # type: ignore[arg-type,return-value]
    with pytest.raises(LookupError, match="ec2:TerminateInstances"):
        account.ask("ec2", "TerminateInstances", region=HOME)


def test_every_action_of_the_policy_is_one_that_iam_knows() -> None:
    services = load_resource(AdditionalSpecs, "Policies.json")
    unknown = []
    for actions in CALLS.values():
        for action in actions:
            prefix, name = action.split(":")
            if name.lower() not in services[prefix]["Actions"]:
                unknown.append(action)
    assert not unknown


def test_the_policy_in_docs_is_current() -> None:
    assert policy.FILE.read_text() == policy.rendered(), "run: python -m preflight.account.policy"


def test_the_policy_reads_no_values_but_the_bootstrap_s_and_the_public_ones() -> None:
    first, *scoped = json.loads(policy.rendered())["Statement"]
    assert not set(first["Action"]) & SCOPED.keys()
    assert {statement["Action"] for statement in scoped} == set(SCOPED)
    forbidden = {"secretsmanager:GetSecretValue", "ssm:GetParameters", "s3:GetObject", "kms:Decrypt"}
    assert not forbidden & {*first["Action"], *SCOPED}
