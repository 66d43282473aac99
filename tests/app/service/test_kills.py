"""kill -9 at each step, and a broker that forgets everything: no receipt is lost, and none is billed twice.

The worker is a real one. It is brought to a halt at the wanted step from outside: by a lock in PostgreSQL, or by
OpenAI's stand-in, which holds its answer back.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import psycopg2
import pytest
from django.db import connection
from django.db.models import F
from openai_support import CAFE, books_match
from support import png, receipt, written
from workers import until, worker

from localcloud import openai_server as api
from openai_gateway import ledger
from openai_gateway.models import Call, CallState
from receipts import readings, tasks
from receipts.models import Reading, Receipt
from receipts.states import READ, State
from spendsmart import broker

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("bucket"),
    pytest.mark.timeout(300),
]
AGES = timedelta(minutes=20)


@pytest.fixture
def server() -> Iterator[api.OpenAIServer]:
    with api.serve() as server:
        server.reply = api.Reply(body=api.fields(), billed=True)
        yield server


@pytest.fixture
def with_openai(server: api.OpenAIServer) -> dict[str, str]:
    return {"EXTRACTION_ENGINE": "openai", "OPENAI_API_KEY": "sk-test", "OPENAI_BASE_URL": server.url,
            "OPENAI_ESCALATION_PERCENT": "0"}  # fmt: skip


@contextmanager
def locked(statement: str, *parameters: object) -> Iterator[Callable[[], bool]]:
    """Hold a lock from a connection of its own; gives a function that tells whether somebody waits for it."""
    name = connection.settings_dict
    holder = psycopg2.connect(
        host=name["HOST"], port=name["PORT"], user=name["USER"], password=name["PASSWORD"], dbname=name["NAME"]
    )
    holder.cursor().execute(statement, parameters)

    def waited_for() -> bool:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))",
                [holder.get_backend_pid()],
            )
            return bool(cursor.fetchone()[0])

    try:
        yield waited_for
    finally:
        holder.close()


def queued(user: object) -> Receipt:
    """A receipt on its way, whose text has been recognized before: what is killed here is not the recognizer."""
    made = receipt(user, state=State.UPLOADED, body=png())
    Reading.objects.create(
        content_sha256=readings.digest_of(png()),
        engine=readings.PAGE,
        extraction=written((*CAFE, ("No. 40100", ""))).to_json(),
    )
    tasks.enqueue(made.id, source=State.UPLOADED)
    return made


def time_passes() -> None:
    """The dead worker's claims run out."""
    Receipt.objects.update(state_changed_at=F("state_changed_at") - AGES)
    Reading.objects.update(claimed_at=F("claimed_at") - AGES)
    Call.objects.update(sent_at=F("sent_at") - AGES)


def picked_up(made: Receipt, folder: Path, variables: dict[str, str]) -> Receipt:
    """What becomes of the receipt afterwards, with the sweeper and another worker."""
    time_passes()
    tasks.sweep()
    with worker(folder, "second", **variables) as second:
        until(lambda: Receipt.objects.get(id=made.id).state in READ, among=(second,))
    made.refresh_from_db()
    return made


def test_killed_before_it_has_written_the_call_down(user, server, with_openai, tmp_path: Path) -> None:
    made = queued(user)
    with locked("LOCK TABLE openai_gateway_call IN SHARE MODE") as waited_for, worker(tmp_path, **with_openai) as first:
        until(waited_for, among=(first,))
        first.kill()
    assert server.requests == []
    made = picked_up(made, tmp_path, with_openai)
    assert (made.state, made.engine, len(server.bill)) == (State.EXTRACTED, "openai", 1)
    assert books_match(server)


def test_killed_while_openai_answers(user, server, with_openai, tmp_path: Path) -> None:
    server.reply.hold = threading.Event()
    made = queued(user)
    with worker(tmp_path, **with_openai) as first:
        until(lambda: server.requests, among=(first,))
        first.kill()
    server.reply.hold.set()
    assert Call.objects.get().state == CallState.SENT
    made = picked_up(made, tmp_path, with_openai)
    assert (made.state, made.engine, made.fallback) == (State.NEEDS_REVIEW, "local", "in_doubt")
    assert made.total == Decimal("17.17")
    assert (len(server.requests), len(server.bill), Call.objects.get().state) == (1, 1, CallState.IN_DOUBT)
    assert books_match(server)


