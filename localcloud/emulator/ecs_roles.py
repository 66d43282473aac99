"""The task runner acts as ECS: it gets sessions of the roles that trust `ecs-tasks.amazonaws.com`, as ECS would."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace as changed
from typing import Any

from ministack.core import iam_evaluator

from localcloud.emulator.corrections import replace


def install() -> None:
    # Upstream lets root assume what a service may, but fills in nothing of what a service says about its request.
    replace(iam_evaluator, "evaluate_trust_policy", _with_source(iam_evaluator.evaluate_trust_policy))


def _with_source(stock: Callable[..., bool]) -> Callable[..., bool]:
    def evaluate(trust_doc: str | dict[str, Any], caller_arn: str, ctx: Any = None) -> bool:
        if ctx is not None and ctx.principal_type == "Root":
            # ECS says for whom it asks: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html
            source = {
                "aws:sourceaccount": ctx.principal_account,
                "aws:sourcearn": f"arn:aws:ecs:{ctx.region}:{ctx.principal_account}:*",
            }
            ctx = changed(ctx, service_context={**source, **ctx.service_context})
        return stock(trust_doc, caller_arn, ctx)

    return evaluate
