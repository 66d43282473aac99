"""What was found beforehand over code, dependencies and the image: `make scan`, and the image's inventory.

These look at the commit and not at one environment's templates. A result of other files than those here is not a
result: the tool then counts as not run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from audit.model import State, Tool

SCAN = Path("out/scan/summary.json")
INVENTORY = Path("out/inspect/sbom.cdx.json")

_SCANNED = {
    "detect-secrets": "credentials in every file of the repository",
    "bandit": "insecure Python code",
    "hadolint": "the application's Dockerfile",
    "pip-audit": "known vulnerabilities of the image's locked packages",
}


def tools(root: Path, tree: str) -> Iterator[Tool]:
    """The verdicts on record. `tree` is the digest of the files here (`pipelines.tools.tree.digest` wrote the same)."""
    scan = _read(root / SCAN)
    for name, scope in _SCANNED.items():
        yield _scanned(name, scope, scan, tree)
    yield _inventory(_read(root / INVENTORY))


def _scanned(name: str, scope: str, scan: dict[str, Any] | None, tree: str) -> Tool:
    why = ""
    if scan is None:
        why = "there is no out/scan/summary.json: make scan"
    elif scan.get("tree") != tree:
        why = "the last scan was of other files than these: make scan"
    verdict = next((one for one in (scan or {}).get("verdicts", []) if one["tool"] == name), None)
    if not why and verdict is None:
        why = "the last scan did not know this tool"
    if why or verdict is None:
        return Tool(name=name, kind="scan", version="", state=State.NOT_RUN, scope=scope, because=(why,))
    state = State(verdict["state"])
    return Tool(
        name=name,
        kind="scan",
        version="",
        state=state,
        scope=scope,
        because=tuple(verdict["because"]),
        failed=len(verdict["because"]) if state is State.FAILED else 0,
        acknowledged=verdict["accepted"],
    )


def _inventory(document: dict[str, Any] | None) -> Tool:
    name, scope = "syft", "inventory (SBOM, CycloneDX) of the application's image"
    if document is None:
        why = f"there is no {INVENTORY}: scripts/image build, then scripts/inventory IMAGE {INVENTORY}"
        return Tool(name=name, kind="image", version="", state=State.NOT_RUN, scope=scope, because=(why,))
    components = document.get("components", [])
    described = document.get("metadata", {}).get("component", {})
    image = " ".join(str(described[key]) for key in ("name", "version") if described.get(key))
    return Tool(
        name=name,
        kind="image",
        version="",
        state=State.PASSED if components else State.FAILED,
        scope=f"{scope}: {image or 'unnamed'}",
        because=(f"{len(components)} components",),
    )


def _read(file: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(file.read_text())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
