"""One sentence about security."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Direction(Enum):
    """`WIDER`: more is possible than before. `NARROWER`: less is."""

    WIDER = "wider"
    NARROWER = "narrower"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What becomes possible or impossible, where (a construct's path), and in which direction that goes."""

    direction: Direction
    path: str
    text: str
