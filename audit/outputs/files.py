"""Writes a report as a folder of files, and seals it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.model import Report
from audit.outputs.document import as_json
from audit.outputs.oscal import as_oscal
from audit.outputs.page import as_html
from audit.outputs.sarif import as_sarif
from audit.outputs.table import as_csv
from audit.signing import seal


def write(report: Report, folder: Path, *, root: Path, about: Mapping[str, Any], key: Ed25519PrivateKey) -> str:
    """Every file of the report, in a folder that holds nothing else; the fingerprint of the key."""
    made = {
        "index.html": as_html(report, root),
        "report.json": _json(as_json(report)),
        "findings.csv": as_csv(report),
        "findings.sarif": _json(as_sarif(report)),
        "oscal-assessment-results.json": _json(as_oscal(report)),
    }
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, text in made.items():
        (folder / name).write_bytes(text.encode())
    return seal(folder, about, key)


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"
