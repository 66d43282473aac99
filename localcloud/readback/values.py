"""Values of templates with their intrinsic functions resolved, as far as an API lets one know."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """A text known in part: a regular expression over the whole of it."""

    expression: str

    def matches(self, value: Any) -> bool:
        return re.fullmatch(self.expression, str(value), re.DOTALL) is not None


ANYTHING = Pattern(expression=".+")
"""Something, but not nothing."""


@dataclass(frozen=True, kw_only=True)
class Stack:
    """What the API tells of a deployed stack: physical ids and parameters by name."""

    name: str
    region: str
    account: str
    stack_id: str
    physical_ids: Mapping[str, str]
    parameters: Mapping[str, str]
    output_of: Callable[[str, str, str], str]
    """Value of an output by region, stack name and output name."""
    definitions: Mapping[str, Any] = field(default_factory=dict)
    """The template's resources."""


NOTHING = object()
"""AWS::NoValue."""


def resolve(value: Any, stack: Stack) -> Any:
    """A template's value with texts, lists, objects and Patterns; members that are AWS::NoValue left out."""
    if isinstance(value, list):
        return [item for item in (resolve(each, stack) for each in value) if item is not NOTHING]
    if isinstance(value, str):
        return _dynamic(value)
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((name, argument),) = value.items()
        if name == "Ref":
            return _reference(argument, stack)
        if name == "Condition" or name.startswith("Fn::"):
            return _function(name, argument, stack)
    resolved = {key: resolve(item, stack) for key, item in value.items()}
    return {key: item for key, item in resolved.items() if item is not NOTHING}


def _dynamic(text: str) -> Any:
    return ANYTHING if "{{resolve:" in text else text


def _reference(name: str, stack: Stack) -> Any:
    pseudo = {
        "AWS::Region": stack.region,
        "AWS::AccountId": stack.account,
        "AWS::Partition": "aws",
        "AWS::URLSuffix": "amazonaws.com",
        "AWS::StackName": stack.name,
        "AWS::StackId": stack.stack_id,
        "AWS::NoValue": NOTHING,
    }
    if name in pseudo:
        return pseudo[name]
    if name in stack.parameters:
        return stack.parameters[name]
    return stack.physical_ids.get(name, ANYTHING)


def _function(name: str, argument: Any, stack: Stack) -> Any:
    match name:
        case "Fn::GetAtt":
            logical_id, attribute = argument.split(".", 1) if isinstance(argument, str) else argument
            definition = stack.definitions.get(logical_id, {})
            if (definition.get("Type"), attribute) == ("AWS::SSM::Parameter", "Value"):
                return resolve(definition["Properties"]["Value"], stack)
            return _attribute(stack.physical_ids.get(logical_id), attribute)
        case "Fn::GetStackOutput":
            spec = resolve(argument, stack)
            return stack.output_of(spec.get("Region", stack.region), spec["StackName"], spec["OutputName"])
        case "Fn::Join":
            return _joined(argument[0], resolve(argument[1], stack))
        case "Fn::Sub":
            return _substituted(argument, stack)
        case "Fn::Select":
            items = resolve(argument[1], stack)
            return items[int(argument[0])] if isinstance(items, list) else ANYTHING
        case "Fn::Split":
            text = resolve(argument[1], stack)
            return text.split(argument[0]) if isinstance(text, str) else ANYTHING
        case _:
            return ANYTHING


def _attribute(physical_id: str | None, attribute: str) -> Any:
    if physical_id is None:
        return ANYTHING
    if attribute in ("GroupId", "VpcId", "BackupVaultName", "BackupPlanId"):
        return physical_id
    if attribute.endswith("Arn"):
        # A name, an ID or an ARN: whichever of them Ref is, the ARN has its telling part in it.
        telling = physical_id.split("|")[1] if physical_id.count("|") == 2 else physical_id
        return Pattern(expression=f".*{re.escape(telling)}.*")
    return ANYTHING


def _joined(delimiter: str, items: Any) -> Any:
    if not isinstance(items, list):
        return ANYTHING
    if all(not isinstance(item, Pattern) for item in items):
        return _dynamic(delimiter.join(str(item) for item in items))
    parts = [item.expression if isinstance(item, Pattern) else re.escape(str(item)) for item in items]
    if any("{{resolve:" in str(item) for item in items):
        return ANYTHING
    return Pattern(expression=re.escape(delimiter).join(parts))


def _substituted(argument: Any, stack: Stack) -> Any:
    text, names = argument if isinstance(argument, list) else (argument, {})
    parts: list[Any] = []
    for number, part in enumerate(re.split(r"\$\{([^}]+)\}", text)):
        if number % 2 == 0:
            parts.append(part)
        elif part in names:
            parts.append(resolve(names[part], stack))
        elif "." in part:
            parts.append(_function("Fn::GetAtt", part, stack))
        else:
            parts.append(_reference(part, stack))
    return _joined("", parts)
