"""A table, as text for a terminal and as Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line; `ok` is False for what did not hold."""

    cells: tuple[str, ...]
    ok: bool = True


@dataclass(frozen=True, kw_only=True)
class Table:
    """`title` says what the rows are."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def as_text(table: Table) -> str:
    """Aligned columns; what did not hold begins with a cross."""
    lines = [table.columns, *(row.cells for row in table.rows)]
    widths = [max(len(line[number]) for line in lines) for number in range(len(table.columns))]
    return "\n".join([table.title, *_aligned(table, widths)])


def _aligned(table: Table, widths: list[int]) -> Iterator[str]:
    for mark, cells in [(" ", table.columns), *((" " if row.ok else "✗", row.cells) for row in table.rows)]:
        padded = "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        yield f"{mark} {padded}".rstrip()


def as_markdown(table: Table) -> str:
    head = [_line(table.columns), _line(tuple("---" for _ in table.columns))]
    return "\n".join([*head, *(_line(row.cells) for row in table.rows)])


def _line(cells: tuple[str, ...]) -> str:
    escaped = (cell.replace("|", "\\|") for cell in cells)
    return f"| {' | '.join(escaped)} |"