def test_killed_with_the_answer_in_its_hands(user, server, with_openai, tmp_path: Path) -> None:
    """The answer has come, but its bill cannot be settled."""
    made = queued(user)
    held, may_go = threading.Event(), threading.Event()

    def answer_when_locked(_request: api.Received) -> api.Reply:
        held.set()
        assert may_go.wait(60)
        return server.reply

    server.respond = answer_when_locked
    with worker(tmp_path, **with_openai) as first:
        until(held.is_set, among=(first,))
        with locked("LOCK TABLE openai_gateway_call IN SHARE MODE") as waited_for:
            may_go.set()
            until(waited_for, among=(first,))
            first.kill()
    made = picked_up(made, tmp_path, with_openai)
    assert (made.state, made.fallback, len(server.requests)) == (State.NEEDS_REVIEW, "in_doubt", 1)
    assert books_match(server)


def test_killed_before_it_has_stored_what_was_paid_for(user, server, with_openai, tmp_path: Path) -> None:
    made = queued(user)
    held, may_go = threading.Event(), threading.Event()

    def answer_when_locked(_request: api.Received) -> api.Reply:
        held.set()
        assert may_go.wait(60)
        return server.reply

    server.respond = answer_when_locked
    with worker(tmp_path, **with_openai) as first:
        until(held.is_set, among=(first,))
        with locked("SELECT 1 FROM receipts_receipt WHERE id = %s FOR UPDATE", str(made.id)) as waited_for:
            may_go.set()
            until(waited_for, among=(first,))
            first.kill()
    assert Call.objects.get().state == CallState.BILLED
    made = picked_up(made, tmp_path, with_openai)
    assert (made.state, made.engine, len(server.requests)) == (State.EXTRACTED, "openai", 1)
    assert books_match(server)


def test_killed_while_it_recognizes_the_text(user, server, with_openai, tmp_path: Path) -> None:
    """At its start: it has claimed the picture's text and nothing else."""
    made = receipt(user, state=State.UPLOADED, body=png())
    tasks.enqueue(made.id, source=State.UPLOADED)
    with locked("LOCK TABLE receipts_reading IN SHARE MODE") as waited_for, worker(tmp_path, **with_openai) as first:
        until(waited_for, among=(first,))
        first.kill()
    Reading.objects.create(
        content_sha256=readings.digest_of(png()), engine=readings.PAGE, extraction=written(CAFE).to_json()
    )
    made = picked_up(made, tmp_path, with_openai)
    assert (made.state, made.engine, len(server.bill)) == (State.EXTRACTED, "openai", 1)


def test_a_broker_that_forgets_everything_loses_nothing(
    user, make_user, server, with_openai, tmp_path: Path, lose_messages
) -> None:
    """Messages, limits and the breaker are gone, while one call is on its way and more people's receipts wait."""
    server.reply.hold = threading.Event()
    made = [queued(user)]
    with worker(tmp_path, **with_openai) as first:
        until(lambda: server.requests, among=(first,))
        for colour in range(3):
            somebody = make_user(f"somebody{colour}@example.com")
            more = receipt(somebody, state=State.UPLOADED, body=png(colour=colour))
            page = written(CAFE)
            Reading.objects.create(
                content_sha256=readings.digest_of(png(colour=colour)), engine=readings.PAGE, extraction=page.to_json()
            )
            tasks.enqueue(more.id, source=State.UPLOADED)
            made.append(more)
        lose_messages()
        assert broker.messages() == 0
        server.reply.hold.set()
        until(lambda: Receipt.objects.get(id=made[0].id).state == State.EXTRACTED, among=(first,))
        Receipt.objects.filter(state=State.QUEUED).update(state_changed_at=F("state_changed_at") - AGES)
        assert tasks.sweep()["lost"] == 3
        until(lambda: Receipt.objects.filter(state=State.EXTRACTED).count() == 4, among=(first,))
    assert len(server.bill) == 4
    assert books_match(server)
    assert ledger.settle_abandoned() == 0
