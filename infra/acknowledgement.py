"""Findings of the audit's packs that stay, written beside the construct that they are about."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import IConstruct

METADATA = "acknowledgements"
"""The key in a resource's Metadata that holds its acknowledgements."""

_LONGEST = timedelta(days=400)
_SHORTEST_REASON = 40  # characters; less says what was done, not why
_WILDCARD = re.compile(r"[*?]")
_FINDING = re.compile(r"^[A-Za-z0-9]+(\[.+\])?$")


class Pack(StrEnum):
    """The packs, by the names that begin the ids of their rules."""

    AWS_SOLUTIONS = "AwsSolutions"
    HIPAA = "HIPAA.Security"
    NIST = "NIST.800.53.R5"
    PCI = "PCI.DSS.321"
    OURS = "SpendSmart"


HIPAA_NIST = (Pack.HIPAA, Pack.NIST)
HIPAA_NIST_PCI = (Pack.HIPAA, Pack.NIST, Pack.PCI)


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Why a finding stays. It may be made once for several constructs; each of them is acknowledged by itself.

    `reference` is an ADR's path or a ticket; `expires` is the last day on which the decision holds without a warning.
    """

    reason: str
    owner: str
    reference: str
    decided: date
    expires: date

    def __post_init__(self) -> None:
        if len(self.reason) < _SHORTEST_REASON:
            raise ValueError(f"{self.reason!r} is no reason: say what protects instead, in {_SHORTEST_REASON} letters")
        if not self.owner or not self.reference:
            raise ValueError(f"an owner and a reference belong to the decision {self.reason!r}")
        if not self.decided < self.expires <= self.decided + _LONGEST:
            raise ValueError(
                f"{self.reason!r} holds until {self.expires}: at most {_LONGEST.days} days, then look anew"
            )


def acknowledge(construct: IConstruct, finding: str, *, packs: Sequence[Pack], decision: Decision) -> None:
    """Leave one finding (`L1`, `IAM5[Resource::*]`) of these packs at one resource in the report, as acknowledged.

    CDK takes it out of what fails the synth; the template says who decided it, why and until when, at the construct's
    own CloudFormation resource. The audit refuses it once it has expired or matches no finding any more.
    Raises ValueError for a rule's pattern instead of a finding, and for a construct without a resource of its own.
    """
    if not _FINDING.match(finding) or _WILDCARD.search(finding.split("[", 1)[0]):
        raise ValueError(f"{finding!r} is no exact finding: acknowledge each one by its own id")
    resource = construct if isinstance(construct, cdk.CfnResource) else construct.node.default_child
    if not isinstance(resource, cdk.CfnResource):
        raise ValueError(f"{construct.node.path} has no CloudFormation resource of its own")
    rules = [f"{pack}-{finding}" for pack in packs]
    for pack, rule in zip(packs, rules, strict=True):
        cdk.Validations.of(construct).acknowledge(
            cdk.Acknowledgment(id=f"{pack}::{rule}", reason=f"{decision.reason} ({decision.reference})")
        )
    written = resource.get_metadata(METADATA) or []
    resource.add_metadata(
        METADATA,
        [
            *written,
            {
                "findings": rules,
                "reason": decision.reason,
                "owner": decision.owner,
                "reference": decision.reference,
                "decided": decision.decided.isoformat(),
                "expires": decision.expires.isoformat(),
            },
        ],
    )


def acknowledge_lasting(secret: IConstruct, *, decision: Decision) -> None:
    """Leave in all packs that nothing gives a secret a new value."""
    for finding, packs in (("SMG4", [Pack.AWS_SOLUTIONS]), ("SecretRotates", [Pack.OURS])):
        acknowledge(secret, finding, packs=packs, decision=decision)
    acknowledge(secret, "SecretsManagerRotationEnabled", packs=HIPAA_NIST, decision=decision)


def acknowledge_wildcard(granted: iam.IRole | iam.ManagedPolicy, resource: str, *, decision: Decision) -> None:
    """Leave AwsSolutions' IAM5 for one resource, written as in the statement, of a policy: a role's is that which
    grants made."""
    policy = granted if isinstance(granted, iam.ManagedPolicy) else granted.node.find_child("DefaultPolicy")
    finding = f"IAM5[Resource::{_flat(cdk.Stack.of(policy).resolve(resource))}]"
    acknowledge(policy, finding, packs=[Pack.AWS_SOLUTIONS], decision=decision)


def _flat(value: Any) -> str:
    """As cdk-nag writes what only the deployment will know: `<LogicalId.Attribute>`."""
    if isinstance(value, str):
        return value
    if "Fn::Join" in value:
        separator, parts = value["Fn::Join"]
        return str(separator).join(_flat(part) for part in parts)
    if "Ref" in value:
        return f"<{value['Ref']}>"
    if "Fn::GetAtt" in value:
        return f"<{'.'.join(value['Fn::GetAtt'])}>"
    return json.dumps(value, separators=(",", ":"))
