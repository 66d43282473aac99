"""Resource policies that are resources of their own, and what they are attached to."""

from __future__ import annotations

from dataclasses import dataclass, field

from preflight.assembly import Assembly, Resource
from preflight.rules.kms import service_may
from preflight.values import entries, target


@dataclass
class Attachments:
    """`unclear`: some policy names what it belongs to in a way that only the deployment will know."""

    unclear: bool = False
    _by_owner: dict[Resource, list[Resource]] = field(default_factory=dict)

    def of(self, owner: Resource) -> list[Resource]:
        return self._by_owner.get(owner, [])

    def add(self, owner: Resource | None, policy: Resource) -> None:
        if owner is None:
            self.unclear = True
        else:
            self._by_owner.setdefault(owner, []).append(policy)

    def refuse(self, owner: Resource, action: str, service: str) -> bool:
        """Whether no policy of the owner lets the service do this, as far as can be told."""
        own = self.of(owner)
        answers = [service_may(policy.get("PolicyDocument"), action, service) for policy in own]
        return all(answer is False for answer in answers) and not (self.unclear and not own)


def attached(assembly: Assembly, owner_type: str, *wheres: tuple[str, str]) -> Attachments:
    """Policies by owner; `wheres` are types of policy and the property that names the owners."""
    found = Attachments()
    for kind, key in wheres:
        for policy in assembly.of_type(kind):
            for node in entries(policy.get(key)):
                found.add(target(node, owner_type), policy)
            found.unclear = found.unclear or (not policy.get(key).absent and not entries(policy.get(key)))
    return found
