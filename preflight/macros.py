"""What a template's macros may add or change before it is deployed, and so what its want says nothing about.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/transform-reference.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from preflight.values import mapping

ATTRIBUTES = ("DeletionPolicy", "DependsOn")
"""Of a resource; only what works on the resource itself may add them."""

_SERVERLESS = "AWS::Serverless-"
# They work on the elements that ask for them and add nothing beside them that a rule looks for.
_HARMLESS = ("AWS::LanguageExtensions", "AWS::CodeDeployBlueGreen", "AWS::SecretsManager-")
_INCLUDE = "AWS::Include"
_MADE_BY_SERVERLESS = frozenset(
    {
        "AWS::Events::Rule",
        "AWS::IAM::ManagedPolicy",
        "AWS::IAM::Policy",
        "AWS::IAM::Role",
        "AWS::Lambda::EventSourceMapping",
        "AWS::Lambda::Permission",
        "AWS::SNS::Subscription",
        "AWS::SNS::TopicPolicy",
        "AWS::SQS::QueuePolicy",
    }
)
"""https://github.com/aws/serverless-application-model: what functions with events and connectors become."""


@dataclass(frozen=True, kw_only=True)
class Macros:
    """`rewrite`: anything may change; `add`: resources of any type and outputs may be added, `adds`: of these types."""

    rewrite: bool
    add: bool
    adds: frozenset[str]

    def may_add(self, lacking: Iterable[str]) -> bool:
        """Whether one of these may be added: types of resources, Outputs, or (where all may change) attributes."""
        return any(self.rewrite or one in self.adds or (self.add and one not in ATTRIBUTES) for one in lacking)


def macros_of(template: dict[str, Any]) -> Macros:
    """What the transforms, snippets, modules and loops of a template stand for."""
    resources = mapping(template.get("Resources"))
    names = list(_names(template.get("Transform")))
    snippets = "Fn::Transform" in template or "Fn::Transform" in resources
    adds = {kind for key, body in resources.items() if str(key).startswith("Fn::ForEach") for kind in _types(body)}
    serverless = any(str(mapping(each).get("Type")).startswith("AWS::Serverless::") for each in resources.values())
    if serverless or any(name.startswith(_SERVERLESS) for name in names):
        adds |= _MADE_BY_SERVERLESS
    if any(str(key).startswith("Fn::") for key in mapping(template.get("Outputs"))):
        adds.add("Outputs")
    modules = any(str(mapping(each).get("Type")).endswith("::MODULE") for each in resources.values())
    return Macros(
        rewrite=any(not name.startswith((_SERVERLESS, _INCLUDE, *_HARMLESS)) for name in names),
        add=snippets or modules or _INCLUDE in names,
        adds=frozenset(adds),
    )


def _names(transforms: Any) -> Iterator[str]:
    for one in transforms if isinstance(transforms, list) else [transforms]:
        name = one.get("Name") if isinstance(one, dict) else one
        if isinstance(name, str):
            yield name


def _types(body: Any) -> Iterator[str]:
    """The types of the resources in a loop, however deep the loops."""
    pending = [body]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            if isinstance(kind := value.get("Type"), str):
                yield kind
            else:
                pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)
