"""What was seen of the loss of a region."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from localcloud.drill.recovery.clock import Clock
from localcloud.drill.region.judge import Outcome


@dataclass(frozen=True, kw_only=True)
class Record:
    """`loss` and `latest` are Unix times: of the loss, and of what the replicated backup was said to go up to."""

    env: str
    first: str
    second: str
    began: datetime
    loss: float
    latest: float
    secrets: Sequence[str]
    killed: int
    clock: Clock
    outcome: Outcome
