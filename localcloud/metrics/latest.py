"""The last minute that was published: for people, and for `make status`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from localcloud import layout
from localcloud.metrics.datum import Datum


@dataclass(frozen=True, kw_only=True)
class Line:
    """A metric of that minute: how many data points, and their statistics."""

    namespace: str
    region: str
    name: str
    dimensions: str
    unit: str
    count: int
    sum: float
    minimum: float
    maximum: float


@dataclass(frozen=True, kw_only=True)
class Latest:
    """`minute` is its start in seconds since the epoch; `troubles` say by source why it could not be looked at."""

    minute: int = 0
    lines: tuple[Line, ...] = ()
    troubles: tuple[tuple[str, str], ...] = ()

    @property
    def clock(self) -> str:
        return datetime.fromtimestamp(self.minute, UTC).strftime("%H:%M")


def _path() -> Path:
    return layout.folder("metrics") / "latest.json"


def read() -> Latest:
    try:
        found = json.loads(_path().read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return Latest()
    return Latest(
        minute=found["minute"],
        lines=tuple(Line(**line) for line in found["lines"]),
        troubles=tuple((name, said) for name, said in found["troubles"]),
    )


def forget() -> None:
    """An earlier publisher's last minute is not ours."""
    _path().unlink(missing_ok=True)


def add(latest: Latest, sent: Sequence[Datum], *, troubles: dict[str, str]) -> Latest:
    """With what was sent since; a newer minute replaces an older one. Writes it down."""
    minute = max([latest.minute, *(datum.minute for datum in sent)])
    lines = [*(latest.lines if minute == latest.minute else ()), *(_line(d) for d in sent if d.minute == minute)]
    ordered = sorted(lines, key=lambda line: (line.namespace, line.dimensions, line.name))
    found = Latest(minute=minute, lines=tuple(ordered), troubles=tuple(troubles.items()))
    layout.write_private(_path(), json.dumps(asdict(found)))
    return found


def _line(datum: Datum) -> Line:
    return Line(
        namespace=datum.namespace,
        region=datum.region,
        name=datum.name,
        dimensions=" ".join(f"{name}={value}" for name, value in datum.dimensions),
        unit=datum.unit,
        count=datum.count,
        sum=datum.sum,
        minimum=datum.values[0][0],
        maximum=datum.values[-1][0],
    )


def table(latest: Latest) -> str:
    """As aligned text, a block for each namespace and set of dimensions."""
    blocks: list[str] = []
    before = ""
    for line in latest.lines:
        if "CacheNodeId=" in line.dimensions:
            continue  # the same once more: a cluster has one node
        heading = f"{line.namespace}  {line.dimensions}" + (f"  ({line.region})" if line.region else "")
        if heading != before:
            blocks.append(f"\n{heading}")
            before = heading
        blocks.append(f"  {line.name:<34} {_shown(line)}")
    for name, said in latest.troubles:
        blocks.append(f"\n✗ {name}: {said}")
    return "\n".join(blocks).lstrip("\n")


def _shown(line: Line) -> str:
    unit = "" if line.unit in ("None", "Count") else f" {line.unit}"
    if line.count == 1:
        return f"{line.sum:>12,.6g}{unit}"
    if line.minimum == line.maximum == 1:
        return f"{line.sum:>12,.6g}"
    average = line.sum / line.count
    return f"{average:>12,.6g}{unit}  ({line.count} data points, {line.minimum:,.6g} to {line.maximum:,.6g})"
