"""Roles: permissions boundaries, which MiniStack's IAM judges by and its CloudFormation leaves out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localcloud.emulator.internal import client
from localcloud.emulator.registry import Completion, Properties, Wanted, resource


@resource("AWS::IAM::Role")
class Role(Completion):
    """A boundary that does not exist is refused, as by AWS: a role comes after the policy that bounds it."""

    def complete(self, ref: str, before: Properties, wanted: Wanted) -> Mapping[str, Any]:
        boundary = wanted.properties.get("PermissionsBoundary")
        if boundary:
            client("iam").put_role_permissions_boundary(RoleName=ref, PermissionsBoundary=boundary)
        elif before.get("PermissionsBoundary"):
            client("iam").delete_role_permissions_boundary(RoleName=ref)
        return {}
