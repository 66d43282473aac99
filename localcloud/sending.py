"""`make send FOLDER=…`: every image of a folder through the running platform, and whether the sums come out."""

from __future__ import annotations

import collections
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

from localcloud import demo
from localcloud.console import LocalCloudError

CONTENT_TYPES = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".webp": "image/webp"}

PATIENCE_EACH = 20.0
"""Seconds a receipt may take on average; one worker on a small machine reads one in about three."""


def send(folder: Path, client: demo.Client) -> bool:
    """Upload all images, wait until each is in a final state, print what became of them.

    True when every receipt ended and the analytics add up to what was stored. Raises LocalCloudError for a folder
    without images.
    """
    images = sorted(path for path in folder.glob("*") if path.suffix.lower() in CONTENT_TYPES)
    if not images:
        raise LocalCloudError(f"no images in {folder}", remedy=f"a folder with {', '.join(CONTENT_TYPES)} files")
    begun = time.monotonic()
    sent = {client.upload(path, content_type=CONTENT_TYPES[path.suffix.lower()]): path for path in images}
    print(f"{len(sent)} images uploaded in {time.monotonic() - begun:.1f} s")
    deadline = time.monotonic() + PATIENCE_EACH * len(sent)
    for receipt, path in sent.items():
        seen = client.wait(receipt, patience=max(1.0, deadline - time.monotonic()))
        amount = f"{seen['currency'] or '???'} {seen['total']}" if seen["total"] else "-"
        print(f"  {path.name:<44} {seen['state']:<13} {amount:>12}  {seen['merchant'][:40]}")
    seconds = time.monotonic() - begun
    return _judge(client, count=len(sent), seconds=seconds)


def _judge(client: demo.Client, *, count: int, seconds: float) -> bool:
    stored = client.receipts()
    states = collections.Counter(receipt["state"] for receipt in stored)
    print(
        f"\n{count} receipts in {seconds:.0f} s; the account now has "
        + ", ".join(f"{n} {s}" for s, n in states.items())
    )
    expected = _totals(r for r in stored if r["state"] in {"extracted", "needs_review"} and r["total"])
    well = set(states) <= demo.FINAL
    for by in ("month", "category", "merchant"):
        counted = _totals(client.get(f"/api/v1/analytics/{by}/")["results"])
        same = counted == expected
        well = well and same
        shown = ", ".join(f"{currency or '???'} {total}" for currency, total in sorted(counted.items()))
        print(f"by {by:<9} {shown}   {'adds up' if same else f'DOES NOT ADD UP: stored are {expected}'}")
    return well


def _totals(rows: Any) -> dict[str, Decimal]:
    """Sums by currency."""
    sums: dict[str, Decimal] = collections.defaultdict(Decimal)
    for row in rows:
        sums[row["currency"]] += Decimal(row["total"])
    return dict(sums)
