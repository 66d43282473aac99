"""What MiniStack's IAM leaves unchecked: KMS behind encrypted objects and secrets, and a few resources and keys."""

from __future__ import annotations

import contextvars
import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, unquote

from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import alb, ecs, s3, secretsmanager

from localcloud.emulator import ecs_authorization, named_resources
from localcloud.emulator.corrections import replace
from localcloud.emulator.services.s3 import default_key

_denied_key: contextvars.ContextVar[tuple[str, str] | None] = contextvars.ContextVar("denied_kms_key", default=None)
_further: contextvars.ContextVar[tuple[str, ...]] = contextvars.ContextVar("further_resources", default=())
"""What a call is about beside the one resource that upstream asks for."""

_KMS_OF_SECRETS = {
    "secretsmanager:GetSecretValue": "kms:Decrypt",
    "secretsmanager:BatchGetSecretValue": "kms:Decrypt",
    "secretsmanager:PutSecretValue": "kms:GenerateDataKey",
    "secretsmanager:UpdateSecret": "kms:GenerateDataKey",
}


_LISTS = {"elasticache:DescribeUsers": "user:*"}
"""What is asked for without a name; upstream checks it against nothing."""


def install() -> None:
    # Upstream lets whoever may read an object or a secret read it without rights on its key, and shows the names of
    # all buckets to callers without credentials.
    replace(iam_evaluator, "enforce", _with_keys(iam_evaluator.enforce))
    replace(iam_actions, "access_denied_response", _naming_the_key(iam_actions.access_denied_response))
    # Upstream checks DescribeRepositories against "*", which CDK's own publishing role does not have, and calls on a
    # log stream against its group, which no policy for the streams of a group ("…:log-group:name:*") allows. It checks
    # calls on services, tasks, listener rules, Valkey's users and their groups, parameters that are not a call's only
    # one, and backup vaults against the cluster or nothing.
    replace(iam_actions, "extract_resource_arn", _with_exact_resources(iam_actions.extract_resource_arn))
    # Upstream never fills cloudwatch:namespace and ecs:cluster, on which roles are conditioned.
    replace(iam_actions, "request_tag_context", _with_condition_keys(iam_actions.request_tag_context))
    # Upstream leaves out which key an upload names.
    replace(iam_actions, "s3_service_context", _with_named_key(iam_actions.s3_service_context))


def _with_keys(stock: Callable[..., Any]) -> Callable[..., Any]:
    def enforce(
        access_key_id: str,
        iam_action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: Mapping[str, Any] | None = None,
    ) -> Any:
        _denied_key.set(None)
        if iam_action == "s3:ListAllMyBuckets" and iam_evaluator._anonymous.get():
            return iam_evaluator.EvalResult("ImplicitDeny", "anonymous")
        if resource_arn == "*" and iam_action in _LISTS:
            resource_arn = f"arn:aws:{service}:{region}:{get_account_id()}:{_LISTS[iam_action]}"
        service_context = {**(service_context or {}), **_tags_of(resource_arn)}
        for resource in (resource_arn, *_further.get()):
            if denied := stock(access_key_id, iam_action, service, region, resource, service_context):
                return denied
        behind = _key_behind(iam_action, resource_arn, service_context)
        if behind is None:
            return None
        kms_action, key = behind
        context = {
            "kms:ViaService": f"{service}.{region}.amazonaws.com",
            "kms:CallerAccount": get_account_id(),
            **_encryption_context(service, resource_arn),
        }
        # Whoever posts a signed form to S3 sends an unsigned request: the form's signer is not anonymous to KMS.
        unsigned = iam_evaluator._anonymous.set(iam_evaluator._anonymous.get() and not access_key_id)
        try:
            denied = stock(access_key_id, kms_action, "kms", region, key, context)
        finally:
            iam_evaluator._anonymous.reset(unsigned)
        if denied:
            _denied_key.set((kms_action, key))
        return denied

    return enforce


def _tags_of(resource: str) -> dict[str, str]:
    """aws:ResourceTag/… of an ECS service or a target group, which upstream leaves out."""
    tags = alb._tags.get(resource, []) if ":targetgroup/" in resource else []
    if ":service/" in resource:
        tags = [{"Key": each["key"], "Value": each["value"]} for each in ecs._tags.get(resource, [])]
    return {f"aws:ResourceTag/{each['Key']}": str(each["Value"]) for each in tags}


def _key_behind(action: str, resource: str, context: Mapping[str, Any]) -> tuple[str, str] | None:
    """The KMS action and key that a call needs besides its own; None without a customer's key."""
    if action in _KMS_OF_SECRETS:
        _, secret = secretsmanager._resolve(resource)
        key = (secret or {}).get("KmsKeyId")
        return (_KMS_OF_SECRETS[action], _key_arn(key, resource)) if key else None
    if action not in ("s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"):
        return None
    bucket, _, name = resource.removeprefix("arn:aws:s3:::").partition("/")
    if not name:
        return None  # a form posted to the bucket: its signer is checked on its own, for the object that the form names
    if action == "s3:PutObject":
        asked = {str(key).lower(): value for key, value in context.items()}
        key = asked.get("s3:x-amz-server-side-encryption-aws-kms-key-id") or default_key(bucket)
    else:
        record = (s3._buckets.get(bucket) or {}).get("objects", {}).get(name) or {}
        key = s3._stored_sse_headers(record).get("x-amz-server-side-encryption-aws-kms-key-id") if record else None
    if not key or "alias/aws/" in str(key):
        return None
    return ("kms:GenerateDataKey" if action == "s3:PutObject" else "kms:Decrypt", _key_arn(str(key), resource))


