"""`make drill NAME=alarms`: from the deployed platform to a table of every alarm."""

from __future__ import annotations

from localcloud import commands
from localcloud.console import LocalCloudError
from localcloud.drill.alarms import report
from localcloud.drill.alarms.catalog import FAULTS
from localcloud.drill.alarms.fault import Fault
from localcloud.drill.alarms.judge import judge
from localcloud.drill.alarms.run import Run
from localcloud.drill.plan import Plan
from localcloud.drill.platform import Platform
from localcloud.drill.report import files
from localcloud.drill.report.page import Look
from localcloud.drill.report.table import as_text


def run(plan: Plan) -> int:
    """0 when every alarm did what it must. Raises LocalCloudError when there cannot be a drill."""
    chosen = _chosen(plan.only)
    env = commands.up_if_down(env=plan.env)
    platform = Platform.find(env)
    faults = {name: fault for name, fault in chosen.items() if _concerns(fault, platform)}
    if not faults:
        raise LocalCloudError(f"{env} has no alarm that these faults are for", remedy="choose others, or all")
    print(f"{len(faults)} faults for {len(platform.alarms)} alarms of {env}\n")
    record = Run(platform=platform, faults=faults, rate=plan.rate).run()
    verdict = judge(record, complete=not plan.only)
    tables = report.tables(record, verdict)
    for table in tables:
        print(f"\n{as_text(table)}")
    page = files.write(
        plan.output / "alarms",
        title=f"Alarms of {env}",
        tables=tables,
        summary=report.as_json(record, verdict),
        look=Look(guide="docs/alarm-drills.md"),
    )
    print(f"\n{'Everything held' if verdict.ok else 'Something did not hold'}; the report: {page}")
    return 0 if verdict.ok else 1


def _chosen(only: tuple[str, ...]) -> dict[str, Fault]:
    if unknown := [name for name in only if name not in FAULTS]:
        raise LocalCloudError(f"no fault {', '.join(unknown)}", remedy=f"there are: {', '.join(FAULTS)}")
    return {name: FAULTS[name] for name in only or FAULTS}


def _concerns(fault: Fault, platform: Platform) -> bool:
    return any(title in platform.alarms for title in (*fault.fires, *fault.clears))
