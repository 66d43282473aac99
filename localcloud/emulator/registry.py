"""Our CloudFormation resource types, and how they enter MiniStack's table of handlers.

A handler is a class with create, update and delete; all run on worker threads, so they may call services (internal.py)
and wait. What a class does not say: an update creates the resource anew and CloudFormation deletes the old one after
the stack's update, as for AWS's own "Update requires: Replacement"; deleting what is gone already is no error.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

from botocore.exceptions import ClientError
from ministack.services.cloudformation import provisioners, stacks

from localcloud.emulator import unfinished
from localcloud.emulator.corrections import replace

Properties = Mapping[str, Any]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A resource as its template wants it, intrinsic functions resolved, stack tags merged in."""

    type: str
    logical_id: str
    stack_name: str
    properties: Properties

    def physical_name(self, *, max_length: int = 255, lowercase: bool = False) -> str:
        """The name CloudFormation would generate."""
        name: str = provisioners._physical_name(
            self.stack_name, self.logical_id, max_len=max_length, lowercase=lowercase
        )
        return name

    def made(self, ref: str) -> None:
        """Say that the resource exists already, before waiting for it: should the process die now, it is not lost."""
        unfinished.note(
            self.stack_name, self.logical_id, type_name=self.type, ref=ref, properties=dict(self.properties)
        )


@dataclass(frozen=True, kw_only=True)
class Provisioned:
    """What Ref returns and what Fn::GetAtt can return."""

    ref: str
    attributes: Mapping[str, Any] = field(default_factory=dict)


class Handler:
    """One resource type. `immutable` names the properties whose change needs a new resource; None means all."""

    type: ClassVar[str]
    immutable: ClassVar[frozenset[str] | None] = None

    def create(self, wanted: Wanted) -> Provisioned:
        raise NotImplementedError

    def update(self, ref: str, before: Properties, wanted: Wanted) -> Provisioned:
        """Change a resource in place; called only when nothing immutable changed."""
        raise NotImplementedError

    def delete(self, ref: str, properties: Properties) -> None:
        raise NotImplementedError


class Completion(Handler):
    """A type that MiniStack handles but not whole: its own handler runs first (and replaces), then `complete`."""

    immutable = frozenset()
    stock: dict[str, Any]

    def complete(self, ref: str, before: Properties, wanted: Wanted) -> Mapping[str, Any]:
        """Set what the stock handler left out, given what was there before; returns more attributes."""
        raise NotImplementedError

    def create(self, wanted: Wanted) -> Provisioned:
        ref, attributes = self.stock["create"](wanted.logical_id, dict(wanted.properties), wanted.stack_name)
        wanted.made(ref)
        try:
            more = self.complete(ref, {}, wanted)
        except Exception:
            # CloudFormation does not know the resource yet, so nobody else would delete it.
            try:
                self.delete(ref, wanted.properties)
            except Exception:  # noqa: BLE001 - the error that led here is the one to raise
                _log.exception("%s %s was made in part and could not be deleted", self.type, ref)
            raise
        return Provisioned(ref=ref, attributes={**attributes, **more})

    def update(self, ref: str, before: Properties, wanted: Wanted) -> Provisioned:
        arguments = [ref, dict(before), dict(wanted.properties), wanted.stack_name]
        if "update" not in self.stock:
            attributes: Mapping[str, Any] = {}
        elif self.stock.get("update_with_logical_id"):
            ref, attributes = self.stock["update"](*arguments, wanted.logical_id)
        else:
            ref, attributes = self.stock["update"](*arguments)
        return Provisioned(ref=ref, attributes={**attributes, **self.complete(ref, before, wanted)})

    def delete(self, ref: str, properties: Properties) -> None:
        if self.stock.get("delete_with_logical_id"):
            self.stock["delete"](ref, dict(properties), None)
        else:
            self.stock["delete"](ref, dict(properties))


_handlers: dict[str, Handler] = {}


_H = TypeVar("_H", bound=type[Handler])


def resource(type_name: str) -> Callable[[_H], _H]:
    """Register the decorated class for a resource type."""

    def register(made: _H) -> _H:
        made.type = type_name
        _handlers[type_name] = made()
        return made

    return register


def install() -> None:
    """Put the registered handlers into MiniStack's table and keep its event loop free of them."""
    for type_name, handler in _handlers.items():
        if isinstance(handler, Completion):
            handler.stock = dict(provisioners._RESOURCE_HANDLERS[type_name])
        entry = {
            "create": _creator(handler),
            "update": _updater(handler),
            "update_with_logical_id": True,
            "delete": _deleter(handler),
        }
        # MiniStack's own list of replacing properties goes first; ours is in `immutable`.
        stock = provisioners._RESOURCE_HANDLERS.get(type_name, {})
        provisioners._RESOURCE_HANDLERS[type_name] = {
            **{key: value for key, value in stock.items() if key in ("import", "snapshot")},
            **entry,
        }
    stock_rule = stacks._runs_on_worker_thread
    replace(stacks, "_runs_on_worker_thread", lambda type_name: type_name in _handlers or stock_rule(type_name))


def _creator(handler: Handler) -> Callable[..., tuple[str, dict[str, Any]]]:
    def create(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, dict[str, Any]]:
        wanted = Wanted(type=handler.type, logical_id=logical_id, stack_name=stack_name, properties=properties)
        try:
            return _told(handler.create(wanted))
        finally:
            unfinished.forget(stack_name, logical_id)

    return create


def _updater(handler: Handler) -> Callable[..., tuple[str, dict[str, Any]]]:
    def update(
        ref: str, before: Properties, after: Properties, stack_name: str, logical_id: str
    ) -> tuple[str, dict[str, Any]]:
        wanted = Wanted(type=handler.type, logical_id=logical_id, stack_name=stack_name, properties=after)
        changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
        if handler.immutable is None or changed & handler.immutable:
            # A fresh suffix, so that the new resource's generated name does not collide with the old one's.
            provisioners._NAME_SEED.set(provisioners.new_uuid()[:8])
            return _creator(handler)(logical_id, after, stack_name)
        return _told(handler.update(ref, before, wanted))

    return update


def _deleter(handler: Handler) -> Callable[[str, Properties], None]:
    def delete(ref: str, properties: Properties) -> None:
        try:
            handler.delete(ref, properties)
        except ClientError as error:
            if not is_missing(error):
                raise

    return delete


def is_missing(error: ClientError) -> bool:
    """Whether a service's error says that the resource does not exist."""
    code = error.response["Error"]["Code"]
    return any(word in code for word in ("NotFound", "NoSuch", "DoesNotExist", "NonexistentItem", "404"))


def _told(made: Provisioned) -> tuple[str, dict[str, Any]]:
    return made.ref, dict(made.attributes)