def _key_arn(key: str, resource: str) -> str:
    if key.startswith("arn:"):
        return key
    region = resource.split(":")[3] or "us-east-1"
    return f"arn:aws:kms:{region}:{get_account_id()}:{key if key.startswith('alias/') else f'key/{key}'}"


def _encryption_context(service: str, resource: str) -> dict[str, str]:
    if service == "secretsmanager":
        return {"kms:EncryptionContext:SecretARN": resource}
    return {"kms:EncryptionContext:aws:s3:arn": resource}


def _naming_the_key(stock: Callable[..., Any]) -> Callable[..., Any]:
    def access_denied_response(service: str, action: str, principal: str, *args: Any, **kwargs: Any) -> Any:
        behind = _denied_key.get()
        if behind:
            action, kwargs["resource_arn"] = behind
        return stock(service, action, principal, *args, **kwargs)

    return access_denied_response


def _with_exact_resources(stock: Callable[..., str]) -> Callable[..., str]:
    def extract(
        service: str, method: str, path: str, headers: Any, body: bytes, params: Any, region: str, account: str
    ) -> str:
        named = _named(service, body, params, prefix=f"arn:aws:{service}:{region}:{account}:")
        _further.set(named[1:])
        if named:
            return named[0]
        if service == "ecr" and body[:1] == b"{":
            names = json.loads(body).get("repositoryNames")
            if names:
                return f"arn:aws:ecr:{region}:{account}:repository/{names[0]}"
        if service == "logs" and body[:1] == b"{":
            call = json.loads(body)
            if "logGroupName" in call and "logStreamName" in call:
                group, stream = call["logGroupName"], call["logStreamName"]
                return f"arn:aws:logs:{region}:{account}:log-group:{group}:log-stream:{stream}"
        if service == "elasticloadbalancing" and "RuleArn" in params:
            rule = params["RuleArn"]
            return str(rule[0] if isinstance(rule, list) else rule)
        if service == "backup" and path.startswith("/backup-vaults/"):
            return f"arn:aws:backup:{region}:{account}:backup-vault:{unquote(path.split('/')[2])}"
        if service == "ecs":
            prefix = f"arn:aws:ecs:{region}:{account}:"
            found = ecs_authorization.resource(ecs_authorization.operation(headers), body, prefix=prefix)
            if found:
                return found
        return stock(service, method, path, headers, body, params, region, account)

    return extract


def _named(service: str, body: bytes, params: Any, *, prefix: str) -> tuple[str, ...]:
    if service == "elasticache":
        return named_resources.of_elasticache(params, prefix=prefix)
    return named_resources.of_ssm(body, prefix=prefix) if service == "ssm" else ()


def _with_condition_keys(stock: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    def context(service: str, iam_action: str, body: bytes, params: Any) -> dict[str, Any]:
        found = stock(service, iam_action, body, params)
        if iam_action == "cloudwatch:PutMetricData" and (namespace := _namespace(body, params)):
            return {**found, "cloudwatch:namespace": namespace}
        if service == "ecs":
            prefix = f"arn:aws:ecs:{get_region()}:{get_account_id()}:"
            if cluster := ecs_authorization.cluster_arn(body, prefix=prefix):
                return {**found, "ecs:cluster": cluster}
        return found

    return context


def _with_named_key(stock: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    def context(
        iam_action: str, query_params: Any, path: str = "", headers: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        found = stock(iam_action, query_params, path, headers)
        key = (headers or {}).get("x-amz-server-side-encryption-aws-kms-key-id")
        return {**found, "s3:x-amz-server-side-encryption-aws-kms-key-id": key} if key else found

    return context


def _namespace(body: bytes, params: Any) -> str | None:
    if "Namespace" in params:
        return str(params["Namespace"][0])
    if body[:1] == b"{":
        return str(json.loads(body).get("Namespace", "")) or None
    if b"Namespace=" in body:
        return parse_qs(body.decode(errors="replace"))["Namespace"][0]
    return _cbor_text(body, "Namespace")


def _cbor_text(body: bytes, name: str) -> str | None:
    """A text member of a CBOR map (RFC 8949), found by its key's own encoding."""
    at = body.find(bytes([0x60 + len(name)]) + name.encode())
    if at < 0:
        return None
    start = at + 1 + len(name)
    head = body[start]
    length, start = (head - 0x60, start + 1) if head < 0x78 else (body[start + 1], start + 2)
    return body[start : start + length].decode()
