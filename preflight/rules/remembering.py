"""What several rules ask of the same assembly, stack or resource, worked out once."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from preflight.assembly import Resource
from preflight.values import additions_assumed

P = ParamSpec("P")
T = TypeVar("T")


def remembered(owner: object, name: str, make: Callable[[], T]) -> T:
    """The answer kept with its owner, as cached properties are: it goes when the owner goes."""
    kept = vars(owner)
    key = f"remembered {name}{' with additions' if additions_assumed() else ''}"
    if key not in kept:
        kept[key] = make()
    answer: T = kept[key]
    return answer


def shared(question: Callable[Concatenate[Resource, P], T]) -> Callable[Concatenate[Resource, P], T]:
    """Remember the answers with the resource asked about.

    What many resources share (a bucket, a group, a role) is so looked through once: rules stay linear in resources.
    """

    @functools.wraps(question)
    def asked_once(resource: Resource, /, *args: P.args, **kwargs: P.kwargs) -> T:
        name = f"{question.__module__}.{question.__qualname__} {args} {kwargs}"
        return remembered(resource, name, lambda: question(resource, *args, **kwargs))

    return asked_once
