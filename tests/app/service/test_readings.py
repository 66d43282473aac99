"""One reading for each image and engine, whoever else wants the same."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone
from PIL import Image

from extraction import NotYetError
from extraction.page import Page, Word
from receipts import readings
from receipts.models import Reading
from receipts.readings import CLAIM, claimed, kept, page_of

DIGEST = "a" * 64
CORNERS = ((1.0, 2.0), (9.0, 2.0), (9.0, 5.0), (1.0, 5.0))
PAGE = Page(words=(Word(text="Total 4.20", corners=CORNERS, score=0.9),), width=60, height=80)


def old_claim(age: timedelta) -> None:
    Reading.objects.create(content_sha256=DIGEST, engine="openai", claimed_at=timezone.now() - age)


def test_what_is_kept_is_found_again_by_image_and_engine(db) -> None:
    with claimed(DIGEST, engine="openai") as claim:
        claim.keep({"total": "4.20"})
    assert kept(DIGEST, engine="openai") == {"total": "4.20"}
    assert kept(DIGEST, engine="local") is None
    assert kept("b" * 64, engine="openai") is None


def test_a_second_opinion_replaces_the_first(db) -> None:
    with claimed(DIGEST, engine="openai") as claim:
        claim.keep({"total": "4.20"})
        claim.keep({"total": "4.70"})
    assert kept(DIGEST, engine="openai") == {"total": "4.70"}


def test_what_somebody_else_is_reading_is_not_read_twice(db) -> None:
    old_claim(timedelta(seconds=1))
    with pytest.raises(NotYetError, match="being read") as caught, claimed(DIGEST, engine="openai"):
        raise AssertionError
    assert caught.value.retry_after == readings.BUSY_SECONDS


def test_the_claim_of_a_dead_worker_is_taken_over_and_the_dead_one_changes_nothing(db) -> None:
    dead = readings.Claim(content_sha256=DIGEST, engine="openai", since=timezone.now() - CLAIM * 2)
    Reading.objects.create(content_sha256=DIGEST, engine="openai", claimed_at=dead.since)
    with claimed(DIGEST, engine="openai") as claim:
        dead.keep({"total": "0.01"})
        dead.release()
        claim.keep({"total": "4.20"})
    assert kept(DIGEST, engine="openai") == {"total": "4.20"}


def test_a_failure_leaves_no_claim_behind(db) -> None:
    with pytest.raises(ZeroDivisionError), claimed(DIGEST, engine="openai"):
        raise ZeroDivisionError
    assert not Reading.objects.exists()


def test_a_failure_after_something_was_kept_leaves_it(db) -> None:
    with pytest.raises(ZeroDivisionError), claimed(DIGEST, engine="openai") as claim:
        claim.keep({"total": "4.20"})
        raise ZeroDivisionError
    assert kept(DIGEST, engine="openai") == {"total": "4.20"}


def test_the_text_of_a_picture_is_recognized_once(db, monkeypatch: pytest.MonkeyPatch) -> None:
    photo = Image.new("RGB", (60, 80))
    monkeypatch.setattr(readings, "recognize", lambda _photo: PAGE)
    first = page_of(photo, content_sha256=DIGEST)
    monkeypatch.setattr(readings, "recognize", None)
    assert first == page_of(photo, content_sha256=DIGEST) == PAGE


@pytest.mark.django_db(transaction=True)
def test_of_eight_workers_with_the_same_image_one_reads_it() -> None:
    reads, busy, may_answer = [], [], threading.Event()

    def work() -> None:
        try:
            with claimed(DIGEST, engine="openai") as claim:
                reads.append(1)
                assert may_answer.wait(30)
                claim.keep({"total": "4.20"})
        except NotYetError:
            busy.append(1)
            if len(busy) == 7:
                may_answer.set()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(reads), len(busy)) == (1, 7)
    assert kept(DIGEST, engine="openai") == {"total": "4.20"}
