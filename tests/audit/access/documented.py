"""Examples of the IAM User Guide, as data: what the policies are, and which requests are let.

Two evaluations are held to them: the audit's, over templates, and the local cloud's, over requests.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

GUIDE = "https://docs.aws.amazon.com/IAM/latest/UserGuide"
ROLE = "{role}"
"""In a policy: the ARN of the role that asks. `{own}` and `{logs}` are two buckets, `{account}` is the account."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """An action on an object or bucket, written as the end of its ARN."""

    action: str
    on: str
    allowed: bool


@dataclass(frozen=True, kw_only=True)
class Example:
    """`bucket_policies` are statements by bucket; `boundary` is None without one."""

    name: str
    source: str
    identity: tuple[dict[str, Any], ...] = ()
    boundary: tuple[dict[str, Any], ...] | None = None
    bucket_policies: dict[str, tuple[dict[str, Any], ...]] | None = None
    requests: tuple[Request, ...] = ()


def _statement(effect: str, actions: str | list[str], resources: str | list[str], **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": actions, "Resource": resources, **more}


def _let(action: str, on: str) -> Request:
    return Request(action=action, on=on, allowed=True)


def _refused(action: str, on: str) -> Request:
    return Request(action=action, on=on, allowed=False)


_SELF = _statement("Allow", "s3:*", ["arn:aws:s3:::{own}/*", "arn:aws:s3:::{own}"])
_DENY_LOGS = _statement("Deny", "s3:*", "arn:aws:s3:::*logs*")
_WHOLE_LOGS = _statement("Allow", "s3:*", ["arn:aws:s3:::{logs}/*", "arn:aws:s3:::{logs}"], Principal={"AWS": ROLE})
_ANY = _statement("Allow", "s3:*", "*")

EXAMPLES = (
    Example(
        name="an explicit deny overrides what the bucket's policy allows",
        source=f"{GUIDE}/reference_policies_evaluation-logic_policy-eval-basics.html",
        identity=(_SELF, _DENY_LOGS),
        bucket_policies={"{logs}": (_WHOLE_LOGS,)},
        requests=(
            _let("s3:PutObject", "{own}/a"),
            _refused("s3:PutObject", "{logs}/a"),
            _refused("s3:ListBucket", "{logs}"),
        ),
    ),
    Example(
        name="within the account either policy is enough",
        source=f"{GUIDE}/reference_policies_evaluation-logic_policy-eval-basics.html",
        identity=(_SELF,),
        bucket_policies={"{logs}": (_WHOLE_LOGS,)},
        requests=(_let("s3:PutObject", "{own}/a"), _let("s3:PutObject", "{logs}/a")),
    ),
    Example(
        name="what nothing allows is denied implicitly",
        source=f"{GUIDE}/reference_policies_evaluation-logic_AccessPolicyLanguage_Interplay.html",
        identity=(_statement("Allow", "s3:GetObject", "arn:aws:s3:::{own}/*"),),
        requests=(
            _let("s3:GetObject", "{own}/a"),
            _refused("s3:GetObject", "{logs}/a"),
            _refused("s3:PutObject", "{own}/a"),
        ),
    ),
    Example(
        name="a boundary sets the most there can be, and gives nothing itself",
        source=f"{GUIDE}/access_policies_boundaries.html",
        identity=(
            _statement("Allow", "iam:ListUsers", "*"),
            _statement("Allow", "s3:GetObject", "arn:aws:s3:::{own}/*"),
        ),
        boundary=(_statement("Allow", ["s3:*", "cloudwatch:*", "ec2:*"], "*"),),
        requests=(_let("s3:GetObject", "{own}/a"), _refused("iam:ListUsers", "*"), _refused("s3:PutObject", "{own}/a")),
    ),
    Example(
        name="a deny in the boundary denies",
        source=f"{GUIDE}/access_policies_boundaries.html",
        identity=(_ANY,),
        boundary=(_ANY, _statement("Deny", "s3:DeleteObject", "*")),
        requests=(_let("s3:GetObject", "{own}/a"), _refused("s3:DeleteObject", "{own}/a")),
    ),
    Example(
        name="a boundary limits what a bucket's policy gives to a role's ARN",
        source=f"{GUIDE}/reference_policies_evaluation-logic_policy-eval-denyallow.html",
        boundary=(_statement("Allow", "s3:*", "arn:aws:s3:::{own}/*"),),
        bucket_policies={"{logs}": (_WHOLE_LOGS,)},
        requests=(_refused("s3:GetObject", "{logs}/a"),),
    ),
    Example(
        name="a bucket's policy that names the account leaves it to identity policies",
        source=f"{GUIDE}/reference_policies_elements_principal.html",
        bucket_policies={
            "{own}": (
                _statement("Allow", "s3:*", "arn:aws:s3:::{own}/*", Principal={"AWS": "arn:aws:iam::{account}:root"}),
            )
        },
        requests=(_refused("s3:GetObject", "{own}/a"),),
    ),
    Example(
        name="NotAction with Deny leaves only what it names",
        source=f"{GUIDE}/reference_policies_elements_notaction.html",
        identity=(_ANY, {"Effect": "Deny", "NotAction": "s3:Get*", "Resource": "*"}),
        requests=(_let("s3:GetObject", "{own}/a"), _refused("s3:PutObject", "{own}/a")),
    ),
    Example(
        name="NotResource with Deny leaves only what it names",
        source=f"{GUIDE}/reference_policies_elements_notresource.html",
        identity=(
            _ANY,
            {"Effect": "Deny", "Action": "s3:*", "NotResource": ["arn:aws:s3:::{own}", "arn:aws:s3:::{own}/*"]},
        ),
        requests=(_let("s3:GetObject", "{own}/a"), _refused("s3:GetObject", "{logs}/a")),
    ),
    Example(
        name="several keys of a condition all have to hold, of several values one",
        source=f"{GUIDE}/reference_policies_condition-logic-multiple-context-keys-or-values.html",
        identity=(
            _statement(
                "Allow",
                "s3:GetObject",
                "arn:aws:s3:::{own}/*",
                Condition={"StringEquals": {"aws:PrincipalAccount": ["999999999999", "{account}"]}},
            ),
            _statement(
                "Allow",
                "s3:GetObject",
                "arn:aws:s3:::{logs}/*",
                Condition={
                    "StringEquals": {"aws:PrincipalAccount": "{account}"},
                    "ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/somebody-else"},
                },
            ),
        ),
        requests=(_let("s3:GetObject", "{own}/a"), _refused("s3:GetObject", "{logs}/a")),
    ),
    Example(
        name="a negated operator with several values wants none of them",
        source=f"{GUIDE}/reference_policies_condition-logic-multiple-context-keys-or-values.html",
        identity=(
            _ANY,
            _statement(
                "Deny",
                "s3:*",
                "arn:aws:s3:::{own}/*",
                Condition={"StringNotEquals": {"aws:PrincipalAccount": ["{account}", "999999999999"]}},
            ),
            _statement(
                "Deny",
                "s3:*",
                "arn:aws:s3:::{logs}/*",
                Condition={"StringNotEquals": {"aws:PrincipalAccount": ["888888888888", "999999999999"]}},
            ),
        ),
        requests=(_let("s3:GetObject", "{own}/a"), _refused("s3:GetObject", "{logs}/a")),
    ),
    Example(
        name="a bucket that wants TLS denies nobody who uses it",
        source=f"{GUIDE}/reference_policies_elements_condition_operators.html",
        identity=(_ANY,),
        bucket_policies={
            "{own}": (
                _statement(
                    "Deny",
                    "s3:*",
                    "arn:aws:s3:::{own}/*",
                    Principal="*",
                    Condition={"Bool": {"aws:SecureTransport": "false"}},
                ),
            )
        },
        requests=(_let("s3:GetObject", "{own}/a"),),
    ),
    Example(
        name="the name of an action has no case, that of a resource has",
        source=f"{GUIDE}/reference_policies_elements_action.html",
        identity=(
            _statement("Allow", "S3:getobject", "arn:aws:s3:::{own}/*"),
            _statement("Allow", "s3:GetObject", "arn:aws:s3:::{logs}/A*"),
        ),
        requests=(_let("s3:GetObject", "{own}/a"), _refused("s3:GetObject", "{logs}/a")),
    ),
)
