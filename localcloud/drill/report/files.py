"""The report of a drill in `out/drill/<name>/`: index.html, table.md, summary.json."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from localcloud.drill.report.page import Look, as_html
from localcloud.drill.report.table import Table, as_markdown


def write(folder: Path, *, title: str, tables: Sequence[Table], summary: Mapping[str, Any], look: Look) -> Path:
    """The page that was written. `summary` has `ok` at the top."""
    folder.mkdir(parents=True, exist_ok=True)
    markdown = "\n\n".join(f"{table.title}\n\n{as_markdown(table)}" for table in tables)
    (folder / "table.md").write_text(f"{markdown}\n")
    (folder / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    page = folder / "index.html"
    page.write_text(as_html(tables, title=title, ok=bool(summary["ok"]), at=datetime.now(UTC), look=look))
    return page
