"""Pictures, and what became of them at the server that speaks OpenAI's protocol and here."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path

from PIL import Image, ImageDraw

from batches.models import Item
from localcloud.openai_server import Batches, FakeBatch
from openai_gateway import ledger
from openai_gateway.models import CallState, Day
from receipts.models import Reading, Receipt

LONG_AGO = timedelta(days=1)
DEMO = Path(__file__).resolve().parents[4] / "docs" / "demo-receipt.png"


def picture(number: int) -> bytes:
    """Pictures that differ."""
    image = Image.new("RGB", (200, 300), "white")
    ImageDraw.Draw(image).text((20, 20), f"No {number}", fill="black")
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def only(remote: Batches) -> FakeBatch:
    (batch,) = remote.batches.values()
    return batch


def states(receipts: list[Receipt]) -> list[str]:
    return [Receipt.objects.get(id=one.id).state for one in receipts]


def kept(one: Receipt) -> Reading | None:
    return Reading.objects.filter(content_sha256=one.batch_items.get().content_sha256, engine="openai").first()


def books_balance(remote: Batches) -> bool:
    """What the server billed is what the ledger says, and the day's sum is that of its calls."""
    ours = {
        str(item.id): (item.call.input_tokens, item.call.output_tokens)
        for item in Item.objects.select_related("call") if item.call and item.call.state == CallState.BILLED
    }  # fmt: skip
    theirs = {name: (usage["input_tokens"], usage["output_tokens"]) for name, usage in remote.bill.items()}
    return ours == theirs and all(day.spent == ledger.spent_on(day.day) for day in Day.objects.all())
