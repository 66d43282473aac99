"""What Celery runs each minute. Any worker may, several may at once, and each may die at any step."""

from __future__ import annotations

import time

import structlog
from celery import shared_task
from django.conf import settings
from django.db.models import Min
from django.utils import timezone

from batches import collection, items, submission
from batches.claims import TIME_LIMIT, WORK_SECONDS
from batches.models import Batch, BatchState, Item, ItemState
from extraction.openai_engine import classified, client
from openai_gateway import gateway
from spendsmart import metrics
from spendsmart.metrics import Metric

log = structlog.get_logger(__name__)


@shared_task(name="batches.tasks.run", time_limit=TIME_LIMIT, soft_time_limit=TIME_LIMIT - 30)
def run() -> None:
    """Collect what has ended, go on with what was left behind, and send what waits."""
    until = time.monotonic() + WORK_SECONDS
    items.rescue()
    if settings.EXTRACTION_ENGINE != gateway.ENGINE:
        _stand_down()
        return
    import openai

    to = client(api_key=settings.OPENAI_API_KEY, base_url=settings.OPENAI_BASE_URL)
    collection.poll(to, until=until)
    try:
        submission.recover(to)
    except openai.APIError as error:
        log.warning("batches_not_listed", reason=str(classified(error)))
    submission.submit_waiting(to, until=until)
    _publish()


def _stand_down() -> None:
    """OpenAI was switched off: who has not been asked for yet is read here, and so is who was, a day later.

    Until then it may be switched on again, and what is paid for be collected.
    """
    for item in Item.objects.filter(state=ItemState.WAITING):
        items.returned(item, reason="switched_off")
    collection.lose_overdue(reason="OpenAI is switched off")


def _publish() -> None:
    now = timezone.now()
    waiting = Item.objects.filter(state=ItemState.WAITING)
    under_way = Batch.objects.filter(state__in=[BatchState.FORMING, BatchState.SUBMITTED])
    asked = Item.objects.filter(state=ItemState.ASKED, batch__in=under_way)
    oldest = under_way.aggregate(at=Min("created_at"))
    metrics.publish(
        Metric("BatchItemsWaiting", waiting.count()),
        Metric("BatchItemsAsked", asked.count()),
        Metric("OldestBatchSeconds", (now - oldest["at"]).total_seconds() if oldest["at"] else 0, unit="Seconds"),
    )
