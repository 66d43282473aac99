"""The network as a picture: one column for each zone, from the internet to what is isolated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from itertools import takewhile

from audit.network.model import INTERNET, Connection, Kind, Place, Zone
from audit.network.report import NetworkReport

_WIDTH, _GAP, _COLUMN = 208, 16, 300
"""Pixels: a box's width, the space between boxes, and from one column to the next."""
_TOP, _LEFT, _LINE, _HEADING = 12, 24, 17, 44
_NAME = 25
"""Letters of a name that fit into a box."""
_OUT = "Internet, outgoing"
_TRAILING = frozenset({"Service", "Resource", "Function", "Group", "Attachment"})

_STYLE = """
svg { --ink: #1c2430; --soft: #5a6675; --box: #ffffff; --ground: #f6f7f9; --rim: #c3cad4; --zone: #eceff3;
  --line: #7a8797; --in: #b4570a; --store: #1f5fae; --bad: #b3121d;
  font: 13px system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif }
@media (prefers-color-scheme: dark) { svg { --ink: #e8ecf1; --soft: #a3afbd; --box: #1d242d; --ground: #12171d;
  --rim: #465261; --zone: #181e26; --line: #77869a; --in: #f0a35e; --store: #7db4f5; --bad: #ff7b80 } }
.ground { fill: var(--ground) } .zone { fill: var(--zone) } .zonename { fill: var(--soft); font-weight: 600 }
.box { fill: var(--box); stroke: var(--rim) } .bad .box { stroke: var(--bad); stroke-width: 2.5 }
.name { fill: var(--ink); font-weight: 600 } .more { fill: var(--soft); font-size: 11.5px }
path { fill: none; stroke: var(--line); stroke-width: 1.3 } path.in { stroke: var(--in); stroke-width: 1.8 }
path.store { stroke: var(--store) } marker path { fill: context-stroke; stroke: none } .bad .name { fill: var(--bad) }
"""

_ATTRIBUTES = 'xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="reach-title reach-desc"'
_ARROW = (
    '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    '<path d="M0 0 L8 4 L0 8 z"/></marker></defs>'
)


@dataclass(frozen=True, kw_only=True)
class _Box:
    place: Place
    lines: tuple[str, ...]
    x: int
    y: int

    @property
    def height(self) -> int:
        return _tall(self.place)

    @property
    def middle(self) -> int:
        return self.y + self.height // 2


@dataclass(frozen=True, kw_only=True)
class _Area:
    """The ground of one zone, under its boxes."""

    name: str
    x: int
    y: int
    height: int


def picture(report: NetworkReport) -> str:
    """A self-contained SVG, for light and dark grounds; each line tells on pointing at it what allows it."""
    places, connections = _joined(report)
    prefix = _prefix(places)
    areas, placed = _laid_out(places)
    boxes = {box.place.path: box for box in placed}
    width = max(area.x for area in areas) + _WIDTH + 36
    height = max(area.y + area.height for area in areas) + _TOP
    ends = _ends(connections, boxes)
    findings = {one.path for one in report.findings}
    title = f"Who can reach what in {report.environment or 'this assembly'}"
    return "\n".join(
        [
            f'<svg {_ATTRIBUTES} viewBox="0 0 {width} {height}" width="{width}" height="{height}">',
            f'<title id="reach-title">{escape(title)}</title>',
            f'<desc id="reach-desc">{escape(_told(connections, prefix))}</desc>',
            f"<style>{_STYLE}</style>",
            _ARROW,
            f'<rect class="ground" width="{width}" height="{height}"/>',
            *map(_ground, areas),
            *(_line(one, boxes, ends, prefix) for one in connections),
            *(_drawn(box, prefix, bad=box.place.path in findings) for box in boxes.values()),
            "</svg>",
            "",
        ]
    )


