"""Runs a tool on the templates of an assembly, without a network, and remembers what it said of exactly these."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from preflight.assembly import Assembly, Resource

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / ".venv-audit"
PATIENCE = 300
"""Seconds for one tool."""

_DEAD_END = "http://127.0.0.1:9"
"""Where requests go that a tool should not make: nothing listens there, so that they fail at once."""


class NotRunError(Exception):
    """The tool could not do its work; the message says why."""


def program(name: str) -> Path:
    """A tool of the audit's own environment, or of this one. Raises NotRunError where it is in neither."""
    for place in (TOOLS / "bin" / name, Path(sys.executable).parent / name):
        if place.exists():
            return place
    raise NotRunError(f"{name} is not installed: scripts/audit-tools")


def run(command: Sequence[str | Path], *, codes: Sequence[int], folder: Path) -> str:
    """The tool's output. Raises NotRunError where it does not end with one of `codes`."""
    environment = {name: value for name, value in os.environ.items() if not name.upper().endswith("_PROXY")}
    environment |= {"HTTP_PROXY": _DEAD_END, "HTTPS_PROXY": _DEAD_END, "AWS_EC2_METADATA_DISABLED": "true"}
    name = Path(command[0]).name
    try:
        ended = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except OSError as error:
        raise NotRunError(f"{name} does not start: {error}") from error
    except subprocess.TimeoutExpired as error:
        raise NotRunError(f"{name} did not end within {PATIENCE} s") from error
    if ended.returncode not in codes:
        said = (ended.stderr.strip() or ended.stdout.strip()).splitlines()[-1:] or ["no word"]
        raise NotRunError(f"{name} ended with {ended.returncode}: {said[0][:300]}")
    return ended.stdout


@contextmanager
def templates(assembly: Assembly) -> Iterator[Path]:
    """A folder of the templates alone: an assembly holds other JSON and code, too."""
    with tempfile.TemporaryDirectory(prefix="audit-") as folder:
        for stack in assembly.stacks:
            (Path(folder) / file_name(stack.file)).write_bytes(Path(stack.file).read_bytes())
        yield Path(folder)


def file_name(file: str) -> str:
    """The template's name, with the ending that every tool takes for CloudFormation."""
    name = Path(file).name
    return name if name.endswith(".template.json") else f"{name}.template.json"


def resource_at(assembly: Assembly, file: str, logical_id: str) -> Resource | None:
    """The resource that a tool means by a template's file and a logical id."""
    name = Path(file).name
    for stack in assembly.stacks:
        if file_name(stack.file) == name:
            return stack.all_resources.get(logical_id)
    return None


def remembered(name: str, version: str, assembly: Assembly, cache: Path | None, ask: Callable[[], Any]) -> Any:
    """What `ask` gives, or what it gave for the same templates and the same version of the tool."""
    if cache is None:
        return ask()
    said = hashlib.sha256(f"{name} {version}\0".encode())
    for stack in sorted(assembly.stacks, key=lambda one: one.file):
        said.update(Path(stack.file).name.encode() + b"\0" + Path(stack.file).read_bytes())
    file = cache / f"{name}-{said.hexdigest()[:32]}.json"
    try:
        return json.loads(file.read_text())
    except (OSError, ValueError):
        answer = ask()
    cache.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(f".{os.getpid()}")
    partial.write_text(json.dumps(answer))
    partial.replace(file)
    return answer
