"""What is broken while clients work, and what must hold meanwhile."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from localcloud.drill.faults.client import Book
from localcloud.drill.faults.openai import Engine
from localcloud.drill.platform import Platform


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What a fault may lay hands on; `chance` decides which of several parts it hits, from the drill's seed."""

    platform: Platform
    engine: Engine
    book: Book
    chance: random.Random
    kept: dict[str, Any] = field(default_factory=dict)


class Breakage(Protocol):
    """One way to break something. Both methods raise what goes wrong; `mend` is called whatever `make` did."""

    def make(self, scene: Scene) -> None:
        """Break it; returns at once."""

    def mend(self, scene: Scene) -> None:
        """Put it right; returns when nothing is broken any more, as far as it knows."""


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """What must hold beside that nothing is lost and nothing billed twice; None is no bound.

    `failed_percent` of the requests of the fault's window fail at most. `recovery` are seconds until the last request
    was sent that failed, `writes_back` until a write succeeds after which none fails, `reads_gone` the longest time
    without one good read; the first two count from when the fault was made or, as a whole system cannot do without the
    part, from when it was mended.
    """

    failed_percent: float | None = None
    recovery: float | None = None
    writes_back: float | None = None
    reads_gone: float | None = None
    since: Literal["made", "mended"] = "made"


REDUNDANT = Bounds(failed_percent=1.0, recovery=10.0)
"""One of several, or a part that others can do without."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """`says` what happens, `how` it is made; it is mended after `holds` seconds. One with `why_not` is not drilled.

    Whether a fault can be made on this environment is up to its breakage, which raises LocalCloudError when not.
    """

    name: str
    says: str
    how: str
    breakage: Breakage | None = None
    holds: float = 0.0
    bounds: Bounds = Bounds()
    why_not: str = ""
    group: str = ""

    def __post_init__(self) -> None:
        if (self.breakage is None) != bool(self.why_not):
            raise ValueError(f"{self.name}: a fault has a breakage, or a reason why it is not drilled")
