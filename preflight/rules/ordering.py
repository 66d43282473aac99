"""The order in which CloudFormation makes the resources of one stack."""

from __future__ import annotations

from preflight.assembly import Resource


def made_before(resource: Resource) -> frozenset[str]:
    """Logical ids of all that its stack makes before this resource, however indirectly."""
    found: set[str] = set()
    pending = [resource]
    while pending:
        for name in pending.pop().dependencies - found:
            found.add(name)
            if (earlier := resource.stack.resources.get(name)) is not None:
                pending.append(earlier)
    return frozenset(found - {resource.logical_id})


def waits_for(resource: Resource, other: Resource) -> bool:
    """Whether CloudFormation creates `other` before `resource`, directly or through what lies between."""
    return resource.stack is other.stack and other.logical_id in made_before(resource)
