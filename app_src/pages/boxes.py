"""Where on the picture each field was read, as rectangles in the picture's own coordinates."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from receipts.models import LineItem, Receipt

UNSURE = 0.45
"""Below this confidence a field is shown as doubtful."""


@dataclass(frozen=True, kw_only=True)
class Box:
    """`field` is the id of the form's part that it belongs to."""

    field: str
    doubt: bool
    x: int
    y: int
    width: int
    height: int


def boxes_of(receipt: Receipt, items: Iterable[LineItem], *, doubtful: Iterable[str]) -> list[Box]:
    """Nothing without the picture's size; a box that is none is left out."""
    if not receipt.width or not receipt.height:
        return []
    marked = set(doubtful)
    found = [_box(receipt, name, receipt.boxes.get(name), name in marked) for name in receipt.boxes]
    found += [_box(receipt, f"item-{item.position}", item.box, False) for item in items]
    return [box for box in found if box]


def _box(receipt: Receipt, field: str, edges: Any, doubt: bool) -> Box | None:
    if not isinstance(edges, list) or len(edges) != 4 or not all(isinstance(edge, int | float) for edge in edges):
        return None
    left, top, right, bottom = (min(max(float(edge), 0.0), 1.0) for edge in edges)
    if left >= right or top >= bottom:
        return None
    width, height = receipt.width or 0, receipt.height or 0
    return Box(
        field=field,
        doubt=doubt,
        x=round(left * width),
        y=round(top * height),
        width=round((right - left) * width),
        height=round((bottom - top) * height),
    )
