"""Waivers of preflight findings, written beside the construct that they are about."""

from __future__ import annotations

from datetime import date

import aws_cdk as cdk
from constructs import IConstruct


def waive(construct: IConstruct, *, rule: str, reason: str, owner: str, expires: date) -> None:
    """Acknowledge a preflight finding at a construct, until and including the day `expires`.

    The waiver goes into the template, at the construct's own CloudFormation resource; preflight refuses one that says
    too little, has expired, or matches no finding any more.
    Raises ValueError for a construct without a resource of its own: waive at the part that has it.
    """
    resource = construct if isinstance(construct, cdk.CfnResource) else construct.node.default_child
    if not isinstance(resource, cdk.CfnResource):
        raise ValueError(f"{construct.node.path} has no CloudFormation resource of its own")
    written = resource.get_metadata("preflight") or {"waivers": []}
    waiver = {"rule": rule, "reason": reason, "owner": owner, "expires": expires.isoformat()}
    resource.add_metadata("preflight", {"waivers": [*written["waivers"], waiver]})