def _joined(report: NetworkReport) -> tuple[list[Place], list[Connection]]:
    """Endpoints that the same places reach are one box, and the internet is one more as a target."""
    reached: dict[str, set[str]] = {}
    for one in report.connections:
        reached.setdefault(one.target, set()).add(one.source)
    renamed: dict[str, str] = {}
    places: list[Place] = []
    shared: dict[frozenset[str], Place] = {}
    for place in report.places:
        if place.kind is not Kind.ENDPOINT:
            places.append(place)
            continue
        key = frozenset(reached.get(place.path, set()))
        first = shared.setdefault(key, place)
        renamed[place.path] = first.path
        if first is place:
            names = [one for one in report.places if frozenset(reached.get(one.path, set())) == key]
            names = [one for one in names if one.kind is Kind.ENDPOINT]
            places.append(replace(place, parts=tuple(one.details[0].split(".", 3)[-1] for one in names if one.details)))
    connections = [replace(one, target=renamed.get(one.target, one.target)) for one in report.connections]
    if any(one.target == INTERNET.path for one in connections):
        connections = [replace(one, target=_OUT) if one.target == INTERNET.path else one for one in connections]
        places.append(replace(INTERNET, path=_OUT, zone=Zone.ISOLATED, details=("OpenAI, AWS", "through NAT")))
    return places, list({(one.source, one.target): one for one in connections}.values())


def _groups(places: Sequence[Place]) -> list[list[tuple[str, list[Place]]]]:
    """By column, the zones in it: what leaves stands below what is isolated, where its lines cross fewest others."""
    leaving = [one for one in places if one.kind is Kind.ENDPOINT or one.path == _OUT]
    inner = [one for one in places if one not in leaving]
    columns = [
        [("internet", [one for one in inner if one.zone is Zone.OUTSIDE])],
        [("edge", [one for one in inner if one.zone is Zone.EDGE])],
        [(str(Zone.PUBLIC), [one for one in inner if one.zone is Zone.PUBLIC])],
        [(str(Zone.PRIVATE), [one for one in inner if one.zone is Zone.PRIVATE])],
        [(str(Zone.ISOLATED), [one for one in inner if one.zone is Zone.ISOLATED]), ("ways out", leaving)],
    ]
    filled = [[(name, members) for name, members in column if members] for column in columns]
    return [column for column in filled if column]


