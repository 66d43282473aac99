"""Resources that take long and do not depend on each other are made at the same time, as CloudFormation makes them.

MiniStack makes a stack's resources one after the other. Here, whenever it waits for one, all others begin whose
dependencies are there; when it comes to one of them, it finds the result.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-dependson.html (CloudFormation makes
independent resources in parallel)
"""

from __future__ import annotations

import asyncio
import copy
import heapq
import json
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from ministack.core.responses import now_iso
from ministack.services import cloudformation
from ministack.services.cloudformation import changesets, engine, handlers, stacks

from localcloud.emulator.corrections import replace

_LONG = "AWS::ECS::Service"
"""Beside custom resources, whose functions take as long as they like. All others are a matter of milliseconds."""

_run: Any = stacks.run_reentrant
_given_up: set[str] = set()


@dataclass
class _Operation:
    """A create or an update of a stack under way. `done` has the logical ids of what stands, `begun` also of what is
    being made, `early` the attempts at what the loop had not come to, `unclaimed` those whose result it has not had."""

    stack_name: str
    stack_id: str
    stack: dict[str, Any]
    template: dict[str, Any]
    parameters: dict[str, Any]
    before: dict[str, Any] | None
    imported: Mapping[str, Any]
    order: list[str] = field(default_factory=list)
    done: set[str] = field(default_factory=set)
    begun: set[str] = field(default_factory=set)
    early: dict[str, asyncio.Task[Any]] = field(default_factory=dict)
    unclaimed: set[str] = field(default_factory=set)
    ended: bool = False

    def before_of(self, logical_id: str) -> dict[str, Any] | None:
        return ((self.before or {}).get("_resources") or {}).get(logical_id)


_operation: ContextVar[_Operation | None] = ContextVar("localcloud_operation", default=None)


def install() -> None:
    replace(stacks, "_topological_sort", _long_ones_late(stacks._topological_sort))
    replace(stacks, "run_reentrant", _taking_early_results)
    replace(stacks, "_roll_back_operation", _with_early_ones(stacks._roll_back_operation))
    deploy = _as_an_operation(stacks._deploy_stack_async)
    for module in (stacks, changesets, handlers):
        replace(module, "_deploy_stack_async", deploy)


def is_given_up(stack_name: str) -> bool:
    """Whether the stack's operation has failed elsewhere, so that nobody waits for its other resources."""
    return stack_name in _given_up


def _is_long(definition: Mapping[str, Any]) -> bool:
    return _rank(definition) > 0


def _rank(definition: Mapping[str, Any]) -> int:
    """Services come last: one may never be steady because of a custom resource that fails, which is then the reason."""
    kind = str(definition.get("Type", ""))
    if kind == _LONG:
        return 2
    return int(kind.startswith("Custom::") or kind == "AWS::CloudFormation::CustomResource")


def _long_ones_late(stock: Callable[..., list[str]]) -> Callable[..., list[str]]:
    """The same order, but what is made at once comes first: then as much as possible can begin at the same time."""

    def sort(resources: dict[str, Any], conditions: dict[str, Any]) -> list[str]:
        order = stock(resources, conditions)
        active = set(order)
        needs = {name: engine._extract_deps(resources[name], active) - {name} for name in order}
        needed_by: dict[str, list[str]] = {name: [] for name in order}
        for name in order:
            for other in needs[name]:
                needed_by[other].append(name)
        place = {name: (_rank(resources[name]), position) for position, name in enumerate(order)}
        ready = [(place[name], name) for name in order if not needs[name]]
        heapq.heapify(ready)
        sorted_: list[str] = []
        while ready:
            _, name = heapq.heappop(ready)
            sorted_.append(name)
            for other in needed_by[name]:
                needs[other].discard(name)
                if not needs[other]:
                    heapq.heappush(ready, (place[other], other))
        if (operation := _operation.get()) and not operation.order:
            operation.order = sorted_
        return sorted_

    return sort


def _as_an_operation(stock: Callable[..., Any]) -> Callable[..., Any]:
    async def deploy(stack_name: str, stack_id: str, template: Any, parameters: Any, *args: Any, **kwargs: Any) -> None:
        operation = _Operation(
            stack_name=stack_name,
            stack_id=stack_id,
            stack=cloudformation._stacks[stack_name],
            template=template,
            parameters=parameters,
            before=kwargs.get("previous_stack") if kwargs.get("is_update") else None,
            imported=kwargs.get("imports") or {},
        )
        _operation.set(operation)
        try:
            await stock(stack_name, stack_id, template, parameters, *args, **kwargs)
        finally:
            # Without a rollback what was begun stays, for RollbackStack to undo.
            made = await _settle(operation)
            if made and "_failed_operation" in operation.stack:
                operation.stack["_failed_operation"]["created"] += made

    return deploy


