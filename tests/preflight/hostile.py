"""Templates made to break a reader: too large, too deep, circular, amplifying, of wrong types, or none at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

QUEUE = {"Type": "AWS::SQS::Queue"}
MEGABYTE = 1_000_000


def template(resources: dict[str, Any] | None = None, **sections: Any) -> str:
    return json.dumps({"Resources": resources or {"Queue": QUEUE}, **sections})


def topic(name: Any) -> dict[str, Any]:
    """A resource whose name rules do read."""
    return {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": name}}


def with_name(written: str) -> str:
    """A topic whose name is this JSON, which json.dumps would not write."""
    return '{"Resources": {"A": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": ' + written + "}}}}"


def nested(opening: str, closing: str, levels: int = 100_000) -> str:
    return with_name(opening * levels + '"x"' + closing * levels)


def nested_sub(levels: int, times: int) -> Any:
    inner: Any = "x"
    for _ in range(levels):
        inner = {"Fn::Sub": ["${a}" * times, {"a": inner}]}
    return inner


def nested_json(levels: int) -> Any:
    inner: Any = {"a": '"'}
    for _ in range(levels):
        inner = {"Fn::ToJsonString": [inner]}
    return inner


def yaml_topic(value: str, before: str = "") -> str:
    return f"{before}Resources:\n  A:\n    Type: AWS::SNS::Topic\n    Properties:\n      TopicName: {value}\n"


def alias_bomb(levels: int = 12, width: int = 10) -> str:
    lines = ["Metadata:", "  a0: &a0 [x, x]"]
    lines += [f"  a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * width)}]" for i in range(1, levels)]
    return yaml_topic(f"*a{levels - 1}", "\n".join(lines) + "\n")


def wide_alias_bomb() -> str:
    """Two levels only, each within every limit by itself."""
    many = 200_000
    return yaml_topic("*b", f"Metadata:\n  a: &a [{','.join('x' * many)}]\n  b: &b [{','.join(['*a'] * many)}]\n")


def merge_bomb(levels: int = 10, width: int = 10) -> str:
    """Each anchor is set inside the merge that repeats it, so that all of them are merged at once."""
    node = "{k: x}"
    for level in range(levels):
        node = f"{{<<: [&a{level} {node}{f', *a{level}' * (width - 1)}]}}"
    return yaml_topic("x", f"Metadata: {node}\n")


def ten_megabytes() -> str:
    filler = {f"Topic{i}": topic(f"name-{i}-" + "x" * 180) for i in range(45_000)}
    written = template(filler)
    assert len(written) > 10 * MEGABYTE
    return written


def amplified_split() -> str:
    """A long default, split anew at every use."""
    split = {"Fn::Split": [",", {"Ref": "Long"}]}
    parameters = {"Long": {"Type": "String", "Default": "," * 4 * MEGABYTE}}
    return template({f"T{i}": topic([split] * 50) for i in range(1000)}, Parameters=parameters)


def amplified_list_parameter(length: int) -> str:
    parameters = {"Long": {"Type": "CommaDelimitedList", "Default": "," * length}}
    return template({f"T{i}": topic([{"Ref": "Long"}] * 50) for i in range(1000)}, Parameters=parameters)


def amplified_json() -> str:
    parameters = {"Long": {"Type": "String", "Default": '"' * 150_000}}
    return template(
        {f"T{i}": topic([{"Fn::ToJsonString": {"Ref": "Long"}}] * 50) for i in range(2000)}, Parameters=parameters
    )


def circular_references() -> str:
    return template(
        {
            "A": {**topic({"Ref": "B"}), "DependsOn": "B"},
            "B": {**topic({"Fn::GetAtt": ["C", "TopicName"]}), "DependsOn": ["A", "B"]},
            "C": topic({"Fn::Sub": "${A}${B.TopicName}${C}"}),
            "P": {"Type": "AWS::SSM::Parameter", "Properties": {"Value": {"Fn::GetAtt": ["Q", "Value"]}}},
            "Q": {"Type": "AWS::SSM::Parameter", "Properties": {"Value": {"Fn::GetAtt": "P.Value"}}},
        },
        Outputs={
            "O": {"Value": {"Fn::ImportValue": "O"}, "Export": {"Name": "O"}},
            "N": {"Value": "x", "Export": {"Name": {"Fn::ImportValue": "O"}}},
            "S": {"Value": {"Fn::GetStackOutput": {"StackName": "hostile", "OutputName": "S"}}},
        },
    )


def circular_conditions() -> str:
    return template(
        {"A": {**topic("a"), "Condition": "One"}, "B": topic({"Fn::If": ["Two", "x", {"Fn::If": ["One", 1, 2]}]})},
        Conditions={
            "One": {"Fn::And": [{"Condition": "Two"}, {"Condition": "One"}]},
            "Two": {"Fn::Not": [{"Condition": "One"}]},
            "Three": {"Fn::Equals": [{"Fn::If": ["Three", "a", "b"]}, "a"]},
        },
    )


def circular_mappings() -> str:
    """CloudFormation allows no function in a mapping; here each entry leads to two more of itself."""
    again = {"Fn::FindInMap": ["Map", "Key", "Value"]}
    return template({"A": topic(again)}, Mappings={"Map": {"Key": {"Value": [again, again]}}})


def circular_parameters() -> str:
    parameters = {"A": {"Type": "String", "Default": {"Ref": "B"}}, "B": {"Type": "String", "Default": {"Ref": "A"}}}
    return template({"T": topic({"Fn::Sub": "${A}${B}"})}, Parameters=parameters)


def condition_lattice() -> str:
    """Each condition asks the one before twice: 2**5000 ways through it."""
    twice = {
        f"C{i}": {"Fn::Or": [{"Condition": f"C{i - 1}"}, {"Fn::Not": [{"Condition": f"C{i - 1}"}]}]}
        for i in range(1, 5000)
    }
    start = {"C0": {"Fn::Equals": [{"Ref": "AWS::Region"}, "x"]}}
    return template({"A": {**topic("a"), "Condition": "C4999"}}, Conditions={**twice, **start})


FUNCTIONS = (
    *("And", "Base64", "Cidr", "Equals", "FindInMap", "ForEach", "GetAtt", "GetAZs", "GetStackOutput", "If"),
    *("ImportValue", "Join", "Length", "Not", "Nonsense", "Or", "Select", "Split", "Sub", "ToJsonString", "Transform"),
)
ARGUMENTS: tuple[Any, ...] = (
    *(None, [], {}, "", 0, True, -1, 1e308, [[]], [{}], [None], ["x"], ["", ""], ["x", None], ["x", ["y"]], [1, 2, 3]),
    *(
        [{}, {}],
        [[], [], [], []],
        ["-1", ["x"]],
        ["9" * 30, ["x"]],
        {"x": None},
        {"StackName": []},
        [",", 0],
        "..",
        ".",
    ),
    *(["${", {}], ["${}", {}], ["${x}", []], ["${!x}${ }${x.}", {"x": {}}], {"Ref": "AWS::NoValue"}, {"Ref": {}}),
)


def wrong_arity() -> str:
    values = [{f"Fn::{name}": argument} for name in FUNCTIONS for argument in ARGUMENTS]
    values += [{key: argument} for key in ("Ref", "Condition") for argument in ARGUMENTS]
    resources = {f"T{i}": topic(value) for i, value in enumerate(values)}
    conditions = {f"C{i}": value for i, value in enumerate(values)}
    guarded = {f"G{i}": {**topic("x"), "Condition": f"C{i}"} for i in range(len(values))}
    outputs = {f"O{i}": {"Value": value, "Export": {"Name": value}} for i, value in enumerate(values)}
    return template({**resources, **guarded}, Conditions=conditions, Outputs=outputs)


def hexadecimal(digits: int) -> str:
    """Python turns no integer of more than 4300 digits into text, but reads one from hexadecimals."""
    return (
        yaml_topic("0x" + "f" * digits)
        + f"  B:\n    Type: AWS::SNS::Topic\n    Condition: C\nConditions:\n  C: !Equals [0x{'f' * digits}, a]\n"
    )


TEXTS: dict[str, Callable[[], str]] = {
    "empty": lambda: "",
    "only spaces": lambda: " \n\t \n",
    "only a comment": lambda: "# nothing\n",
    "a byte order mark and no more": lambda: "\ufeff",
    "a list": lambda: "[1, 2]",
    "a text": lambda: "Resources",
    "null": lambda: "null",
    "two documents": lambda: "Resources: {}\n---\nResources: {}\n",
    "no resources": lambda: "{}",
    "an unfinished object": lambda: '{"Resources": {"A": {"Type": "AWS::SNS::Topic"',
    "tab indentation": lambda: "Resources:\n\tA: 1\n",
    "resources that are a list": lambda: '{"Resources": []}',
    "a resource that is a list": lambda: '{"Resources": {"A": []}}',
    "a type that is a list": lambda: '{"Resources": {"A": {"Type": ["AWS::SNS::Topic"]}}}',
    "ten megabytes": ten_megabytes,
    "forty megabytes": lambda: template({"A": topic("x" * 40 * MEGABYTE)}),
    "a line of ten megabytes of YAML": lambda: yaml_topic("x" * 10 * MEGABYTE),
    "lists in lists": lambda: nested("[", "]"),
    "objects in objects": lambda: nested('{"a":', "}"),
    "functions in functions": lambda: nested('{"Fn::Base64":', "}"),
    "joins in joins": lambda: nested('{"Fn::Join":["",[', "]]}", 40_000),
    "as deep as is read": lambda: nested("[", "]", 290),
    "functions as deep as is read": lambda: nested('{"Fn::Base64":', "}", 280),
    "YAML lists in lists": lambda: yaml_topic("[" * 100_000 + "]" * 100_000),
    "YAML blocks in blocks": lambda: "".join(" " * i + "a:\n" for i in range(2_500)),
    "YAML dashes in dashes": lambda: yaml_topic("\n" + "        " + "- " * 100_000 + "x"),
    "unclosed YAML brackets": lambda: yaml_topic("[" * MEGABYTE),
    "alias bomb": alias_bomb,
    "wide alias bomb": wide_alias_bomb,
    "merge bomb": merge_bomb,
    "an alias of itself": lambda: yaml_topic("&a [*a]"),
    "a mapping of itself": lambda: yaml_topic("&a {x: *a}"),
    "an alias without an anchor": lambda: yaml_topic("*nothing"),
    "a python object": lambda: yaml_topic('!!python/object/apply:os.system ["exit 1"]'),
    "a list as a key": lambda: yaml_topic("{[a, b]: c}"),
    "a mapping as a key": lambda: yaml_topic("{? {a: b} : c}"),
    "duplicate keys in JSON": lambda: (
        '{"Resources": {"A": {"Type": "AWS::SNS::Topic"}, "A": {"Type": "AWS::SQS::Queue"}}}'
    ),
    "duplicate keys in YAML": lambda: "Resources:\n  A:\n    Type: AWS::SNS::Topic\n    Type: AWS::SQS::Queue\n",
    "a number of ten thousand digits": lambda: with_name("9" * 10_000),
    "a number of four thousand digits": lambda: template({"A": topic(10**4000)}),
    "a hexadecimal number": lambda: hexadecimal(100_000),
    "a sexagesimal number": lambda: yaml_topic("1" + ":1" * MEGABYTE),
    "numbers that are none": lambda: yaml_topic("[.nan, .inf, -.inf, 1e999, -0.0, 0o17, 1_0]"),
    "infinity in JSON": lambda: with_name("[NaN, Infinity, -Infinity, 1e999]"),
    "lone surrogates": lambda: template({"A": topic("\ud800")}),
    "escapes to a terminal": lambda: template({"A\u001b[2J": topic("\u0000\u001b[31m\u202e")}),
    "circular references": circular_references,
    "circular conditions": circular_conditions,
    "circular mappings": circular_mappings,
    "circular parameters": circular_parameters,
    "a lattice of conditions": condition_lattice,
    "a chain of references": lambda: template(
        {
            f"P{i}": {"Type": "AWS::SSM::Parameter", "Properties": {"Value": {"Fn::GetAtt": [f"P{i + 1}", "Value"]}}}
            for i in range(20_000)
        }
    ),
    "Sub in Sub, doubling": lambda: template({"A": topic(nested_sub(45, 2))}),
    "Sub in Sub, a hundredfold": lambda: template({"A": topic(nested_sub(45, 100))}),
    "JSON in JSON": lambda: template({"A": topic(nested_json(45))}),
    "one default split many times": amplified_split,
    "one list parameter many times": lambda: amplified_list_parameter(4 * MEGABYTE),
    "the longest list parameter many times": lambda: amplified_list_parameter(4096),
    "one JSON text many times": amplified_json,
    "functions with wrong arguments": wrong_arity,
    "sections of wrong types": lambda: template(
        Parameters=[], Mappings="", Conditions=0, Outputs=[{}], Metadata=[], Transform={}, Rules=None
    ),
    "waivers of wrong types": lambda: template(
        {
            str(i): {**QUEUE, "Metadata": written}
            for i, written in enumerate((None, [], {"preflight": 1}, {"preflight": {"waivers": [1, {"rule": []}, []]}}))
        },
        Metadata={"preflight": {"waivers": [{"rule": {}, "expires": 10**30}, None]}},
    ),
}

BYTES: dict[str, bytes] = {
    "invalid UTF-8": b'{"Resources": {"A": {"Type": "AWS::SNS::Topic\xff\xfe"}}}',
    "UTF-16": template().encode("utf-16"),
    "binary": bytes(range(256)) * 1000,
    "zeros": bytes(MEGABYTE),
    "an executable's beginning": b"\x7fELF\x02\x01\x01" + bytes(100),
}
