"""The ledger held against the database, the bucket and OpenAI's bill."""

from __future__ import annotations

import time
from contextlib import closing
from typing import Any

import psycopg2

from localcloud.drill.faults import parts
from localcloud.drill.faults.fault import Scene
from localcloud.drill.platform import Platform
from localcloud.ledger import check, entries, stored
from localcloud.ledger.check import FINAL, Findings

PATIENCE = 900.0
"""Seconds that everything acknowledged has to be read: a call to OpenAI that failed is tried again for a quarter of an
hour, and a receipt whose worker died is found after two and a half minutes."""


def settle(scene: Scene, *, patience: float = PATIENCE) -> None:
    """Wait until every acknowledged receipt is in a final state, or there is no patience left."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        try:
            rows = _rows(scene)
        except psycopg2.Error:
            time.sleep(1)
            continue
        promised = [entry for entry in entries.read(scene.book.ledger.path) if entry.kind == "receipt"]
        if all(entry.receipt not in rows or rows[entry.receipt].state in FINAL for entry in promised):
            return
        time.sleep(2)


def close(scene: Scene, *, settled: bool) -> Findings:
    """What is wrong now; before everything has settled, receipts that are still to be read are nothing wrong."""
    with closing(scene.platform.database(dbname=scene.platform.database_name)) as link:
        rows, calls = stored.receipts(link), stored.calls(link)
    promises = entries.read(scene.book.ledger.path)
    unreadable = set(scene.book.poisoned)
    if not settled:
        unreadable |= {name for name, row in rows.items() if row.state not in FINAL}
    return check.reconcile(
        promises,
        rows=rows,
        objects=objects(scene.platform),
        calls=calls,
        bill=scene.engine.bill(),
        doubtful=set(scene.book.doubtful),
        replaced=set(scene.book.damaged),
        unreadable=unreadable,
    )


def _rows(scene: Scene) -> dict[str, stored.Row]:
    with closing(scene.platform.database(dbname=scene.platform.database_name)) as link:
        return stored.receipts(link)


def objects(platform: Platform) -> set[str]:
    """The keys in the bucket of receipts."""
    pages: Any = platform.client("s3").get_paginator("list_objects_v2").paginate(Bucket=parts.bucket())
    return {item["Key"] for page in pages for item in page.get("Contents", [])}
