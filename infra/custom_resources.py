"""What CDK's own custom resources lack: tags, and a log group that ends."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.acknowledgement import HIPAA_NIST_PCI, Decision, acknowledge
from infra.environment_stack import EnvironmentStack
from infra.retention import retention

_PROGRESS_ONLY = Decision(
    reason="It says how many objects of a thrown-away bucket were deleted, in a region where the environment has"
    " no key for logs; CloudWatch encrypts it with its own. A key of ours would cost more than the group "
    "ever holds",
    owner="platform",
    reference="docs/adr/0056-acknowledged-findings.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)


def complete_custom_resources(stack: EnvironmentStack, *, tags: Mapping[str, str], log_key: kms.IKey) -> None:
    """CDK writes their functions and roles as bare resources, which tag aspects and property injectors pass by.

    Without a group of their own, Lambda would make one that is kept for ever. `log_key` is the primary region's.
    """
    functions = _bare(stack, "AWS::Lambda::Function", lambda_.CfnFunction)
    in_its_region = stack.region == cdk.Stack.of(log_key).region
    if functions and stack.log_key is None and in_its_region:
        stack.encrypt_logs_with(log_key)
    encrypted = stack.log_key is not None
    written = [{"Key": key, "Value": value} for key, value in sorted(tags.items())]
    for role in _bare(stack, "AWS::IAM::Role", iam.CfnRole):
        role.add_property_override("Tags", written)
    for function in functions:
        provider = function.node.scope
        if not isinstance(provider, Construct):
            raise TypeError(f"{function.node.path} stands alone")
        group = logs.LogGroup(provider, "Logs", retention=retention(stack.settings.logs.retention_days))
        if not encrypted:
            acknowledge(group, "CloudWatchLogGroupEncrypted", packs=HIPAA_NIST_PCI, decision=_PROGRESS_ONLY)
        function.add_property_override("Tags", written)
        function.add_property_override("LoggingConfig.LogGroup", group.log_group_name)


def _bare(stack: cdk.Stack, resource_type: str, known: type) -> list[cdk.CfnResource]:
    found = cdk.Mixins.of(stack, cdk.ConstructSelector.resources_of_type(resource_type)).selected_constructs
    return [one for one in found if isinstance(one, cdk.CfnResource) and not isinstance(one, known)]
