"""`make drill NAME=faults`: from the deployed platform to a table of every fault, and books that balance."""

from __future__ import annotations

from collections.abc import Sequence

from localcloud import commands
from localcloud.console import LocalCloudError, Steps
from localcloud.drill.faults import openai, plot, report
from localcloud.drill.faults.catalog import FAULTS
from localcloud.drill.faults.fault import Fault
from localcloud.drill.faults.operations import let_in
from localcloud.drill.faults.record import Record
from localcloud.drill.faults.run import Run
from localcloud.drill.plan import Plan
from localcloud.drill.platform import Platform
from localcloud.drill.report import files
from localcloud.drill.report.page import Look
from localcloud.drill.report.table import as_text


def run(plan: Plan) -> int:
    """0 when everything held. Raises LocalCloudError when there cannot be a drill."""
    chosen = _chosen(plan.only)
    faults = [fault for fault in chosen if fault.breakage]
    undrilled = [fault for fault in chosen if not fault.breakage]
    env = commands.up_if_down(env=plan.env)
    platform = Platform.find(env)
    records: list[Record] = []
    used: set[int] = set()
    with openai.in_place() as engine:
        with Steps().step("tasks that know the way to the drill's OpenAI"):
            let_in(platform)
        for turn in range(1, plan.times + 1):
            drill = Run(
                platform=platform,
                faults=faults,
                rate=plan.rate,
                seed=plan.seed,
                engine=engine,
                used=used,
                turn=turn,
            )
            print(f"\nturn {turn} of {plan.times}: {len(faults)} faults; the ledger: {drill.ledger}", flush=True)
            records.append(drill.run())
            _write(plan, records, undrilled)
            if records[-1].interrupted:
                break
    tables = report.tables(records, undrilled)
    for table in tables:
        print(f"\n{as_text(table)}")
    ok = bool(report.as_json(records, undrilled)["ok"])
    print(f"\n{'Everything held' if ok else 'Something did not hold'}; the report: {_page(plan)}")
    return 0 if ok else 1


def _page(plan: Plan) -> str:
    return str(plan.output / "faults" / "index.html")


def _write(plan: Plan, records: Sequence[Record], undrilled: Sequence[Fault]) -> None:
    files.write(
        plan.output / "faults",
        title=f"Faults on {records[0].env}",
        tables=report.tables(records, undrilled),
        summary=report.as_json(records, undrilled),
        look=Look(pictures=[plot.as_svg(record) for record in records], style=plot.STYLE, guide="docs/fault-drills.md"),
    )


def _chosen(only: tuple[str, ...]) -> list[Fault]:
    """All of them, or those named, and of the groups named, in that order. Raises LocalCloudError for other names."""
    names = {fault.name for fault in FAULTS} | {fault.group for fault in FAULTS}
    if unknown := [name for name in only if name not in names]:
        raise LocalCloudError(f"no fault {', '.join(unknown)}", remedy=f"there are: {', '.join(sorted(names))}")
    if not only:
        return list(FAULTS)
    return list({fault.name: fault for name in only for fault in FAULTS if name in (fault.name, fault.group)}.values())
