"""Two values of a template compared, property by property."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from preflight.values import ABSENT

_IDENTITIES = ("Key", "Name", "Id", "Sid", "RuleName", "PolicyName", "CapacityProvider", "Field")
"""What tells the elements of a list apart, in the order tried: tags have a Key, containers and variables a Name."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A property that is not the same: its path, and both raw values (ABSENT where there is none)."""

    path: tuple[str, ...]
    old: Any
    new: Any

    @property
    def name(self) -> str:
        """`ContainerDefinitions[web].Environment[LOG_LEVEL].Value`."""
        written = ""
        for part in self.path:
            written += part if part.startswith("[") or not written else f".{part}"
        return written


def differences(old: Any, new: Any, path: tuple[str, ...] = ()) -> Iterator[Difference]:
    """Every leaf that differs; lists are matched by what names their elements, and otherwise compared whole."""
    if _same(old, new):
        return
    if isinstance(old, dict) and isinstance(new, dict) and not (_intrinsic(old) or _intrinsic(new)):
        for key in [*old, *(key for key in new if key not in old)]:
            yield from differences(old.get(key, ABSENT), new.get(key, ABSENT), (*path, str(key)))
    elif isinstance(old, list) and isinstance(new, list) and (pairs := _matched(old, new)):
        for name, (before, after) in pairs.items():
            yield from differences(before, after, (*path, f"[{name}]"))
    else:
        yield Difference(path=path, old=old, new=new)


def _same(old: Any, new: Any) -> bool:
    """Equal, or equal as CloudFormation takes them: `100` and `"100"`, `true` and `"true"`."""
    if isinstance(old, dict) and isinstance(new, dict):
        return old.keys() == new.keys() and all(_same(old[key], new[key]) for key in old)
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(_same, old, new))
    text = _scalar(old)
    return bool(old == new) or (text is not None and text == _scalar(new))


def _scalar(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else None


def _intrinsic(value: dict[str, Any]) -> bool:
    return len(value) == 1 and all(key == "Ref" or str(key).startswith("Fn::") for key in value)


def _matched(old: list[Any], new: list[Any]) -> dict[str, tuple[Any, Any]]:
    """Elements of both lists in pairs; empty where they are not lists of mappings."""
    if not all(isinstance(one, dict) and not _intrinsic(one) for one in [*old, *new]):
        return {}
    for key in _IDENTITIES:
        before, after = _by(key, old), _by(key, new)
        if before is not None and after is not None:
            return {
                name: (before.get(name, ABSENT), after.get(name, ABSENT)) for name in dict.fromkeys([*before, *after])
            }
    if len(old) == len(new):
        return {str(index): pair for index, pair in enumerate(zip(old, new, strict=True))}
    return {}


def _by(key: str, elements: list[Any]) -> dict[str, Any] | None:
    found = {one[key]: one for one in elements if isinstance(one.get(key), str)}
    return found if len(found) == len(elements) else None
