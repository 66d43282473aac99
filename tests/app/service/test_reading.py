"""From the queue to the figures, with a reader that does what the test asks of it, and once with the real one."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.utils import timezone
from support import png, receipt

from extraction import Extraction, ExtractionError, Item, NotYetError, RetryableExtractionError, TaxLine
from extraction.page import Page
from receipts import reading, readings
from receipts.models import Reading, Receipt
from receipts.states import State

DEMO = Path(__file__).resolve().parents[3] / "docs" / "demo-receipt.png"
FOUND = Extraction(
    engine="local",
    merchant="Lidl",
    currency="EUR",
    total=Decimal("4.20"),
    tax=Decimal("0.67"),
    tax_lines=[TaxLine(rate=Decimal(19), amount=Decimal("0.67"))],
    boxes={"total": (0.1, 0.2, 0.3, 0.4)},
    items=[Item(description="Bread", price=Decimal("4.20"), box=(0.0, 0.0, 0.5, 0.1))],
)
pytestmark = pytest.mark.usefixtures("bucket")


class Reader:
    """Stands in for the recognizer and the rules: answers with what it is given, or raises it; counts its calls."""

    def __init__(self, *answers: Extraction | Exception) -> None:
        self.answers = list(answers)
        self.calls = 0

    @property
    def _answer(self) -> Extraction | Exception:
        return self.answers[min(self.calls, len(self.answers)) - 1]

    def recognize(self, _photo: object) -> Page:
        self.calls += 1
        if isinstance(self._answer, Exception):
            raise self._answer
        return Page(words=(), width=60, height=80)

    def read_page(self, _page: Page) -> Extraction:
        assert isinstance(self._answer, Extraction)
        return self._answer


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch):
    def use(*answers: Extraction | Exception, reader: type[Reader] = Reader) -> Reader:
        made = reader(*answers)
        monkeypatch.setattr(readings, "recognize", made.recognize)
        monkeypatch.setattr(reading, "read_page", made.read_page)
        return made

    return use


def test_what_was_read_is_stored_with_its_lines(user, script) -> None:
    script(FOUND)
    made = receipt(user, body=png())
    assert reading.process(made.id) == State.EXTRACTED
    made.refresh_from_db()
    assert (made.merchant, made.total, made.tax, made.engine) == ("Lidl", Decimal("4.20"), Decimal("0.67"), "local")
    assert [(line.description, line.box) for line in made.items.all()] == [("Bread", [0.0, 0.0, 0.5, 0.1])]
    assert made.boxes == {"total": [0.1, 0.2, 0.3, 0.4]}
    assert made.tax_lines == [{"rate": "19", "net": None, "amount": "0.67"}]


def test_the_image_is_decoded_once(user, script, monkeypatch: pytest.MonkeyPatch) -> None:
    script(FOUND)
    decoded: list[int] = []
    opens = reading.open_photo

    def counts(image: bytes, **keywords: Any) -> Any:
        decoded.append(len(image))
        return opens(image, **keywords)

    monkeypatch.setattr(reading, "open_photo", counts)
    assert reading.process(receipt(user, body=png()).id) == State.EXTRACTED
    assert len(decoded) == 1
    assert Receipt.objects.get().pictures_at


def test_the_real_engine_reads_the_demo_receipt(user) -> None:
    made = receipt(user, body=DEMO.read_bytes())
    assert reading.process(made.id) == State.EXTRACTED
    made.refresh_from_db()
    assert made.engine == "local"
    assert made.total and made.merchant and made.purchased_on


def test_what_does_not_add_up_is_for_a_person(user, script) -> None:
    script(FOUND.model_copy(update={"needs_review": ["The lines do not add up."]}))
    made = receipt(user, body=png())
    assert reading.process(made.id) == State.NEEDS_REVIEW
    assert Receipt.objects.get().review_reasons == ["The lines do not add up."]


def test_no_total_is_never_called_extracted(user, script) -> None:
    script(FOUND.model_copy(update={"total": None}))
    assert reading.process(receipt(user, body=png()).id) == State.NEEDS_REVIEW


def test_a_second_delivery_does_nothing(user, script) -> None:
    engine = script(FOUND)
    made = receipt(user, body=png())
    reading.process(made.id)
    assert reading.process(made.id) is None
    assert engine.calls == 1


@pytest.mark.parametrize("state", [State.EXTRACTING, State.AWAITING_UPLOAD, State.FAILED])
def test_a_message_for_a_receipt_that_is_not_queued_does_nothing(user, script, state: State) -> None:
    engine = script(FOUND)
    made = receipt(user, body=png(), state=state)
    assert reading.process(made.id) is None
    assert (engine.calls, Receipt.objects.get().state, Receipt.objects.get().attempts) == (0, state, 0)


def test_a_message_for_a_deleted_receipt_does_nothing(user, script) -> None:
    script(FOUND)
    made = receipt(user)
    gone = made.id
    made.delete()
    assert reading.process(gone) is None


def test_the_same_image_is_read_once(user, make_user, script) -> None:
    engine = script(FOUND)
    for owner in (user, make_user("bob@example.com")):
        assert reading.process(receipt(owner, body=png(colour=7)).id) == State.EXTRACTED
    assert engine.calls == 1
    assert Reading.objects.count() == 1


def test_what_is_no_image_is_rejected_with_its_reason(user, script) -> None:
    reader = script(FOUND)
    made = receipt(user, body=b"<svg/>")
    assert reading.process(made.id) == State.REJECTED
    assert Receipt.objects.get().reason == "The file is not a JPEG, PNG or WebP picture."
    assert reader.calls == 0


def test_a_missing_image_fails_with_a_reason(user, script) -> None:
    script(FOUND)
    assert reading.process(receipt(user).id) == State.FAILED
    assert "not in the bucket" in Receipt.objects.get().reason


def test_a_bucket_that_refuses_is_asked_again_later(user, script, settings) -> None:
    script(FOUND)
    made = receipt(user, body=png())
    settings.RECEIPTS_BUCKET = "a-bucket-that-is-not-there"
    assert reading.process(made.id) == State.QUEUED
    assert "could not be fetched" in Receipt.objects.get().reason
    settings.RECEIPTS_BUCKET = "receipts"
    assert reading.process(made.id) == State.EXTRACTED


def test_an_object_larger_than_allowed_is_rejected_unread(user, script, settings) -> None:
    engine = script(FOUND)
    settings.UPLOAD_MAX_BYTES = 10
    assert reading.process(receipt(user, body=png()).id) == State.REJECTED
    assert engine.calls == 0


@pytest.mark.parametrize("fault", [SoftTimeLimitExceeded(), ZeroDivisionError("a decoder's bug")], ids=["slow", "bug"])
def test_whatever_breaks_the_reader_the_receipt_is_tried_again(user, script, fault: Exception) -> None:
    script(fault, FOUND)
    made = receipt(user, body=png())
    assert reading.process(made.id) == State.QUEUED
    assert reading.process(made.id) == State.EXTRACTED


def test_a_worker_that_comes_back_late_changes_nothing(user, script) -> None:
    """While it read, the sweeper gave the receipt up."""
    made = receipt(user, body=png())

    class Slow(Reader):
        def recognize(self, photo: object) -> Page:
            Receipt.objects.filter(id=made.id).update(state=State.FAILED)
            return super().recognize(photo)

    script(FOUND, reader=Slow)
    assert reading.process(made.id) is None
    assert Receipt.objects.get().state == State.FAILED
    assert not made.items.exists()


def test_an_unreadable_image_fails_with_a_reason(user, script) -> None:
    script(ExtractionError("torn apart"))
    assert reading.process(receipt(user, body=png()).id) == State.FAILED
    assert "torn apart" in Receipt.objects.get().reason


def test_an_outage_sends_the_receipt_back_to_be_read_later(user, script) -> None:
    script(RetryableExtractionError("rate limited", retry_after=90), FOUND)
    made = receipt(user, body=png())
    assert reading.process(made.id) == State.QUEUED
    made.refresh_from_db()
    assert 80 < (made.retry_at - timezone.now()).total_seconds() <= 90
    assert reading.process(made.id) == State.EXTRACTED
    made.refresh_from_db()
    assert made.attempts == 2
    assert made.reason == ""


def test_an_endless_outage_is_given_up(user, script) -> None:
    script(RetryableExtractionError("down"))
    made = receipt(user, body=png())
    states = [reading.process(made.id) for _ in range(reading.MAX_ATTEMPTS)]
    assert states == [State.QUEUED] * (reading.MAX_ATTEMPTS - 1) + [State.FAILED]


def test_who_waits_for_their_turn_is_never_given_up(user, script) -> None:
    script(*[NotYetError("others first", retry_after=7)] * (reading.MAX_ATTEMPTS * 3), FOUND)
    made = receipt(user, body=png())
    for _ in range(reading.MAX_ATTEMPTS * 3):
        assert reading.process(made.id) == State.QUEUED
    made.refresh_from_db()
    assert 5 < (made.retry_at - timezone.now()).total_seconds() <= 7
    assert made.attempts == 0
    assert reading.process(made.id) == State.EXTRACTED
