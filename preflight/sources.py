"""Remembers which line of a CDK app in Python made each construct.

jsii hands Python's constructs to a JavaScript kernel, whose stack traces end at the border. So the line is noted where
a construct is made in Python: at the nearest frame that is not an installed package.
"""

from __future__ import annotations

import functools
import json
import sys
import sysconfig
from pathlib import Path
from types import FrameType
from typing import Any

from jsii import _runtime

FILE = "preflight-sources.json"
"""In the cloud assembly: construct path to `file:line`, relative to the folder the app ran in."""

_PACKAGES = tuple({sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), sysconfig.get_path("stdlib")})


class Sources:
    """Records from `start()` on; `by_path()` gives the lines, `Sources.line_of` the one for a construct below them."""

    def __init__(self) -> None:
        self._made: list[tuple[Any, Any, str, tuple[str, int]]] = []

    def start(self) -> Sources:
        """Wraps how jsii makes objects; constructs made before are not known."""
        made = _runtime.JSIIMeta.__call__
        recorder = self

        @functools.wraps(made)
        def record(cls: Any, *args: Any, **kwargs: Any) -> Any:
            instance = made(cls, *args, **kwargs)
            if len(args) >= 2 and isinstance(args[1], str):
                recorder._note(instance, args[0], args[1])
            return instance

        _runtime.JSIIMeta.__call__ = record  # type: ignore[method-assign]
        self._restore = functools.partial(setattr, _runtime.JSIIMeta, "__call__", made)
        return self

    def stop(self) -> None:
        self._restore()

    def _note(self, instance: Any, scope: Any, construct_id: str) -> None:
        if line := _line(sys._getframe(2)):
            self._made.append((instance, scope, construct_id, line))

    def by_path(self) -> dict[str, str]:
        """`file:line` by construct path."""
        known: dict[int, str] = {}
        found = {}
        here = Path.cwd()
        for instance, scope, construct_id, (file, number) in self._made:
            path = Path(file)
            line = f"{path.relative_to(here) if path.is_relative_to(here) else path}:{number}"
            if type(instance).__module__.startswith("aws_cdk."):
                parent = _path(scope, known)
                found[f"{parent}/{construct_id}" if parent else construct_id] = line
            else:  # our caller's own class may have given another id to its base
                found[_path(instance, known)] = line
        return found


def _path(construct: Any, known: dict[int, str]) -> str:
    """Asking the kernel takes its time: once for each construct that holds others."""
    if id(construct) not in known:
        known[id(construct)] = construct.node.path if hasattr(construct, "node") else ""
    return known[id(construct)]


def _line(frame: FrameType | None) -> tuple[str, int] | None:
    while frame:
        file = frame.f_code.co_filename
        if not file.startswith(("<", *_PACKAGES)):
            return file, frame.f_lineno
        frame = frame.f_back
    return None


def write(assembly: Path, lines: dict[str, str]) -> None:
    """Keep the lines in the cloud assembly, for whoever judges it later."""
    (assembly / FILE).write_text(json.dumps(dict(sorted(lines.items())), indent=1) + "\n")


def read(assembly: Path) -> dict[str, str]:
    """The lines kept in a cloud assembly; empty where there are none."""
    try:
        found = json.loads((assembly / FILE).read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def line_of(construct_path: str, lines: dict[str, str]) -> str | None:
    """The line of the construct, or of the nearest one above it that was made in Python."""
    parts = construct_path.split("/")
    while parts:
        if found := lines.get("/".join(parts)):
            return found
        parts.pop()
    return None
