"""What holds for every role of an app: no inline policies, and a boundary that no policy can widen."""

from __future__ import annotations

from datetime import date

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.acknowledgement import METADATA, Decision, Pack, acknowledge

_GRANTS_NOTHING = Decision(
    reason="A boundary grants nothing: it says what policies cannot add, and the policy of each role names what it "
    "may do. cdk-nag does not read NotAction, by which all of identity management is left out",
    owner="platform",
    reference="docs/adr/0058-bounded-roles.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)

_IDENTITY = ("account:*", "iam:*", "organizations:*")
_ENDING = (
    "iam:DeletePolicy",
    "iam:DeletePolicyVersion",
    "iam:DeleteRole",
    "iam:DeleteRolePolicy",
    "iam:DetachRolePolicy",
    "iam:ListAttachedRolePolicies",
    "iam:ListPolicyVersions",
    "iam:ListRolePolicies",
    "iam:ListRoleTags",
)
_UNDOING = ("cloudtrail:DeleteTrail", "cloudtrail:StopLogging", "kms:DisableKey", "kms:ScheduleKeyDeletion")


class PermissionsBoundary(iam.ManagedPolicy):
    """The most that a role may ever do: no identities, no organization, no end of keys and trails.

    It passes roles whose names begin with `role_prefix`, which are bounded as well. The policies of each role say what
    it may do; this says what a mistake in one of them cannot add. Roles and policies whose names begin with `ended`
    may be deleted, where something has to look after those that are left over.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, name: str, role_prefix: str, ended: str | None = None
    ) -> None:
        def named(resource: str, prefix: str) -> str:
            stack = cdk.Stack.of(scope)
            return stack.format_arn(service="iam", region="", resource=resource, resource_name=f"{prefix}*")

        ending = (
            [
                iam.PolicyStatement(
                    actions=["iam:ListPolicies", "iam:ListRoles"], resources=["*"]
                ),  # know no resources
                iam.PolicyStatement(actions=list(_ENDING), resources=[named("role", ended), named("policy", ended)]),
            ]
            if ended
            else []
        )
        super().__init__(
            scope,
            construct_id,
            managed_policy_name=name,
            description="The most that any role of this environment may do",
            statements=[
                iam.PolicyStatement(not_actions=list(_IDENTITY), resources=["*"]),
                iam.PolicyStatement(actions=["iam:PassRole"], resources=[named("role", role_prefix)]),
                *ending,
                iam.PolicyStatement(effect=iam.Effect.DENY, actions=list(_UNDOING), resources=["*"]),
            ],
        )
        acknowledge(self, "IAM5", packs=[Pack.AWS_SOLUTIONS], decision=_GRANTS_NOTHING)
        cdk.Validations.of(self).acknowledge(
            cdk.Acknowledgment(id="CloudFormation-Validate::W2512", reason=_GRANTS_NOTHING.reason)
        )


def bound_roles(scope: cdk.Stack, boundary: PermissionsBoundary | str) -> None:
    """Put every role of a stack under the boundary, CDK's own roles included.

    `boundary` is its ARN, or the policy itself in its own stack: IAM makes no role whose boundary does not exist, and
    deletes no policy that bounds a role, so that CloudFormation has to know the order.
    """
    if isinstance(boundary, str):
        iam.PermissionsBoundary.of(scope).apply(
            iam.ManagedPolicy.from_managed_policy_arn(scope, "BoundaryOfRoles", boundary)
        )
    else:
        iam.PermissionsBoundary.of(scope).apply(boundary)


def without_inline_policies(scope: Construct) -> None:
    """Make a customer managed policy of each inline one (NIST 800-53 AC-6): they have versions, and can be listed.

    CDK's grants write into an inline policy of the role. Call this when everything is composed, before the synth.
    """
    inline = cdk.ConstructSelector.resources_of_type("AWS::IAM::Policy")
    for policy in cdk.Mixins.of(scope, inline).selected_constructs:
        if isinstance(policy, iam.CfnPolicy):
            _replace(policy)


def _replace(policy: iam.CfnPolicy) -> None:
    owner = policy.node.scope
    if not isinstance(owner, Construct):
        raise TypeError(f"{policy.node.path} stands alone")
    managed = iam.CfnManagedPolicy(
        owner, "Managed", policy_document=policy.policy_document, roles=policy.roles, groups=policy.groups
    )
    if (written := policy.get_metadata(METADATA)) is not None:
        managed.add_metadata(METADATA, written)
    owner.node.try_remove_child(policy.node.id)
