"""CloudFormation's intrinsic functions, as far as a template decides them.

Parameters take their defaults (an empty default says nothing), pseudo parameters the stack's own region and account.
What remains open becomes Reference, Text or Unknown; nothing here raises on a malformed function.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from preflight import functions
from preflight.texts import dynamic, plain, references
from preflight.values import ABSENT, OtherThan, Reference, Unknown, mapping

if TYPE_CHECKING:
    from preflight.assembly import Stack

_DEPTH = 100
"""Levels of nesting; no template that AWS would take comes near it."""

_PARAMETER = 4096
"""Bytes; https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"""

_VALUES = 1_000_000
"""Values worked out per stack: what multiplies beyond them was made to exhaust us."""

_MADE = 4_000_000
"""Characters and list elements that the functions of one stack may make."""

_SSM = re.compile(r"\{\{resolve:ssm:([a-zA-Z0-9_.\-/]+)(?::\d+)?\}\}")
_DOCUMENTS = ("AssumeRolePolicyDocument", "KeyPolicy", "PolicyDocument", "ResourcePolicy")
_EXPRESSION = 1_000
"""Characters and elements of a function that are compared with another one's."""

_CONDITIONS = ("Fn::And", "Fn::Equals", "Fn::Not", "Fn::Or", "Condition")


