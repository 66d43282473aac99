"""What the tasks of a run cost, at the prices that `make plan` has.

Everything at On-Demand prices: AWS promises no price for Spot.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from localcloud.scaling.errors import ScalingError
from localcloud.scaling.model import Service

FILE = Path(__file__).resolve().parents[2] / "plan" / "data" / "prices.json"


@dataclass(frozen=True, kw_only=True)
class TaskPrice:
    """USD for an hour of one task, and where the two prices in it are from."""

    usd_per_hour: float
    source: str


def task_price(service: Service) -> TaskPrice:
    """The price of one of a service's tasks in its region. Raises ScalingError where the region has none."""
    content, size = _prices(), service.size
    keys = [f"fargate.{size.architecture}.{unit}" for unit in ("vcpu", "gb")]
    try:
        vcpu, gib = (float(content["prices"][key]["value"][service.region]) for key in keys)
    except KeyError:
        raise ScalingError(f"{FILE} has no Fargate price for {service.region}: `make prices` refreshes it") from None
    entry = content["prices"][keys[0]]
    return TaskPrice(
        usd_per_hour=vcpu * size.vcpu + gib * size.memory_gib,
        source=f"{content['sources'][entry['source']]['ref']}, {entry['date']}",
    )


@cache
def _prices() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(FILE.read_text())
    return found
