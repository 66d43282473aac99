"""The bill of an assembly, and what a change makes of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from infra.config.models import Usage
from plan.changes import Comparison, Kind
from plan.cost import buckets, compute, databases, keeping, network  # noqa: F401  (they register themselves)
from plan.cost.free import BY_USE, FREE
from plan.cost.lines import PRICERS, Costing, Line
from plan.cost.people import shared_lines
from plan.cost.prices import PriceBook, UnpricedError
from plan.resources import short_path
from preflight.assembly import Assembly, Resource


@dataclass(frozen=True, kw_only=True)
class Sum:
    """USD a month, at the least and at the most."""

    least: float
    most: float

    def __sub__(self, other: Sum) -> Sum:
        return Sum(least=self.least - other.least, most=self.most - other.most)


@dataclass(frozen=True, kw_only=True)
class Unpriced:
    """A resource that no line stands for, and why."""

    path: str
    resource_type: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Bill:
    """All lines of a month; `by_use` counts what is taken as nothing, by type."""

    lines: tuple[Line, ...]
    unpriced: tuple[Unpriced, ...]
    by_use: dict[str, int]

    @cached_property
    def total(self) -> Sum:
        return total(self.lines)

    @cached_property
    def by_service(self) -> dict[str, Sum]:
        names = sorted({line.service for line in self.lines})
        return {name: total(line for line in self.lines if line.service == name) for name in names}

    def of_path(self, path: str) -> Sum:
        return total(line for line in self.lines if line.path == path)


@dataclass(frozen=True, kw_only=True)
class Bills:
    """Before and after a change."""

    before: Bill
    after: Bill

    @cached_property
    def services(self) -> list[str]:
        """Every service of both, what costs most first."""
        names = dict.fromkeys([*self.after.by_service, *self.before.by_service])
        return sorted(names, key=lambda name: -max(self.old(name).most, self.new(name).most))

    def old(self, service: str) -> Sum:
        return self.before.by_service.get(service, _NOTHING)

    def new(self, service: str) -> Sum:
        return self.after.by_service.get(service, _NOTHING)

    @cached_property
    def differences(self) -> list[tuple[str, Sum, Sum]]:
        """Paths whose cost changes by a cent or more, with what they cost before and after; the largest first."""
        paths = dict.fromkeys(line.path for line in [*self.after.lines, *self.before.lines])
        found = [(path, self.before.of_path(path), self.after.of_path(path)) for path in paths]
        changed = [one for one in found if _apart(one[1], one[2])]
        return sorted(changed, key=lambda one: -abs(one[2].most - one[1].most))


_NOTHING = Sum(least=0.0, most=0.0)


def total(lines: Iterable[Line]) -> Sum:
    """The sum of some lines."""
    kept = list(lines)
    return Sum(least=sum(line.least_usd for line in kept), most=sum(line.most_usd for line in kept))


def _apart(old: Sum, new: Sum) -> bool:
    return abs(new.least - old.least) >= 0.01 or abs(new.most - old.most) >= 0.01


def bills(comparison: Comparison, prices: PriceBook, usage: Usage) -> Bills:
    """Both bills, at the same prices and the same usage: what differs comes from the templates alone.

    Stacks that the app has no more, and what its policy retains, go on to be billed: they are in both.
    """
    before = bill(comparison.before, prices, usage, comparison.prefix)
    after = bill(Assembly(stacks=[*comparison.after.stacks, *comparison.left_behind]), prices, usage, comparison.prefix)
    kept = _retained(comparison, before)
    return Bills(before=before, after=replace(after, lines=(*after.lines, *kept)))


def _retained(comparison: Comparison, before: Bill) -> list[Line]:
    """Lines of what leaves its stack and stays in the account: it costs until somebody deletes it by hand."""
    paths = {
        comparison.path(change.before)
        for change in comparison.of_kind(Kind.REPLACED, Kind.DELETED)
        if change.before and change.retained
    }
    return [replace(line, item=f"{line.item} (retained)") for line in before.lines if line.path in paths]


def bill(assembly: Assembly, prices: PriceBook, usage: Usage, prefix: str, *, shared: bool = True) -> Bill:
    """The bill of a month of one assembly; `shared` is for what belongs to the environment as a whole."""
    costing = Costing(assembly=assembly, prices=prices, usage=usage, prefix=prefix)
    lines: list[Line] = []
    unpriced: list[Unpriced] = []
    by_use: Counter[str] = Counter()
    for resource in assembly.resources():
        if resource.type in FREE or resource.type.startswith("Custom::") or resource.type == "AWS::CDK::Metadata":
            continue
        if resource.type in BY_USE:
            by_use[resource.type] += 1
            continue
        lines.extend(_lines(resource, costing, unpriced))
    try:
        lines.extend(shared_lines(costing) if shared else ())
    except UnpricedError as error:
        unpriced.append(Unpriced(path="the whole environment", resource_type="logs, transfer, keys", why=str(error)))
    return Bill(lines=tuple(lines), unpriced=tuple(unpriced), by_use=dict(by_use))


def _lines(resource: Resource, costing: Costing, unpriced: list[Unpriced]) -> Iterator[Line]:
    pricer = PRICERS.get(resource.type)
    path = short_path(resource, costing.prefix)
    if pricer is None:
        unpriced.append(Unpriced(path=path, resource_type=resource.type, why="no prices for this type"))
        return
    try:
        yield from pricer(resource, costing)
    except UnpricedError as error:
        unpriced.append(Unpriced(path=path, resource_type=resource.type, why=str(error)))
