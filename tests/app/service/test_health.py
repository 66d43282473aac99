from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from django.db import connections
from rest_framework.test import APIClient

from spendsmart import health

pytestmark = pytest.mark.django_db(databases=["default", "reader"])


@pytest.fixture(autouse=True)
def just_started() -> Iterator[None]:
    """No part has answered this process yet."""
    health._reached.clear()
    yield
    health._reached.clear()


def readiness() -> tuple[int, dict[str, str]]:
    answer = APIClient().get("/readyz", HTTP_HOST="10.1.2.3:8000")
    return answer.status_code, answer.json()["parts"]


@pytest.fixture
def silent_server() -> Iterator[int]:
    """A port that accepts connections and says nothing, as a database behind a broken network does."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_liveness_needs_no_database_and_no_known_host(monkeypatch) -> None:
    monkeypatch.setitem(connections["default"].settings_dict, "PORT", 1)
    assert APIClient().get("/livez", HTTP_HOST="10.1.2.3:8000").status_code == 200


def test_readiness_says_how_each_part_is() -> None:
    assert readiness() == (200, {"writer": "ok", "reader": "ok", "broker": "ok"})


def test_a_lost_writer_makes_the_task_unready_and_is_named(monkeypatch) -> None:
    monkeypatch.setitem(connections["default"].settings_dict, "PORT", 1)
    assert readiness() == (503, {"writer": "OperationalError", "reader": "ok", "broker": "ok"})


def test_a_lost_reader_is_named_but_the_task_serves_from_the_writer(monkeypatch) -> None:
    monkeypatch.setitem(connections["reader"].settings_dict, "PORT", 1)
    assert readiness() == (200, {"writer": "ok", "reader": "OperationalError", "broker": "ok"})


def test_a_lost_broker_makes_the_task_unready_and_is_named(stop_server) -> None:
    stop_server("broker")
    assert readiness() == (503, {"writer": "ok", "reader": "ok", "broker": "ConnectionError"})


def test_what_all_tasks_share_makes_none_unready_that_has_served(stop_server) -> None:
    assert readiness()[0] == 200
    stop_server("broker")
    assert readiness() == (200, {"writer": "ok", "reader": "ok", "broker": "ConnectionError"})


def test_a_task_that_lost_its_own_pool_is_unready(monkeypatch) -> None:
    assert readiness()[0] == 200
    monkeypatch.setitem(connections["default"].settings_dict, "PORT", 1)
    assert readiness()[0] == 503


def test_an_answer_comes_in_time_even_when_a_part_hangs(monkeypatch, silent_server: int) -> None:
    monkeypatch.setitem(connections["reader"].settings_dict, "PORT", silent_server)
    status, parts = readiness()
    assert (status, parts["writer"]) == (200, "ok")
    assert parts["reader"].startswith("no answer within")


def test_an_unknown_host_is_refused_everywhere_else() -> None:
    assert APIClient().get("/", HTTP_HOST="evil.example.com").status_code == 400


@pytest.mark.parametrize(
    ("path", "host", "status"),
    [("/readyz", "10.1.2.3:8000", 200), ("/login/", "testserver", 200), ("/api/v1/receipts/", "testserver", 401),
     ("/nowhere", "testserver", 404), ("/", "evil.example.com", 400)],
)  # fmt: skip
def test_every_answer_says_which_release_it_is_from(path: str, host: str, status: int) -> None:
    answer = APIClient().get(path, HTTP_HOST=host)
    assert (answer.status_code, answer.headers["X-Release"]) == (status, "0123456789abcdef" * 4)


def test_outside_of_the_platform_nothing_is_said(settings) -> None:
    settings.RELEASE = None
    assert "X-Release" not in APIClient().get("/livez").headers
