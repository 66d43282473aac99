"""One reading, and one billed call, for each image and engine."""

from __future__ import annotations

import threading
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connections
from django.utils import timezone

from extraction import Extraction, ExtractionError, RetryableExtractionError
from receipts.models import Reading
from receipts.readings import CLAIM, digest_of, read_once

IMAGE = b"the bytes of an image"


class Engine:
    name = "scripted"

    def __init__(self, fault: Exception | None = None) -> None:
        self.calls = 0
        self.fault = fault
        self.may_answer = threading.Event()
        self.may_answer.set()

    def extract(self, _image: bytes) -> Extraction:
        self.calls += 1
        assert self.may_answer.wait(5)
        if self.fault:
            raise self.fault
        return Extraction(engine=self.name, total=Decimal("4.20"))


def claim(age: timedelta) -> None:
    Reading.objects.create(content_sha256=digest_of(IMAGE), engine="scripted", claimed_at=timezone.now() - age)


def test_the_second_reading_is_the_first_one_stored(db) -> None:
    engine = Engine()
    assert read_once(IMAGE, engine=engine) == read_once(IMAGE, engine=engine)
    assert engine.calls == 1


def test_another_image_or_another_engine_is_another_reading(db) -> None:
    engine, other = Engine(), Engine()
    other.name = "other"
    read_once(IMAGE, engine=engine)
    read_once(IMAGE + b"!", engine=engine)
    read_once(IMAGE, engine=other)
    assert (engine.calls, other.calls) == (2, 1)


def test_what_somebody_else_is_reading_is_not_read_twice(db) -> None:
    claim(timedelta(seconds=1))
    engine = Engine()
    with pytest.raises(RetryableExtractionError, match="being read"):
        read_once(IMAGE, engine=engine)
    assert engine.calls == 0


def test_the_claim_of_a_dead_worker_is_taken_over(db) -> None:
    claim(CLAIM + timedelta(seconds=1))
    assert read_once(IMAGE, engine=Engine()).total == Decimal("4.20")


def test_a_failure_leaves_no_claim_behind(db) -> None:
    with pytest.raises(ExtractionError):
        read_once(IMAGE, engine=Engine(fault=ExtractionError("torn")))
    assert not Reading.objects.exists()
    read_once(IMAGE, engine=Engine())


@pytest.mark.django_db(transaction=True)
def test_of_eight_workers_with_the_same_image_one_reads_it() -> None:
    engine, busy = Engine(), []
    engine.may_answer.clear()

    def work() -> None:
        try:
            read_once(IMAGE, engine=engine)
        except RetryableExtractionError:
            busy.append(1)
            if len(busy) == 7:
                engine.may_answer.set()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (engine.calls, len(busy)) == (1, 7)
    assert Reading.objects.get().extraction["total"] == "4.20"