class Resolver:
    """Resolves values of one stack's template."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self._depth = 0
        self._values = 0
        self._made = 0
        self._found: dict[tuple[str, str], Any] = {}
        self._under_way: set[tuple[str, str]] = set()

    def resolve(self, raw: Any) -> Any:
        """The value with its functions worked out; list elements and properties set to AWS::NoValue are left out."""
        self._values += 1
        if isinstance(raw, str):
            parameter = _SSM.fullmatch(raw)
            return self._ssm(parameter[1]) if parameter else dynamic(raw)
        if not isinstance(raw, dict | list):
            return raw
        if self._depth >= _DEPTH or self._values > _VALUES:
            return Unknown("it is nested too deeply, or the template is too large", maybe_absent=True)
        self._depth += 1
        try:
            return self._list(raw) if isinstance(raw, list) else self._mapping(raw)
        finally:
            self._depth -= 1

    def _list(self, raw: list[Any]) -> list[Any]:
        return [value for value in map(self.resolve, raw) if value is not ABSENT]

    def _mapping(self, raw: dict[Any, Any]) -> Any:
        if len(raw) == 1:
            key, argument = next(iter(raw.items()))
            if key == "Ref":
                return self.reference(argument)
            if isinstance(key, str) and key.startswith("Fn::"):
                function = _FUNCTIONS.get(key)
                if function is None:
                    return _of(raw, Unknown(f"{key} is worked out by the deployment"))
                if self._made > _MADE:
                    return Unknown("the template makes too much of too little")
                return _of(raw, self._afforded(function(self, argument)))
        if "Fn::Transform" in raw:
            return Unknown("a macro rewrites it", maybe_absent=True)
        resolved = ((str(key), self.resolve(_document(key, value))) for key, value in raw.items())
        return {key: value for key, value in resolved if value is not ABSENT}

    def _afforded(self, made: Any) -> Any:
        """What functions make of little input may be much: beyond a limit per stack it stays open."""
        self._made += len(made) if isinstance(made, str | list) else 1
        return made if self._made <= _MADE else Unknown("the template makes too much of too little")

    def reference(self, name: Any) -> Any:
        """`Ref`."""
        if not isinstance(name, str):
            return Unknown("a Ref without a name")
        if name == "AWS::NoValue":
            return ABSENT
        if name.startswith("AWS::"):
            return self._pseudo(name)
        if name in self.stack.parameter_values:
            return self.stack.parameter_values[name]
        if name in self.stack.parameters:
            return self._parameter(name)
        if resource := self.stack.all_resources.get(name):
            return Reference(resource, "Ref")
        return Unknown(f"nothing here is called {name}")

    def _pseudo(self, name: str) -> Any:
        region = self.stack.region
        known = {
            "AWS::Region": region,
            "AWS::AccountId": self.stack.account,
            "AWS::StackName": self.stack.name,
            "AWS::Partition": region and _partition(region),
            "AWS::URLSuffix": region and ("amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"),
        }.get(name)
        return known or Unknown(f"{name} is known when it is deployed")

    def _parameter(self, name: str) -> Any:
        declared = mapping(self.stack.parameters[name])
        kind, default = declared.get("Type"), declared.get("Default", ABSENT)
        if default is ABSENT or default == "" or isinstance(default, dict | list) or default is None:
            return Unknown(f"parameter {name} has no default")
        if isinstance(default, str) and len(default) > _PARAMETER:
            return Unknown(f"the default of parameter {name} is longer than a parameter may be")
        if isinstance(kind, str) and kind.startswith("AWS::SSM::Parameter::Value<"):
            value = self._ssm(str(default))
            return value.split(",") if isinstance(value, str) and "<List<" in kind else value
        if not isinstance(kind, str):
            return Unknown(f"parameter {name} has no type")
        if kind.startswith("List<") or kind == "CommaDelimitedList":
            return self._once("list", name, lambda: [part.strip() for part in str(default).split(",")])
        return default

    def attribute(self, argument: Any) -> Any:
        """`Fn::GetAtt`. An SSM parameter's Value and a nested stack's outputs are what was put into them."""
        if isinstance(argument, str):
            argument = argument.split(".", 1)
        if not (isinstance(argument, list) and len(argument) == 2 and isinstance(argument[0], str)):
            return Unknown("a GetAtt that names no attribute")
        name, attribute = argument[0], self.resolve(argument[1])
        resource = self.stack.all_resources.get(name)
        if resource is None or not isinstance(attribute, str):
            return Unknown(f"nothing here is called {name}")
        if resource.type == "AWS::SSM::Parameter" and attribute == "Value":
            written = mapping(resource.raw.get("Properties")).get("Value")
            return self._once("attribute", name, lambda: self.resolve(written))
        if attribute.startswith("Outputs.") and name in self.stack.nested:
            nested = self.stack.nested[name]
            found = self._once("nested", f"{name}.{attribute}", lambda: nested.output(attribute.split(".", 1)[1]))
            return Unknown(f"{nested.name} has no such output") if found is ABSENT else found
        return Reference(resource, attribute)

    def _once(self, kind: str, name: str, work: Callable[[], Any]) -> Any:
        """Works out once what leads to other places of the template; they may lead back here, too."""
        key = (kind, name)
        if key in self._found:
            return self._found[key]
        if key in self._under_way or len(self._under_way) > 20:
            return Unknown(f"{name} refers to itself")
        self._under_way.add(key)
        try:
            self._found[key] = work()
            return self._found[key]
        finally:
            self._under_way.discard(key)

    def _stack_output(self, argument: Any) -> Any:
        if not isinstance(argument, dict):
            return Unknown("a GetStackOutput without a stack")
        name, output = self.resolve(argument.get("StackName")), self.resolve(argument.get("OutputName"))
        region = self.resolve(argument.get("Region", self.stack.region))
        if not isinstance(name, str) or not isinstance(output, str):
            return Unknown("a GetStackOutput of a stack only the deployment will know")
        owner = self.stack.assembly.stack(name, region if isinstance(region, str) else None)
        found = self._once("output", f"{name}.{output}", lambda: owner.output(output)) if owner else ABSENT
        return Unknown(f"output {output} of stack {name} is not in this assembly") if found is ABSENT else found

    def _import(self, argument: Any) -> Any:
        name = self.resolve(argument)
        if not isinstance(name, str):
            return Unknown("an import whose name only the deployment will know")
        exports = self._once("exports", "", lambda: self.stack.assembly.exports)
        if isinstance(exports, Unknown):
            return exports
        owner = exports.get((name, self.stack.region))
        if owner is None:
            return Unknown(f"export {name} is not in this assembly")
        return self._once("export", name, lambda: owner[0].output(owner[1]))

    def _ssm(self, name: str) -> Any:
        """What a parameter of Systems Manager holds: a stack of the assembly may write it."""
        unknown = Unknown(f"parameter {name} is read from Systems Manager")
        parameters = self._once("parameters", "", lambda: self.stack.assembly.ssm_parameters)
        if isinstance(parameters, Unknown) or (name, self.stack.region) not in parameters:
            return unknown
        owner, raw = parameters[name, self.stack.region]
        value = self._once("parameter", name, lambda: owner.resolver.resolve(raw))
        return unknown if value is ABSENT else value

    def _if(self, argument: Any) -> Any:
        if not (isinstance(argument, list) and len(argument) == 3 and isinstance(argument[0], str)):
            return Unknown("a malformed Fn::If", maybe_absent=True)
        decided = self.condition(argument[0])
        if decided is not None:
            return self.resolve(argument[1 if decided else 2])
        both = self.resolve(argument[1]), self.resolve(argument[2])
        if type(both[0]) is type(both[1]) and both[0] == both[1]:
            return both[0]
        nothing = any(side is ABSENT or (isinstance(side, Unknown) and side.maybe_absent) for side in both)
        why = f"condition {argument[0]} is decided by the deployment"
        return Unknown(why, references=references(both), maybe_absent=nothing)

    def condition(self, name: str) -> bool | None:
        """A named condition; None where parameters without defaults decide it."""
        if name in self.stack.condition_values:
            return self.stack.condition_values[name]
        raw = mapping(self.stack.template.get("Conditions")).get(name)
        found = self._once("condition", name, lambda: self._truth(raw))
        return found if isinstance(found, bool) else None

    def _truth(self, raw: Any) -> bool | None:
        if not (isinstance(raw, dict) and len(raw) == 1) or self._depth >= _DEPTH:
            return None
        key, argument = next(iter(raw.items()))
        self._depth += 1
        try:
            return self._decide(key, argument)
        finally:
            self._depth -= 1

    def _decide(self, key: Any, argument: Any) -> bool | None:
        if key == "Condition" and isinstance(argument, str):
            return self.condition(argument)
        if not isinstance(argument, list):
            return None
        if key == "Fn::Equals" and len(argument) == 2:
            sides = [self.resolve(side) for side in argument]
            left, right = map(plain, sides)
            if any(
                isinstance(one, OtherThan) and other in one.values
                for one, other in zip(sides, (right, left), strict=True)
            ):
                return False
            return None if left is None or right is None else left == right
        if key not in _CONDITIONS:
            return None
        parts = [self._truth(part) for part in argument]
        if key == "Fn::Not" and len(parts) == 1:
            return None if parts[0] is None else not parts[0]
        if key == "Fn::And":
            return False if False in parts else None if None in parts else True
        if key == "Fn::Or":
            return True if True in parts else None if None in parts else False
        return None


def _document(key: Any, value: Any) -> Any:
    """A policy document that is written as a text of JSON, as CloudFormation also takes it."""
    if key not in _DOCUMENTS or not isinstance(value, str) or not value.lstrip().startswith("{"):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _of(raw: Any, made: Any) -> Any:
    """An unknown value remembers which function makes it; a long one is equal to itself only."""
    if not isinstance(made, Unknown) or made.expression:
        return made
    written = repr(raw) if _small(raw) else f"the function at {id(raw)}"
    return replace(made, expression=written)


def _small(raw: Any) -> bool:
    pending, size = [raw], 0
    while pending and size < _EXPRESSION:
        value = pending.pop()
        size += len(value) if isinstance(value, str | dict | list) else 1
        pending.extend(value.values() if isinstance(value, dict) else value if isinstance(value, list) else ())
    return size < _EXPRESSION


def _partition(region: str) -> str:
    return "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"


_FUNCTIONS: dict[str, Callable[[Resolver, Any], Any]] = {
    "Fn::FindInMap": functions.find_in_map,
    "Fn::GetAtt": Resolver.attribute,
    "Fn::GetStackOutput": Resolver._stack_output,
    "Fn::If": Resolver._if,
    "Fn::ImportValue": Resolver._import,
    "Fn::Join": functions.join,
    "Fn::Length": functions.length,
    "Fn::Select": functions.select,
    "Fn::Split": functions.split,
    "Fn::Sub": functions.sub,
    "Fn::ToJsonString": functions.json_text,
}
