"""A template as text for reviewers: intrinsic functions as short strings, and nothing that changes without meaning."""

from __future__ import annotations

import re
from typing import Any

import yaml

_HASH = re.compile(r"\b[0-9a-f]{64}\b|(?<=preview_pr_42_)[0-9a-f]{8}")
"""Of an asset, and in the name of the database that a release gets."""
_BOOTSTRAP = {"BootstrapVersion", "CheckBootstrapVersion"}


def render(template: dict[str, Any]) -> str:
    """YAML with `${X}` for Ref and Sub, `${X.Attr}` for GetAtt, `${Stack:Output}` for another stack's output.

    Hashes are left out, as are the tags that every resource has and the parameter that CDK adds to each stack.
    """
    body = {
        section: {name: part for name, part in content.items() if name not in _BOOTSTRAP}
        for section, content in template.items()
        if isinstance(content, dict)
    }
    text = yaml.safe_dump(
        {section: _shorten(content) for section, content in body.items() if content},
        sort_keys=False,
        width=160,
        default_flow_style=None,
        allow_unicode=True,
    )
    return _HASH.sub("<hash>", text)


def _shorten(value: Any) -> Any:
    if isinstance(value, list):
        return [_shorten(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        function, argument = next(iter(value.items()))
        if function in _FUNCTIONS:
            return _FUNCTIONS[function](argument)
    return {
        key: shortened
        for key, item in value.items()
        if not (key == "Tags" and not (shortened := _own_tags(item))) and (shortened := _shorten(item)) is not None
    }


def _own_tags(tags: Any) -> bool:
    """Whether there are others than those of the whole app."""
    names = set(tags) if isinstance(tags, dict) else {tag["Key"] for tag in tags}
    return names - {"Environment", "Project"} != set()


def _join(argument: list[Any]) -> str:
    separator, parts = argument
    if not isinstance(parts, list):
        return f"${{join({separator!r}, {_shorten(parts)})}}"
    return str(separator).join(str(_shorten(part)) for part in parts)


_FUNCTIONS = {
    "Ref": lambda name: f"${{{name}}}",
    "Fn::GetAtt": lambda path: "${" + (path if isinstance(path, str) else ".".join(path)) + "}",
    "Fn::Join": _join,
    "Fn::Sub": lambda text: text if isinstance(text, str) else text[0],
    "Fn::GetStackOutput": lambda source: f"${{{source['StackName']}:{source['OutputName']}}}",
}
