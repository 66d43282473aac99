"""The roles of `cdk bootstrap`, which deploy everything and are in no template of the app.

They come from the template that the installed CDK CLI would deploy.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from preflight.assembly import Assembly, Stack
from preflight.loading import LoadError, read_template

TEMPLATE = Path("node_modules/aws-cdk/lib/api/bootstrap/bootstrap-template.yaml")
EXECUTION_POLICY = "arn:aws:iam::aws:policy/AdministratorAccess"
"""What docs/pipeline.md bootstraps with, and the CLI without `--cloudformation-execution-policies`."""

_DEFAULTS = {
    "HasTrustedAccountsForLookup": False,
    "HasCloudFormationExecutionPolicies": True,
    "HasCustomFileAssetsBucketName": False,
    "HasCustomContainerAssetsRepositoryName": False,
    "CreateNewKey": False,
    "UseAwsManagedKey": True,
    "ShouldCreatePermissionsBoundary": False,
    "PermissionsBoundarySet": False,
    "ShouldApplyPermissionsBoundaryToAllRoles": False,
    "UsePublicAccessBlockConfiguration": True,
    "ShouldDenyExternalId": True,
}
"""How the template's conditions turn out for `cdk bootstrap` without further options."""


def bootstrap_assembly(
    assemblies: Iterable[Assembly], *, trusted: Iterable[str], template: Path = TEMPLATE
) -> Assembly | None:
    """A bootstrap stack for each account and region that has stacks; None without the CLI's template.

    `trusted` are the accounts that `--trust` named.
    """
    try:
        content, size = read_template(template)
    except LoadError:
        return None
    assembly = Assembly()
    places = {(stack.account, stack.region) for one in assemblies for stack in one.stacks}
    for account, region in sorted(place for place in places if all(place)):
        others = sorted(set(trusted) - {account})
        assembly.stacks.append(
            Stack(
                name=f"CDKToolkit-{account}-{region}",
                template=content,
                assembly=assembly,
                file=str(template),
                region=region,
                account=account,
                size=size,
                parameter_values={
                    "TrustedAccounts": others or "",
                    "CloudFormationExecutionPolicies": [EXECUTION_POLICY],
                },
                condition_values=_DEFAULTS | {"HasTrustedAccounts": bool(others)},
            )
        )
    return assembly
