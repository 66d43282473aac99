"""Lines of a bill, and the register of who writes them for which type of resource."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from infra.config.models import Usage
from plan.cost.prices import Price, PriceBook
from plan.resources import short_path
from preflight.assembly import Assembly, Resource


@dataclass(frozen=True, kw_only=True)
class Line:
    """One item of a month: quantities at the least and at the most, in units of the price.

    `factor` is taken off before the price counts (Spot); `assumption` says what the quantity rests on.
    """

    service: str
    path: str
    item: str
    price: Price
    least: float
    most: float
    factor: float = 1.0
    assumption: str = ""

    @property
    def least_usd(self) -> float:
        return self.least * self.factor * self.price.usd / self.price.per

    @property
    def most_usd(self) -> float:
        return self.most * self.factor * self.price.usd / self.price.per


@dataclass(frozen=True, kw_only=True)
class Costing:
    """What the bill is made from."""

    assembly: Assembly
    prices: PriceBook
    usage: Usage
    prefix: str

    def line(
        self,
        resource: Resource,
        service: str,
        item: str,
        key: str,
        quantity: float,
        *,
        most: float | None = None,
        factor: float = 1.0,
        assumption: str = "",
        region: str | None = None,
    ) -> Line:
        """A line about a resource, at the price of its stack's region. Raises UnpricedError."""
        return Line(
            service=service,
            path=short_path(resource, self.prefix),
            item=item,
            price=self.prices.price(key, region or resource.stack.region or "us-east-1"),
            least=quantity,
            most=quantity if most is None else most,
            factor=factor,
            assumption=assumption,
        )

    def share(self, resource: Resource) -> float:
        """One of how many resources of its type: what people cause is spread evenly over them."""
        return 1 / max(1, len(self.assembly.of_type(resource.type)))


Pricer = Callable[[Resource, Costing], Iterator[Line]]
PRICERS: dict[str, Pricer] = {}


def priced(*resource_types: str) -> Callable[[Pricer], Pricer]:
    """Registers who writes the lines of these types."""

    def register(pricer: Pricer) -> Pricer:
        for resource_type in resource_types:
            PRICERS[resource_type] = pricer
        return pricer

    return register
