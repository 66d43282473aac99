"""What IAM itself asks of policies, before anybody asks what they allow."""

from __future__ import annotations

import json
from typing import Any

from audit.access.actions import expand
from tests.infra.synthesized import Assembly

_LARGEST = 6144
"""Characters of a managed policy without white space.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""

_REFERENCE = 128
"""Characters that are taken for what only a deployment knows: of the ARNs that policies refer to, a listener's rule
has the longest, with about as many."""


def _documents(assembly: Assembly) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{template.name}/{name}", policy["Properties"]["PolicyDocument"])
        for template in assembly.templates.values()
        for name, policy in template.all("AWS::IAM::ManagedPolicy").items()
    ]


def _deployed(value: Any) -> Any:
    if isinstance(value, list):
        return [_deployed(each) for each in value]
    if not isinstance(value, dict):
        return value
    if "Fn::Join" in value:
        separator, parts = value["Fn::Join"]
        return separator.join(_deployed(parts))
    if "Ref" in value or any(key.startswith("Fn::") for key in value):
        return "x" * _REFERENCE
    return {key: _deployed(each) for key, each in value.items()}


def test_policies_are_no_larger_than_iam_takes_them(assembly: Assembly) -> None:
    sizes = {name: len("".join(json.dumps(_deployed(document)).split())) for name, document in _documents(assembly)}
    assert {name: size for name, size in sizes.items() if size > _LARGEST} == {}


def test_what_knows_no_resources_is_allowed_for_all(assembly: Assembly) -> None:
    """A statement that names some never allows it."""
    for name, document in _documents(assembly):
        for statement in document["Statement"]:
            actions = statement.get("Action", [])
            for pattern in [actions] if isinstance(actions, str) else actions:
                found = expand(pattern)
                if found and not any(each.takes_resource for each in found):
                    assert statement["Resource"] == "*", f"{name}: {pattern}"
