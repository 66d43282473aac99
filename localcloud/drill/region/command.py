"""`make drill NAME=region`: everything of the first region is destroyed under load; the second one is brought up from
its copies by the steps of docs/runbooks/region-lost.md, and what was promised is held against what was kept.

The local cloud serves from its second region afterwards. Nothing but `make destroy` brings the first one back.
"""

from __future__ import annotations

import random
from dataclasses import replace
from functools import partial

from localcloud import commands, outputs, regions
from localcloud.console import LocalCloudError
from localcloud.drill.faults import openai
from localcloud.drill.faults.client import Book, Client, mix
from localcloud.drill.plan import Plan
from localcloud.drill.platform import Platform
from localcloud.drill.region import report
from localcloud.drill.region.judge import Promises
from localcloud.drill.region.run import Load, Run
from localcloud.drill.report import files
from localcloud.drill.report.page import Look
from localcloud.drill.report.table import as_text
from localcloud.emulator import replication_delay
from localcloud.ledger.entries import Ledger
from localcloud.rollout.load.traffic import Traffic

_COPYING = 20.0
"""Seconds that S3 takes to copy an image: without any, none could be lost."""


def run(plan: Plan) -> int:
    """0 when the second region serves within what is promised. Raises LocalCloudError when there can be no drill."""
    if regions.lost():
        raise LocalCloudError("a region of this local cloud is lost already", remedy="run: make destroy, make up")
    env = commands.up_if_down(env=plan.env)
    platform = Platform.find(env)
    second, promises = _second_region(platform), _promises()
    book = Book(ledger=_ledger(plan), numbers=random.Random(), used=set())  # noqa: S311
    replication_delay.put(_COPYING)
    try:
        with openai.in_place() as engine:
            traffic = Traffic(
                url=commands.web_url(),
                rate=plan.rate,
                client=partial(Client, book=book),
                mix=replace(mix, upload_every=8, upload_new_every=80),
            )
            load = Load(book=book, engine=engine, traffic=traffic)
            record = Run(platform=platform, second=second, promises=promises, load=load, seed=plan.seed).run()
    finally:
        replication_delay.put(0)
    tables = report.tables(record)
    page = files.write(
        plan.output / "region",
        title=f"The loss of {env}'s first region",
        tables=tables,
        summary=report.as_json(record),
        look=Look(guide="docs/disaster-recovery.md"),
    )
    print("\n\n".join(["", *(as_text(each) for each in tables), report.headline(record), f"the report: {page}"]))
    return 1 if record.outcome.wrong() else 0


def _ledger(plan: Plan) -> Ledger:
    path = plan.output / "region" / "ledger.jsonl"
    path.unlink(missing_ok=True)
    return Ledger(path)


def _second_region(platform: Platform) -> str:
    others = set(outputs.stack_regions().values()) - {platform.region}
    if len(others) != 1:
        raise LocalCloudError(
            f"{platform.env} has no copies in another region", remedy="choose an environment with regions.replica"
        )
    return others.pop()


def _promises() -> Promises:
    """Of the stack that the second region has from the beginning. Raises LocalCloudError where there is none."""
    rto, database, images = (
        60.0 * int(outputs.value(name)) for name in ("RtoMinutes", "DatabaseRpoMinutes", "ImagesRpoMinutes")
    )
    return Promises(rto=rto, database_rpo=database, images_rpo=images)
