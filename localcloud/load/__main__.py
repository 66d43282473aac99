"""Command line: `python -m localcloud.load`, or with `--soak 60` the steady load alone."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from localcloud import commands, layout
from localcloud.console import LocalCloudError, Steps, fail
from localcloud.drill.platform import Platform
from localcloud.drill.report import files
from localcloud.drill.report.page import Look
from localcloud.drill.report.table import Row, Table, as_text
from localcloud.load import database, ladder, locust, pipeline, services, soak
from localcloud.load.ladder import Rung
from localcloud.load.pipeline import Read
from localcloud.load.soak import Soak

OUTPUT = layout.REPOSITORY / "out" / "load"
_LOOK = Look(guide="docs/capacity.md")
COPIES = 5000
"""Of a receipt, to weigh it in the database: indexes of fewer would be half empty."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make load", description="How much the running local cloud takes.")
    parser.add_argument("--env", default="dev", help="environment to bring up where nothing runs (default: dev)")
    parser.add_argument("--tasks", default="1,2", help="numbers of web and of worker tasks (default: 1,2)")
    parser.add_argument("--seconds", type=float, default=20.0, help="for each number of users (default: 20)")
    parser.add_argument("--receipts", type=int, default=20, help="to be read by each number of workers (default: 20)")
    parser.add_argument("--soak", type=float, default=0.0, metavar="MINUTES", help="a steady load instead")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="folder of the report (out/load)")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """0 when everything was measured, and in a soak stayed flat; else 1."""
    options = _parser().parse_args(arguments)
    try:
        env = commands.up_if_down(env=options.env)
        if options.soak:
            return _soak(options, env=env)
        with locust.accounts(commands.web_url()) as logins:
            return _measure(options, env=env, logins=logins)
    except LocalCloudError as error:
        return fail(error)


def _measure(options: argparse.Namespace, *, env: str, logins: Path) -> int:
    url, counts = commands.web_url(), [int(count) for count in options.tasks.split(",")]
    steps = Steps()
    rungs: list[Rung] = []
    reads: list[Read] = []
    platform = Platform.find(env)
    with services.held(platform, "web", "worker"):
        for count in counts:
            with steps.step(f"requests to {count} web tasks"):
                rungs += ladder.climb(url, logins=logins, tasks=count, seconds=options.seconds)
        for count in counts:
            with steps.step(f"receipts for {count} worker tasks"):
                reads.append(pipeline.read(url, tasks=count, receipts=options.receipts))
    sizes = database.bytes_of_a_receipt(platform, copies=COPIES)
    tables = [_api(rungs), _pipeline(reads), _sizes(sizes)]
    summary: dict[str, Any] = {
        "ok": bool(rungs) and bool(reads),
        "environment": env,
        "api": [asdict(rung) for rung in rungs],
        "bends_at": [
            asdict(ladder.bend([rung for rung in rungs if rung.tasks == count]).counted) | {"tasks": count}
            for count in counts
        ],
        "pipeline": [
            asdict(read) | {"per_minute": read.per_minute, "per_day_of_a_core": read.per_day_of_a_core}
            for read in reads
        ],
        "bytes_of_a_receipt": sizes,
    }
    return _write(options.output, f"Load on {env}", tables, summary)


def _soak(options: argparse.Namespace, *, env: str) -> int:
    found = soak.run(commands.web_url(), env=env, minutes=options.soak)
    faults = found.faults()
    for fault in faults:
        print(f"FAILED  {fault}")
    summary = {
        "ok": not faults,
        "environment": env,
        "faults": faults,
        **asdict(found),
    }
    return _write(options.output, f"Soak of {env}", [_flat(found)], summary)


def _write(folder: Path, title: str, tables: list[Table], summary: dict[str, Any]) -> int:
    for table in tables:
        print(as_text(table))
    print(f"the report: {files.write(folder, title=title, tables=tables, summary=summary, look=_LOOK)}")
    return 0 if summary["ok"] else 1


def _api(rungs: list[Rung]) -> Table:
    rows = [
        Row(
            cells=(
                str(rung.tasks),
                str(rung.counted.users),
                f"{rung.counted.per_second:.0f}",
                f"{rung.counted.p50_ms:.0f} ms",
                f"{rung.counted.p95_ms:.0f} ms",
                f"{rung.cpu_ms:.1f} ms",
                str(rung.counted.failed),
            ),
            ok=not rung.counted.failed,
        )
        for rung in rungs
    ]
    columns = ("web tasks", "users", "requests/s", "p50", "p95", "CPU each", "failed")
    return Table(title="Requests, each web task on a core", columns=columns, rows=tuple(rows))


def _pipeline(reads: list[Read]) -> Table:
    rows = [
        Row(
            cells=(
                str(read.tasks),
                str(read.receipts),
                f"{read.per_minute:.1f}",
                f"{read.cpu_seconds:.1f} s",
                f"{read.per_day_of_a_core:,.0f}",
            )
        )
        for read in reads
    ]
    columns = ("worker tasks", "receipts", "a minute", "CPU each", "a day and core")
    return Table(title="Receipts, each worker task on a core", columns=columns, rows=tuple(rows))


def _sizes(sizes: dict[str, float]) -> Table:
    rows = [Row(cells=(table, f"{size:,.0f}")) for table, size in {**sizes, "together": sum(sizes.values())}.items()]
    return Table(
        title="What a receipt takes in the database, with indexes", columns=("table", "bytes"), rows=tuple(rows)
    )


def _flat(found: Soak) -> Table:
    columns = ("what", "first third", "last third")
    title = (
        f"{found.minutes:g} minutes, {found.requests} requests, {found.failed} failed, p95 {found.p95 or 0:.2f} s; "
        f"{found.receipts} receipts acknowledged, {found.unread} not read; MiB of the largest task, and database "
        "sessions, after warming up"
    )
    return Table(title=title, columns=columns, rows=tuple(Row(cells=cells) for cells in soak.table_rows(found)))


if __name__ == "__main__":
    sys.exit(main())
