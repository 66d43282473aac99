"""Whether a bucket policy lets a distribution read, as S3 asks it about CloudFront's requests.

The emulator has no requests by CloudFront itself, so its policy evaluation never sees them; what CloudFront's policies
use is evaluated here: principals, actions, and conditions on the distribution and its account.
"""

from __future__ import annotations

import json
import re
from typing import Any

from botocore.exceptions import ClientError

from localcloud import layout
from localcloud.dataplane import patterns
from localcloud.dataplane.desired.api import Reader

_SERVICE = "cloudfront.amazonaws.com"
_ACTION = "s3:GetObject"
_AGE = 3.0


def lets_in(reader: Reader, bucket: str, *, distribution: str) -> bool:
    """`distribution` is an ARN."""
    try:
        text = reader.one("s3", "get_bucket_policy", seconds=_AGE, Bucket=bucket)["Policy"]
    except ClientError as error:
        if error.response["Error"]["Code"] in ("NoSuchBucketPolicy", "NoSuchBucket"):
            return False
        raise
    return allows(json.loads(text), distribution=distribution)


def allows(policy: dict[str, Any], *, distribution: str) -> bool:
    """Whether a statement allows CloudFront to read for this distribution and none denies it."""
    effects = {
        statement["Effect"] for statement in _listed(policy.get("Statement")) if _applies(statement, distribution)
    }
    return effects == {"Allow"}


def _applies(statement: dict[str, Any], distribution: str) -> bool:
    principal = statement.get("Principal")
    named = principal if isinstance(principal, dict) else {}
    meant = principal == "*" or "*" in _listed(named.get("AWS")) or _SERVICE in _listed(named.get("Service"))
    acts = any(_fits(action, _ACTION, case=False) for action in _listed(statement.get("Action")))
    known = {
        "aws:sourcearn": distribution,
        "aws:sourceaccount": layout.ACCOUNT,
        "aws:securetransport": "true",
    }
    return (
        meant
        and acts
        and all(
            _holds(operator, known.get(key.lower()), _listed(values))
            for operator, members in statement.get("Condition", {}).items()
            for key, values in members.items()
        )
    )


def _holds(operator: str, actual: str | None, values: list[str]) -> bool:
    """A condition; on a key that CloudFront's requests lack only negated ones hold."""
    name = operator.removesuffix("IfExists")
    negated = "Not" in name
    if actual is None:
        return negated or operator.endswith("IfExists")
    if name in ("StringEquals", "StringNotEquals", "Bool"):
        hit = actual in [str(value) for value in values]
    else:
        hit = any(_fits(str(value), actual, case=True) for value in values)
    return hit != negated


def _fits(pattern: str, text: str, *, case: bool) -> bool:
    return re.fullmatch(patterns.regex(pattern), text, 0 if case else re.IGNORECASE) is not None


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
