"""The regions in which an environment may keep data, as its configuration names them."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from audit.assembly import AuditError

TOOLING = "pipeline"
"""The name under which the tooling account's app is audited."""


def allowed(config: Path, environment: str) -> tuple[str, ...]:
    """Raises AuditError where there is no configuration of that name."""
    file = config / "tooling" / "pipeline.toml" if environment == TOOLING else config / f"{environment}.toml"
    try:
        written: dict[str, Any] = tomllib.loads(file.read_text())
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise AuditError(f"{file}: {error}") from error
    regions = written.get("regions") or {"only": written.get("region")}
    return tuple(dict.fromkeys(str(one) for one in regions.values() if one))
