"""What runs and how healthy it is: the supervisor's, the data plane's and the runner's own words side by side."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from localcloud import layout, strays, supervision
from localcloud.metrics import latest

_STALE = 180
"""Seconds after which the last published minute is too long ago: it began up to two minutes before the next comes."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One part: `state` in its own terms, `well` whether that is as it should be."""

    part: str
    state: str
    well: bool
    detail: str = ""


def _read(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return found


def _programs() -> list[Row]:
    return [
        Row(part=s.name, state=s.state.lower(), well=s.state == "RUNNING", detail=s.description)
        for s in supervision.states()
    ]


def _servers() -> list[Row]:
    rows = []
    for path in sorted(layout.folder("dataplane").glob("*-*.json")):
        seen = _read(path)
        if "status" not in seen:
            continue
        well = seen["status"] == "available"
        figures = [f"{key} {seen[key]}" for key in ("port", "restarts") if seen.get(key)]
        detail = ", ".join([*figures, *filter(None, [seen.get("message")])])
        rows.append(Row(part=path.stem, state=seen["status"], well=well, detail=detail))
    return rows


def _services() -> list[Row]:
    rows = []
    for service in _read(layout.home() / "runner" / "status.json").get("services", []):
        well = service["running"] >= service["desired"]
        detail = service.get("last_error") or ""
        state = f"{service['running']}/{service['desired']} tasks"
        rows.append(Row(part=service["name"], state=state, well=well, detail=detail))
    return rows


def _metrics() -> list[Row]:
    """Whether data reach CloudWatch, and what could not be measured."""
    found = latest.read()
    if not found.minute:
        return []  # in the first minute
    state = f"of {found.clock} UTC"
    # What could not be measured is not well itself, and has a row of its own.
    detail = "; ".join([f"{len(found.lines)} metrics", *(f"{name}: {said}" for name, said in found.troubles)])
    return [Row(part="published", state=state, well=time.time() - found.minute < _STALE, detail=detail)]


def rows() -> list[Row]:
    """Every part of the local cloud; empty when none runs."""
    programs = _programs()
    return [*programs, *_servers(), *_services(), *_metrics()] if programs else []


def memory() -> int:
    """Bytes held by all our processes: proportional set size, so that shared pages count once."""
    total = 0
    for process in strays.find():
        try:
            total += process.memory_full_info().pss
        except psutil.Error:
            continue
    return total


def table(found: list[Row]) -> str:
    """The rows as aligned text, a cross before what is not well."""
    width = max((len(row.part) for row in found), default=0)
    states = max((len(row.state) for row in found), default=0)
    lines = [
        f"{'  ' if row.well else '✗ '}{row.part:<{width}}  {row.state:<{states}}  {row.detail}".rstrip()
        for row in found
    ]
    return "\n".join(lines)
