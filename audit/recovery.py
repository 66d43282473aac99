"""Proofs that data can be brought back: the last restore test by AWS Backup, the last drills of a restore and of the
loss of a region.

They happen elsewhere and leave a file. Without one nothing has been proven, and the report says so.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from audit.model import Recovery, State
from preflight.assembly import Assembly
from preflight.values import text

DRILLS = {
    "restore drill on the local cloud": Path("out/drill/restore/summary.json"),
    "loss of a region, drilled on the local cloud": Path("out/drill/region/summary.json"),
}
JOBS = "out/evidence/{environment}/restore-jobs.json"
"""The answer of `aws backup list-restore-jobs --by-restore-testing-plan-arn ARN`, saved by whoever may ask it."""


def recovery(root: Path, environment: str, assembly: Assembly) -> Iterator[Recovery]:
    """Every proof, whether there is any or not."""
    yield _tested(root / JOBS.format(environment=environment), assembly)
    for name, file in DRILLS.items():
        yield _drilled(name, root / file)


def _tested(file: Path, assembly: Assembly) -> Recovery:
    name = "restore test by AWS Backup"
    plans = assembly.of_type("AWS::Backup::RestoreTestingPlan")
    if not plans:
        said = "this environment has no restore testing plan"
        return Recovery(name=name, state=State.NOT_APPLICABLE, when="", said=said, source="")
    schedule = text(plans[0].get("ScheduleExpression")) or "a schedule"
    jobs = (_read(file) or {}).get("RestoreJobs", [])
    if not jobs:
        said = f"planned ({plans[0].construct_path}, {schedule}); no result is on file: save the jobs to {file.name}"
        return Recovery(name=name, state=State.NOT_RUN, when="", said=said, source=_source(file))
    last = max(jobs, key=lambda job: str(job.get("CreationDate", "")))
    restored = last.get("Status") == "COMPLETED" and last.get("ValidationStatus") in (None, "SUCCESSFUL")
    said = ", ".join(f"{key} {last[key]}" for key in ("ResourceType", "Status", "ValidationStatus") if last.get(key))
    return Recovery(
        name=name,
        state=State.PASSED if restored else State.FAILED,
        when=str(last.get("CompletionDate") or last.get("CreationDate", "")),
        said=said,
        source=_source(file),
    )


def _drilled(name: str, file: Path) -> Recovery:
    found = _read(file)
    if found is None:
        said = "no such drill is on file"
        return Recovery(name=name, state=State.NOT_RUN, when="", said=said, source=_source(file))
    return Recovery(
        name=name,
        state=State.PASSED if found.get("ok") is True else State.FAILED,
        when=str(found.get("finished_at") or found.get("started_at") or ""),
        said=str(found.get("headline") or ("restored" if found.get("ok") is True else "not restored")),
        source=_source(file),
    )


def _source(file: Path) -> str:
    parts = file.parts
    return "/".join(parts[parts.index("out") :]) if "out" in parts else file.name


def _read(file: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(file.read_text())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
