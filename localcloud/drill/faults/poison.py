"""A receipt that kills whoever reads it, each time."""

from __future__ import annotations

import signal
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from localcloud import commands, demo
from localcloud.console import LocalCloudError
from localcloud.drill.faults import parts
from localcloud.drill.faults.fault import Scene
from localcloud.ledger import stored
from localcloud.ledger.check import FINAL
from localcloud.ledger.entries import Entry

PATIENCE = 420.0
"""Seconds until it must have been set aside: six tries, each found by a sweep within half a minute."""


@dataclass
class Poison:
    """As soon as the receipt is being read, SIGKILL to all processes that read, as nobody knows which one has it.

    Its clock is set back then, by the two and a half minutes after which the sweeper looks for who died.
    """

    _receipt: str = ""

    def make(self, scene: Scene) -> None:
        client = demo.Client(commands.web_url(), demo.user())
        with tempfile.TemporaryDirectory() as folder:
            image = Path(folder) / "receipt.png"
            image.write_bytes(scene.book.picture())
            asked = time.time()
            self._receipt = client.upload(image, content_type="image/png")
        scene.book.poisoned.add(self._receipt)
        scene.book.ledger.add(
            Entry(
                kind="receipt",
                receipt=self._receipt,
                user=demo.user().email,
                asked=asked,
                at=time.time(),
                key=_key(scene, self._receipt),
            )
        )

    def mend(self, scene: Scene) -> None:
        """Kill until it is set aside. Raises LocalCloudError when it is not."""
        deadline, deaths = time.monotonic() + PATIENCE, 0
        while time.monotonic() < deadline:
            row = _row(scene, self._receipt)
            if row.state in FINAL:
                if row.state != "failed" or not deaths:
                    raise LocalCloudError(f"the poisonous receipt ended {row.state} after {deaths} deaths")
                return
            if row.state == "extracting":
                self._kill(scene)
                deaths += 1
            time.sleep(0.1)
        raise LocalCloudError(f"the poisonous receipt is not set aside after {deaths} deaths")

    def _kill(self, scene: Scene) -> None:
        for task in parts.tasks(scene.platform, "worker"):
            parts.send(parts.family(task.containers["worker"])[1:], signal.SIGKILL)
        with closing(scene.platform.database(dbname=scene.platform.database_name)) as link, link.cursor() as cursor:
            cursor.execute(
                "UPDATE receipts_receipt SET state_changed_at = state_changed_at - interval '3 minutes'"
                " WHERE id = %s AND state = 'extracting'",
                [self._receipt],
            )
        time.sleep(1)


def _row(scene: Scene, receipt: str) -> stored.Row:
    with closing(scene.platform.database(dbname=scene.platform.database_name)) as link:
        return stored.receipts(link, [receipt])[receipt]


def _key(scene: Scene, receipt: str) -> str:
    """The key of its object."""
    bucket = parts.bucket()
    found = scene.platform.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket)
    keys = [item["Key"] for page in found for item in page.get("Contents", []) if receipt in item["Key"]]
    return keys[0] if keys else ""
