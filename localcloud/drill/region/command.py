"""`make drill NAME=region`: everything of the first region is destroyed under load; the second one is brought up from
its copies by the steps of docs/runbooks/region-lost.md, and what was promised is held against what was kept.

The local cloud serves from its second region afterwards. Nothing but `make destroy` brings the first one back.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import psutil

from localcloud import commands, outputs, regions
from localcloud.console import LocalCloudError
from localcloud.drill.faults import books, openai
from localcloud.drill.faults.client import Book, Client, mix
from localcloud.drill.faults.fault import Scene
from localcloud.drill.faults.openai import Engine
from localcloud.drill.faults.operations import let_in
from localcloud.drill.faults.wellness import look, well
from localcloud.drill.plan import Plan
from localcloud.drill.platform import Platform
from localcloud.drill.recovery import instances
from localcloud.drill.recovery.clock import Clock, wait_until
from localcloud.drill.region import judge, loss, report, runbook, silence
from localcloud.drill.region.judge import Outcome, Promises
from localcloud.drill.region.record import Record
from localcloud.drill.report import files
from localcloud.drill.report.table import as_text
from localcloud.emulator import replication_delay
from localcloud.ledger import entries, stored
from localcloud.ledger.check import READ
from localcloud.ledger.entries import Ledger
from localcloud.rollout.load.traffic import Traffic

_SHORTEST, _LONGEST = 20.0, 120.0
"""Seconds of load after the log was sent off last; how many of them is drawn by lot."""

_AFTERWARDS = 45.0
"""Seconds of load on the second region once it is whole."""

_COPYING = 20.0
"""Seconds that S3 takes to copy an image: without any, none could be lost."""

_PATIENCE = 900.0
"""Seconds in which the second region has to be whole once it is deployed."""


@dataclass(frozen=True, kw_only=True)
class _Load:
    """Clients that go on whatever happens, and what they were promised."""

    book: Book
    engine: Engine
    traffic: Traffic


def run(plan: Plan) -> int:
    """0 when the second region serves within what is promised. Raises LocalCloudError when there can be no drill."""
    if regions.lost():
        raise LocalCloudError("a region of this local cloud is lost already", remedy="run: make destroy, make up")
    env = commands.up_if_down(env=plan.env)
    platform = Platform.find(env)
    second, promises = _second_region(platform), _promises()
    book = Book(ledger=_ledger(plan), numbers=random.Random())  # noqa: S311
    with openai.in_place() as engine:
        traffic = Traffic(
            url=commands.web_url(),
            rate=plan.rate,
            client=partial(Client, book=book),
            mix=replace(mix, upload_every=4, upload_new_every=40),
        )
        replication_delay.put(_COPYING)
        try:
            record = _drill(plan, platform, second, promises, _Load(book=book, engine=engine, traffic=traffic))
        finally:
            replication_delay.put(0)
    tables = report.tables(record)
    page = files.write(
        plan.output / "region",
        title=f"The loss of {env}'s first region",
        tables=tables,
        summary=report.as_json(record),
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


def _drill(plan: Plan, platform: Platform, second: str, promises: Promises, load: _Load) -> Record:
    clock, began, env = Clock(), datetime.now(UTC), platform.env
    with clock.step("a base backup of the database, as each day has one"):
        instances.snapshot(platform)
    with clock.step("tasks that know the way to the drill's OpenAI"):
        let_in(platform)
    silent = silence.note(platform)
    load.traffic.start()
    with clock.step("clients write, until the database's log has been sent off"):
        instances.wait_until_restorable(platform, time.time() + 10)
    with clock.step("clients go on"):
        time.sleep(random.Random(plan.seed).uniform(_SHORTEST, _LONGEST))  # noqa: S311
    with clock.step(f"everything of {platform.region} is lost"):
        moment, killed = loss.lose(platform.region)
    with clock.step("1. the copies of the secrets become independent"):
        secrets = runbook.free_secrets(env, second)
    with clock.step("2. find the database's replicated backup"):
        backup = runbook.find_backup(env, second)
    with clock.step(f"3. cdk deploy --all -c env={env} -c region={second} -c restore=…"):
        runbook.deploy(env, second, backup)
    recovered = Platform.find(env)
    with clock.step("4. migrate, where the deployment has not done so"):
        runbook.migrate(recovered)
    with clock.step("6. every part runs, and a new receipt is read"):
        whole = _wait_until_whole(recovered, load, moment)
    with clock.step("clients go on"):
        time.sleep(_AFTERWARDS)
    load.traffic.stop()
    with clock.step("everything acknowledged is read"):
        books.settle(Scene(platform=recovered, engine=load.engine, book=load.book, chance=random.Random(plan.seed)))  # noqa: S311
    outcome = _judged(recovered, load, moment, backup.latest, promises, whole, silent, killed)
    load.traffic.close()
    load.book.ledger.close()
    return Record(
        env=env,
        first=platform.region,
        second=second,
        began=began,
        loss=moment,
        latest=backup.latest,
        secrets=secrets,
        killed=len(killed),
        clock=clock,
        outcome=outcome,
    )


def _wait_until_whole(platform: Platform, load: _Load, moment: float) -> float:
    """Seconds from the loss until every part ran and the first receipt that was sent afterwards had been read."""

    def whole() -> bool:
        sent = [each.receipt for each in entries.read(load.book.ledger.path) if each.asked > moment]
        return bool(sent) and well(look()) and any(row.state in READ for row in _rows(platform, sent).values())

    wait_until(whole, what="the second region is whole", patience=_PATIENCE)
    return time.time() - moment


def _rows(platform: Platform, ids: Sequence[str] | None = None) -> dict[str, stored.Row]:
    with closing(platform.database(dbname=platform.database_name)) as link:
        return stored.receipts(link, ids)


def _judged(
    platform: Platform,
    load: _Load,
    moment: float,
    latest: float,
    promises: Promises,
    whole: float | None,
    silent: silence.Noted,
    killed: Sequence[psutil.Process],
) -> Outcome:
    with closing(platform.database(dbname=platform.database_name)) as link:
        rows, calls = stored.receipts(link), stored.calls(link)
    asked, refused = silence.ask(silent)
    return Outcome(
        promises=promises,
        clients=judge.clients(load.traffic.answers, moment),
        kept=judge.kept(
            entries.read(load.book.ledger.path),
            loss=moment,
            latest=latest,
            rows=rows,
            objects=_objects(platform),
            calls=calls,
            bill=load.engine.bill(),
            doubtful=load.book.doubtful,
        ),
        whole=whole,
        asked=asked,
        refused=refused,
        alive=sum(process.is_running() for process in killed),
        served=silence.serves(silent, platform),
    )


def _objects(platform: Platform) -> set[str]:
    pages: Any = platform.client("s3").get_paginator("list_objects_v2").paginate(Bucket=outputs.value("ReceiptsBucket"))
    return {item["Key"] for page in pages for item in page.get("Contents", [])}
