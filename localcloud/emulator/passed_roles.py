"""Whoever gives a role to a service needs iam:PassRole on it, which MiniStack does not look at.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html; which calls pass roles:
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/security_iam_service-with-iam.html,
https://docs.aws.amazon.com/lambda/latest/dg/access-control-identity-based.html and
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-iam-servicerole.html
"""

from __future__ import annotations

import contextvars
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ministack.core import iam_actions, iam_evaluator
from ministack.services import ecs

from localcloud.emulator.corrections import replace

Passed = tuple[tuple[str, str], ...]
"""Roles' ARNs and the service that each is handed to."""

_passed: contextvars.ContextVar[Passed] = contextvars.ContextVar("passed_roles", default=())
_refused: contextvars.ContextVar[str] = contextvars.ContextVar("refused_role", default="")


def install() -> None:
    """After what else corrects `enforce`: only a call that is allowed itself is asked for its roles."""
    replace(iam_actions, "request_tag_context", _noticing(iam_actions.request_tag_context))
    replace(iam_evaluator, "enforce", _asking(iam_evaluator.enforce))
    replace(iam_actions, "access_denied_response", _naming_the_role(iam_actions.access_denied_response))


def _noticing(stock: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    def context(service: str, iam_action: str, body: bytes, params: Any) -> dict[str, Any]:
        find = _PASSING.get(iam_action)
        _passed.set(tuple(find(_call(body, params))) if find else ())
        return stock(service, iam_action, body, params)

    return context


def _asking(stock: Callable[..., Any]) -> Callable[..., Any]:
    def enforce(
        access_key_id: str,
        iam_action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: Any = None,
    ) -> Any:
        _refused.set("")
        denied = stock(access_key_id, iam_action, service, region, resource_arn, service_context)
        if denied or iam_action not in _PASSING:
            return denied
        for role, to in _passed.get():
            denied = stock(access_key_id, "iam:PassRole", "iam", region, role, {"iam:PassedToService": to})
            if denied:
                _refused.set(role)
                return denied
        return None

    return enforce


def _naming_the_role(stock: Callable[..., Any]) -> Callable[..., Any]:
    def access_denied_response(service: str, action: str, principal: str, *args: Any, **kwargs: Any) -> Any:
        role = _refused.get()
        if role:
            explicit = bool(kwargs.get("explicit_deny"))
            kwargs["message"] = iam_actions.identity_denial_message("iam:PassRole", principal, role, explicit)
        return stock(service, action, principal, *args, **kwargs)

    return access_denied_response


def _call(body: bytes, params: Any) -> Mapping[str, Any]:
    if body[:1] == b"{":
        try:
            call = json.loads(body)
        except ValueError:
            return {}
        return call if isinstance(call, dict) else {}
    return {key: value[0] if isinstance(value, list) else value for key, value in dict(params or {}).items()}


def _of_task(call: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The roles of a task definition, which the call names or registers, or those that it puts in their place."""
    definition = call
    if "taskDefinition" in call:
        definition = ecs._task_defs.get(ecs._resolve_td_key(str(call["taskDefinition"]))) or {}
    overrides = call.get("overrides") or {}
    for key in ("taskRoleArn", "executionRoleArn"):
        role = overrides.get(key) or definition.get(key)
        if role:
            yield str(role), "ecs-tasks.amazonaws.com"


def _given(key: str, service: str) -> Callable[[Mapping[str, Any]], Iterator[tuple[str, str]]]:
    def find(call: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        if call.get(key):
            yield str(call[key]), service

    return find


_stack = _given("RoleARN", "cloudformation.amazonaws.com")
_function = _given("Role", "lambda.amazonaws.com")
_PASSING: dict[str, Callable[[Mapping[str, Any]], Iterator[tuple[str, str]]]] = {
    "ecs:RegisterTaskDefinition": _of_task,
    "ecs:RunTask": _of_task,
    "ecs:StartTask": _of_task,
    "lambda:CreateFunction": _function,
    "lambda:UpdateFunctionConfiguration": _function,
    "cloudformation:CreateStack": _stack,
    "cloudformation:UpdateStack": _stack,
    "cloudformation:CreateChangeSet": _stack,
}
