"""What every drill is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from localcloud import layout

OUTPUT = layout.REPOSITORY / "out" / "drill"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """`env` is brought up where nothing runs. `rate` is the load in actions per second, `minutes` how long a drill
    without an end of its own goes on, `only` the parts of it that are wanted (all when empty), `seed` what is drawn
    by lot is drawn from, `times` how often all of it is done."""

    env: str
    rate: float
    minutes: float
    only: tuple[str, ...] = ()
    seed: int = 1
    times: int = 1
    output: Path = OUTPUT


@dataclass(frozen=True, kw_only=True)
class Drill:
    """`run` carries the drill out and gives the exit status: 0 when everything held. `rate` is its usual load."""

    name: str
    says: str
    run: Callable[[Plan], int]
    rate: float = 2.0
