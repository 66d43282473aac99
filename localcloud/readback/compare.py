"""Differences between a template's value and what the API answers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from localcloud.readback.values import Pattern

_MISSING = object()


def differences(wanted: Any, found: Any, path: str) -> Iterator[str]:
    """One line for each place where `found` is not what `wanted` says. What the API shows besides is no difference.

    Names of members compare without regard to case, numbers and truth values by their text, policies as JSON, lists
    without regard to order.
    """
    if isinstance(wanted, Pattern):
        if found in (_MISSING, None, "", [], {}):
            yield f"{path}: the template has a value, the API has none"
        elif not isinstance(found, (list, Mapping)) and not wanted.matches(found):
            yield f"{path}: {wanted.expression!r} does not match {found!r}"
    elif isinstance(wanted, Mapping):
        yield from _object_differences(wanted, _as_json(found), path)
    elif isinstance(wanted, list):
        yield from _list_differences(wanted, _as_json(found), path)
    elif found is _MISSING and wanted not in ("", False, None):
        yield f"{path}: {wanted!r} in the template, nothing in the API"
    elif not _same(wanted, found):
        yield f"{path}: {wanted!r} in the template, {found!r} in the API"


def _object_differences(wanted: Mapping[str, Any], found: Any, path: str) -> Iterator[str]:
    if not isinstance(found, Mapping):
        if wanted:
            shown = "nothing" if found is _MISSING else repr(found)
            yield f"{path}: {dict(wanted)!r} in the template, {shown} in the API"
        return
    names = {str(name).lower(): name for name in found}
    for name, item in wanted.items():
        key = names.get(str(name).lower())
        yield from differences(item, _MISSING if key is None else found[key], f"{path}.{name}")


def _list_differences(wanted: list[Any], found: Any, path: str) -> Iterator[str]:
    if found is _MISSING or found is None:
        if wanted:
            yield f"{path}: {wanted!r} in the template, nothing in the API"
        return
    # IAM takes one text for a list of one.
    rest = list(found) if isinstance(found, list) else [found]
    if path.endswith("Tags"):
        rest = [item for item in rest if not _is_system_tag(item)]
    for number, item in enumerate(wanted):
        match = next((each for each in rest if not any(True for _ in differences(item, each, ""))), _MISSING)
        if match is not _MISSING:
            rest.remove(match)
        elif len(wanted) == len(rest) == 1:
            yield from differences(item, rest.pop(), f"{path}[{number}]")
        else:
            yield f"{path}[{number}]: {item!r} is not among {rest!r}"
    if rest:
        yield f"{path}: {rest!r} in the API, not in the template"


def _is_system_tag(item: Any) -> bool:
    return isinstance(item, Mapping) and str(item.get("Key", item.get("key", ""))).startswith("aws:")


def _as_json(found: Any) -> Any:
    if isinstance(found, str):
        for text in (found, unquote(found)):
            try:
                return json.loads(text)
            except json.JSONDecodeError:
                continue
    return found


def _same(wanted: Any, found: Any) -> bool:
    if found is _MISSING or found is None:
        return wanted in ("", False, None)
    return _text(wanted) == _text(found)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    try:
        number = float(value)
    except (TypeError, ValueError):
        return str(value).strip()
    return str(int(number)) if number.is_integer() else str(number)
