"""Corrections of MiniStack's CloudFormation engine: cross-region references, prompt answers, interrupted operations."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable
from typing import Any

from ministack.core.responses import get_account_id, get_region, now_iso
from ministack.services import cloudformation
from ministack.services.cloudformation import changesets, engine, handlers, provisioners, stacks

from localcloud import regions
from localcloud.emulator import unfinished, wire
from localcloud.emulator.corrections import replace

_OPERATIONS = frozenset({"CreateStack", "UpdateStack", "DeleteStack", "ExecuteChangeSet", "RollbackStack"})
# Under the time after which the CLI would give a request up; a first look that comes too early costs its poll of 5 s.
_PROMPT_SECONDS = 25.0
_LOOK_AGAIN_SECONDS = 0.02
_SUFFIX = 13
"""Characters at the end of a generated name that tell it from others."""

_FIELDS_OF_A_VERSION = (
    "_template",
    "_template_body",
    "_resolved_params",
    "_conditions",
    "Parameters",
    "Tags",
    "Outputs",
)


def install() -> None:
    stock_resolve = engine._resolve_refs
    resolve = _resolving_outputs_of_other_regions(stock_resolve)
    # Upstream's Fn::GetStackOutput looks for the stack in the consumer's region only, whatever Region says.
    for module in (engine, stacks, changesets, handlers):
        replace(module, "_resolve_refs", resolve)

    replace(provisioners, "_physical_name", _naming_by_region(provisioners._physical_name))

    # Clients poll every 5 s: an answer that waits for a short operation's end saves them most of that.
    replace(cloudformation, "handle_request", _answering_at_the_end(cloudformation.handle_request))

    # An output alone is a change, too; a stack that refers to it would wait for it in vain.
    create = _with_changes_of_outputs(handlers._ACTION_HANDLERS["CreateChangeSet"])
    handlers._ACTION_HANDLERS["CreateChangeSet"] = create

    # A service whose update failed runs the new revision already: it has to be sent back like a custom resource.
    stock_rule = stacks._sends_back_failed_update
    replace(stacks, "_sends_back_failed_update", lambda kind: kind == "AWS::ECS::Service" or stock_rule(kind))

    # Upstream restores a stack that was caught in flight by a kill as IN_PROGRESS for ever.
    deploy = _keeping_the_version_before(stacks._deploy_stack_async)
    for module in (stacks, changesets, handlers):
        replace(module, "_deploy_stack_async", deploy)
    stock_load = cloudformation.load_persisted_state

    def load(data: Any) -> None:
        stock_load(data)
        settle_interrupted()

    replace(cloudformation, "load_persisted_state", load)


def _naming_by_region(stock: Callable[..., str]) -> Callable[..., str]:
    """Upstream gives stacks of one name in two regions the same names, of roles and buckets, too, which know no
    regions. Those of the first region are left as they are, for clouds that have them."""

    def name(stack_name: str, logical_id: str, *, lowercase: bool = False, **how: Any) -> str:
        made = stock(stack_name, logical_id, lowercase=lowercase, **how)
        if get_region() == regions.ALL[0]:
            return made
        suffix = hashlib.sha256(f"{get_region()}:{made}".encode()).hexdigest()[:_SUFFIX]
        return made[:-_SUFFIX] + (suffix if lowercase else suffix.upper())

    return name


def operation_in_flight() -> bool:
    return any(_in_progress(stack) for _, stack in cloudformation._stacks.all_items())


def take_cancellation(stack_name: str) -> bool:
    """Whether someone asked to cancel the running update of a stack; true once, as the rollback must not hear it."""
    stack = cloudformation._stacks.get(stack_name)
    return bool(stack and stack.pop("_cancel_requested", False))


def undoes_a_create(ref: str) -> bool:
    """Whether the stack that holds a resource undoes its own first deployment.

    Deletion protection is lifted then: AWS would refuse and leave the stack for a person to clear, which after a
    power cut in the middle of `make up` would be the wrong lesson.
    """
    return any(
        (stack.get("StackStatus") == "ROLLBACK_IN_PROGRESS" or stack.get("_never_completed"))
        and any(record.get("PhysicalResourceId") == ref for record in stack.get("_resources", {}).values())
        for stack in cloudformation._stacks.values()
    )


def settle_interrupted() -> None:
    """Give each stack caught in flight a status from which the next deploy or destroy goes on.

    A create becomes ROLLBACK_FAILED (the CDK CLI deletes and creates anew), a delete DELETE_FAILED. An update goes
    back to the version before in name only: what it had changed already is known and will be skipped the next time.
    """
    for _, stack in cloudformation._stacks.all_items():
        if not _in_progress(stack):
            continue
        status = stack["StackStatus"]
        before = stack.pop("_version_before", None)
        if status.startswith("DELETE"):
            stack["StackStatus"] = "DELETE_FAILED"
        elif status.startswith("UPDATE") and before is not None:
            stack.update(before)
            stack["StackStatus"] = "UPDATE_ROLLBACK_COMPLETE"
        else:
            stack["StackStatus"] = "ROLLBACK_FAILED"
            stack["_never_completed"] = True
        stack["StackStatusReason"] = "The local cloud was stopped during this operation; deploy again."
        stack["LastUpdatedTime"] = now_iso()


def _in_progress(stack: Any) -> bool:
    status = str(stack.get("StackStatus", "")) if isinstance(stack, dict) else ""
    return status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS"


def _resolving_outputs_of_other_regions(stock: Callable[..., Any]) -> Callable[..., Any]:
    def resolve(value: Any, resources: Any, params: Any, conditions: Any, mappings: Any, name: Any, ident: Any) -> Any:
        if not (isinstance(value, dict) and "Fn::GetStackOutput" in value):
            return stock(value, resources, params, conditions, mappings, name, ident)
        spec = {
            key: resolve(item, resources, params, conditions, mappings, name, ident)
            for key, item in value["Fn::GetStackOutput"].items()
        }
        region = str(spec.get("Region") or get_region())
        stack = cloudformation._stacks.get_scoped(get_account_id(), region, str(spec["StackName"]))
        for output in (stack or {}).get("Outputs", []):
            if output["OutputKey"] == spec["OutputName"]:
                return output["OutputValue"]
        raise ValueError(f"stack {spec['StackName']} in {region} has no output {spec['OutputName']}")

    return resolve


def _with_changes_of_outputs(stock: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """CloudFormation makes a change set that can be executed and has no changes (aws/aws-cdk#2029)."""

    def create(params: Any) -> Any:
        answer = stock(params)
        for made in cloudformation._change_sets.values():
            stack = cloudformation._stacks.get(made["StackName"]) or {}
            empty = made["Status"] == "FAILED" and "didn't contain changes" in made["StatusReason"]
            if empty and made["_template"].get("Outputs", {}) != stack.get("_template", {}).get("Outputs", {}):
                made |= {"Status": "CREATE_COMPLETE", "ExecutionStatus": "AVAILABLE", "StatusReason": ""}
        return answer

    return create


def _answering_at_the_end(stock: Callable[..., Any]) -> Callable[..., Any]:
    async def handle(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
        if wire.action(headers, body, query) not in _OPERATIONS:
            return await stock(method, path, headers, body, query)
        while unfinished.deleting():
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
        busy = _busy()
        answer = await stock(method, path, headers, body, query)
        # The operation is a task of its own, which sets the stack's status when it starts.
        await asyncio.sleep(_LOOK_AGAIN_SECONDS)
        started = _busy() - busy
        deadline = time.monotonic() + _PROMPT_SECONDS
        while started & _busy() and time.monotonic() < deadline:
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
        return answer

    return handle


def _busy() -> set[str]:
    return {stack["StackId"] for stack in cloudformation._stacks.values() if _in_progress(stack)}


def _keeping_the_version_before(stock: Callable[..., Any]) -> Callable[..., Any]:
    async def deploy(stack_name: str, *args: Any, **kwargs: Any) -> Any:
        stack = cloudformation._stacks[stack_name]
        before = kwargs.get("previous_stack")
        if before:
            stack["_version_before"] = {key: before[key] for key in _FIELDS_OF_A_VERSION if key in before}
        try:
            return await stock(stack_name, *args, **kwargs)
        finally:
            stack.pop("_version_before", None)

    return deploy
