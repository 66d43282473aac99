"""Whether an alarm may publish to a topic: by the topic's policy, and by that of the key that encrypts the topic."""

from __future__ import annotations

from ministack.core.iam_evaluator import EvalContext, evaluate_resource_policy
from ministack.core.responses import get_region
from ministack.services import kms, sns

_PRINCIPAL = "cloudwatch.amazonaws.com"
_KEY_ACTIONS = ("kms:Decrypt", "kms:GenerateDataKey")


def refusal(topic: str, *, alarm: str, account: str) -> str | None:
    """What CloudWatch would write into the alarm's history instead of publishing; all names are ARNs."""
    attributes = (sns._topic_by_arn_any_scope(topic) or {}).get("attributes", {})
    if not _allows(attributes.get("Policy"), "sns:Publish", topic, alarm=alarm, account=account):
        return (
            f"CloudWatch Alarms is not authorized to perform: SNS:Publish on resource: {topic} because no "
            "resource-based policy allows the SNS:Publish action"
        )
    key = attributes.get("KmsMasterKeyId")
    if key and not _may_use(key, alarm=alarm, account=account):
        return f"CloudWatch Alarms does not have authorization to access the SNS topic encryption key {key}"
    return None


def _may_use(key: str, *, alarm: str, account: str) -> bool:
    """The key alias/aws/sns lets no service in: its policy is AWS's own."""
    record = None if key.endswith("alias/aws/sns") else kms._resolve_key(key)
    if record is None:
        return False
    return all(
        _allows(record["Policy"], action, record["Arn"], alarm=alarm, account=account) for action in _KEY_ACTIONS
    )


def _allows(policy: str | None, action: str, resource: str, *, alarm: str, account: str) -> bool:
    """Whether a resource's policy lets CloudWatch act for the alarm; services call each other over TLS."""
    context = EvalContext(
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action=action,
        resource_arn=resource,
        region=get_region(),
        secure_transport=True,
        service_context={
            "aws:sourcearn": alarm,
            "aws:sourceaccount": account,
            "aws:sourceowner": account,
        },
    )
    decision: str = evaluate_resource_policy(policy, context, service=_PRINCIPAL).decision
    return decision == "Allow"
