"""The cloud assembly that a report is about: its resources, each with the line of code that made it."""

from __future__ import annotations

from pathlib import Path

from audit.model import ResourceEntry
from preflight.assembly import Assembly
from preflight.loading import LoadError, load_assembly
from preflight.sources import line_of, read


class AuditError(Exception):
    """Why no report can be made, and what to do."""


def load(folder: Path) -> Assembly:
    """The assembly in `folder`. Raises AuditError where there is none."""
    try:
        return load_assembly(folder)
    except LoadError as error:
        raise AuditError(f"{error}; synthesize first: make synth ENV=…") from error


def entries(assembly: Assembly, folder: Path) -> tuple[ResourceEntry, ...]:
    """Every resource in the order of the templates."""
    lines = read(folder)
    return tuple(
        ResourceEntry(
            path=resource.construct_path,
            type=resource.type,
            stack=resource.stack.name,
            logical_id=resource.logical_id,
            template=Path(resource.stack.file).name,
            region=resource.stack.region or "",
            line=line_of(resource.construct_path, lines) or "",
            body=resource.raw,
        )
        for resource in assembly.resources()
    )