async def _taking_early_results(work: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """In the place of `run_reentrant`, with which MiniStack makes one resource and waits for it."""
    operation, logical_id = _operation.get(), _made_by(work, arguments)
    if operation is None or logical_id is None or operation.ended:
        return await _run(work, *arguments, **options)
    operation.done.update(operation.order[: operation.order.index(logical_id)])
    operation.begun.update(operation.done, {logical_id})
    _begin_more(operation)
    if logical_id in operation.early:
        attempt = operation.early[logical_id]
        await asyncio.wait({attempt})
        operation.unclaimed.discard(logical_id)
        result, predecessors = attempt.result()
        if (deferred := stacks._DEFERRED_PREDECESSOR_DELETES.get()) is not None:
            deferred.extend(predecessors)
    else:
        result = await _run(work, *arguments, **options)
    operation.done.add(logical_id)
    return result


def _made_by(work: Callable[..., Any], arguments: tuple[Any, ...]) -> str | None:
    if work is stacks._provision_keeping_seed:
        return str(arguments[1])
    return str(arguments[5]) if work is stacks._update_keeping_seed else None


def _begin_more(operation: _Operation) -> None:
    for logical_id in list(_ready(operation)):
        operation.begun.add(logical_id)
        operation.unclaimed.add(logical_id)
        operation.early[logical_id] = asyncio.create_task(_attempt(operation, logical_id))


def _ready(operation: _Operation) -> Iterator[str]:
    definitions, active = operation.template["Resources"], set(operation.order)
    for logical_id in operation.order:
        definition = definitions[logical_id]
        if logical_id in operation.begun or not _is_long(definition):
            continue
        # What is resolved anew each time, taken over from elsewhere or left behind is the loop's own to see to.
        own = logical_id in operation.imported or "{{resolve:" in json.dumps(definition)
        if own or definition.get("UpdateReplacePolicy", "Delete") != "Delete":
            continue
        if engine._extract_deps(definition, active) - {logical_id} <= operation.done:
            yield logical_id


async def _attempt(operation: _Operation, logical_id: str) -> tuple[Any, list[Any]]:
    """Make or update a resource as the loop would, write down that it stands, and begin what has waited for it."""
    stack, definition = operation.stack, operation.template["Resources"][logical_id]
    kind = str(definition.get("Type"))
    wanted = _resolved(operation, definition)
    tags = stack.get("Tags") or []

    def tagged(properties: Any, of: Any) -> Any:
        return stacks._with_stack_tags(kind, properties, of, operation.stack_name, operation.stack_id, logical_id)

    predecessors: list[Any] = []
    # Of this task alone: each has a context of its own.
    stacks._DEFERRED_PREDECESSOR_DELETES.set(predecessors)
    before = operation.before_of(logical_id)
    if before is None:
        result = await _run(
            stacks._provision_keeping_seed, kind, logical_id, tagged(wanted, tags), operation.stack_name
        )
    else:
        stacks._NAME_SEED.set(before.get("_name_seed", ""))
        stacks._RETAIN_REPLACED.set(False)
        old = before.get("Properties", {}), (operation.before or {}).get("Tags") or []
        arguments = before["PhysicalResourceId"], tagged(*old), tagged(wanted, tags)
        try:
            result = await _run(
                stacks._update_keeping_seed,
                *(kind, *arguments, operation.stack_name, logical_id, before.get("Attributes", {})),
            )
        except Exception:
            if not stacks._replacing_change(kind, *arguments[1:]):
                # It may have been changed in part, and is sent back with the others.
                _write_down(operation, logical_id, wanted, (before["PhysicalResourceId"], before["Attributes"]))
            raise
    made, seed = result
    _write_down(operation, logical_id, wanted, made, seed=seed)
    operation.done.add(logical_id)
    if not operation.ended:
        _begin_more(operation)
    return result, predecessors


def _resolved(operation: _Operation, definition: Mapping[str, Any]) -> dict[str, Any]:
    properties = stacks._resolve_refs(
        copy.deepcopy(definition.get("Properties", {})),
        operation.stack["_resources"],
        operation.parameters,
        engine._evaluate_conditions(operation.template, operation.parameters),
        operation.template.get("Mappings", {}),
        operation.stack_name,
        operation.stack_id,
    )
    return {name: value for name, value in properties.items() if value is not engine._NO_VALUE}


def _write_down(
    operation: _Operation, logical_id: str, properties: dict[str, Any], made: tuple[str, Any], *, seed: str = ""
) -> None:
    """As the loop does when it comes to it: should the process die before that, nothing is lost."""
    action = "UPDATE" if operation.before is not None else "CREATE"
    operation.stack["_resources"][logical_id] = {
        "PhysicalResourceId": made[0],
        "ResourceType": operation.template["Resources"][logical_id].get("Type"),
        "ResourceStatus": f"{action}_COMPLETE",
        "LogicalResourceId": logical_id,
        "Properties": properties,
        "Attributes": made[1],
        "Timestamp": now_iso(),
        **({"_name_seed": seed} if seed else {}),
    }


def _with_early_ones(stock: Callable[..., Any]) -> Callable[..., Any]:
    async def roll_back(stack_name: str, stack_id: str, stack: Any, undone: Any, *args: Any, **kwargs: Any) -> None:
        if operation := _operation.get():
            undone["created"] += await _settle(operation)
        await stock(stack_name, stack_id, stack, undone, *args, **kwargs)

    return roll_back


async def _settle(operation: _Operation) -> list[str]:
    """Wait for what has begun and was not asked for any more; the logical ids of what stands or was changed."""
    if operation.ended:
        return []
    operation.ended = True
    _given_up.add(operation.stack_name)
    try:
        left = [operation.early[logical_id] for logical_id in operation.unclaimed]
        if left:
            await asyncio.wait(left)
    finally:
        _given_up.discard(operation.stack_name)
    known = (operation.before or {}).get("_resources") or {}
    resources = operation.stack.get("_resources", {})
    return [
        logical_id
        for logical_id in operation.order
        if logical_id in operation.unclaimed and resources.get(logical_id) != known.get(logical_id)
    ]