def _laid_out(places: Sequence[Place]) -> tuple[list[_Area], list[_Box]]:
    columns = _groups(places)
    full = max(sum(_area_height(members) + _GAP for _, members in column) for column in columns) - _GAP
    areas: list[_Area] = []
    boxes: list[_Box] = []
    for index, column in enumerate(columns):
        x, top = _LEFT + index * _COLUMN, _TOP
        for name, members in column:
            height = full if len(column) == 1 else _area_height(members)
            areas.append(_Area(name=name, x=x, y=top, height=height))
            # A line from the internet to what is behind the edge passes below the edge.
            free = height - _area_height(members)
            y = top + _HEADING + (free // 4 if name == "edge" else free // 2)
            for place in members:
                boxes.append(_Box(place=place, lines=_lines(place), x=x, y=y))
                y += _tall(place) + _GAP
            top += height + _GAP
    return areas, boxes


def _area_height(members: Sequence[Place]) -> int:
    return _HEADING + sum(_tall(one) + _GAP for one in members)


def _tall(place: Place) -> int:
    return 14 + _LINE * (1 + len(_lines(place)))


def _ends(connections: Sequence[Connection], boxes: dict[str, _Box]) -> dict[tuple[str, str, bool], int]:
    """Where on its box each line begins and ends: beside each other, in the order of what they lead to."""
    sides: dict[tuple[str, bool], list[tuple[int, Connection, bool]]] = {}
    for one in connections:
        source, goal = boxes[one.source], boxes[one.target]
        forward = goal.x > source.x
        sides.setdefault((one.source, forward), []).append((goal.middle, one, True))
        sides.setdefault((one.target, not forward), []).append((source.middle, one, False))
    found = {}
    for (path, _), lines in sides.items():
        box = boxes[path]
        lines.sort(key=lambda line: (line[0], line[1].source, line[1].target))
        for index, (_, one, starts) in enumerate(lines):
            found[one.source, one.target, starts] = box.y + box.height * (index + 1) // (len(lines) + 1)
    return found


def _lines(place: Place) -> tuple[str, ...]:
    found = [] if place.kind is Kind.INTERNET else [str(place.kind)]
    if place.parts:
        found += [", ".join(place.parts[at : at + 2]) for at in range(0, len(place.parts), 2)]
    elif place.kind is not Kind.ENDPOINT:
        found += place.details
    if place.listens and len(place.listens) < 10 and place.kind is not Kind.TASKS:
        found.append(f"TCP {', '.join(map(str, place.listens))}")
    return tuple(found)


def _ground(area: _Area) -> str:
    return (
        f'<rect class="zone" x="{area.x - 12}" y="{area.y}" width="{_WIDTH + 24}" height="{area.height}" rx="10"/>'
        f'<text class="zonename" x="{area.x}" y="{area.y + 26}">{escape(area.name)}</text>'
    )


def _drawn(box: _Box, prefix: str, *, bad: bool) -> str:
    lines = "".join(
        f'<text class="more" x="{box.x + 10}" y="{box.y + 20 + _LINE * (index + 1)}">{escape(_short(line, 32))}</text>'
        for index, line in enumerate(box.lines)
    )
    return (
        f"<g{' class=' + chr(34) + 'bad' + chr(34) if bad else ''}>"
        f'<rect class="box" x="{box.x}" y="{box.y}" width="{_WIDTH}" height="{box.height}" rx="6"/>'
        f'<text class="name" x="{box.x + 10}" y="{box.y + 20}">{escape(_name(box.place, prefix))}</text>'
        f"{lines}<title>{escape(box.place.path)}</title></g>"
    )


def _line(connection: Connection, boxes: dict[str, _Box], ends: dict[tuple[str, str, bool], int], prefix: str) -> str:
    source, goal = boxes[connection.source], boxes[connection.target]
    kind = "in" if source.place is INTERNET else "store" if goal.place.kind in (Kind.DATABASE, Kind.CACHE) else ""
    told = f"{_sentence(connection, prefix)}\n{chr(10).join(connection.because)}"
    first, last = (ends[connection.source, connection.target, starts] for starts in (True, False))
    forward = goal.x > source.x
    start, end = (source.x + _WIDTH, goal.x) if forward else (source.x, goal.x + _WIDTH)
    bend = max(46, abs(end - start) // 2) * (1 if forward else -1)
    curve = f"M{start} {first} C{start + bend} {first} {end - bend} {last} {end} {last}"
    return f'<path class="{kind}" d="{curve}" marker-end="url(#arrow)"><title>{escape(told)}</title></path>'


def _told(connections: Sequence[Connection], prefix: str) -> str:
    return ". ".join(_sentence(one, prefix) for one in connections) + "."


def _sentence(connection: Connection, prefix: str) -> str:
    ports = ", ".join(map(str, connection.ports)) or "any port"
    via = f" via {connection.via}" if connection.via else ""
    users = f" ({', '.join(connection.users)})" if connection.users else ""
    source, goal = connection.source.removeprefix(prefix), connection.target.removeprefix(prefix)
    return f"{source}{users} reaches {goal} on {ports}{via}"


def _name(place: Place, prefix: str) -> str:
    """The last words of the path that tell something."""
    if place.kind is Kind.ENDPOINT and len(place.parts) > 1:
        return "VPC endpoints"
    words = place.path.removeprefix(prefix).split("/")
    while len(words) > 2 and words[-1] in _TRAILING:
        words.pop()
    words[-1] = words[-1].removesuffix("SecurityGroup") or words[-1]
    name = "/".join(words[1:] if len(words) > 2 else words)
    return (
        name if len(name) <= _NAME else _short("/".join((words[1], "…", words[-1])) if len(words) > 2 else name, _NAME)
    )


def _short(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length // 2]}…{text[-(length // 2) + 1 :]}"


def _prefix(places: Sequence[Place]) -> str:
    """What the stacks' names begin with."""
    names = sorted(one.path for one in places if "/" in one.path)
    if len(names) < 2:
        return ""
    shared = "".join(
        one for one, _ in takewhile(lambda pair: pair[0] == pair[1], zip(names[0], names[-1], strict=False))
    )
    return shared[: shared.rfind("-") + 1]
