from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ENVIRONMENT
from django.db import connections
from rest_framework.test import APIClient

from spendsmart.environment import Environment

APP = Path(__file__).resolve().parents[3] / "app_src"


def test_liveness_needs_no_database_and_no_known_host() -> None:
    answer = APIClient().get("/livez", HTTP_HOST="10.1.2.3:8000")
    assert answer.status_code == 200


@pytest.mark.django_db(databases=["default", "reader"])
def test_readiness_says_how_each_part_is() -> None:
    answer = APIClient().get("/readyz", HTTP_HOST="10.1.2.3:8000")
    assert answer.status_code == 200, answer.json()
    assert answer.json()["parts"] == {"writer": "ok", "reader": "ok", "broker": "ok"}


@pytest.mark.django_db(databases=["default", "reader"], transaction=True)
def test_a_lost_writer_makes_the_task_unready_and_is_named(monkeypatch) -> None:
    monkeypatch.setitem(connections["default"].settings_dict, "PORT", 1)
    connections["default"].close()
    answer = APIClient().get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["parts"]["writer"] == "OperationalError"


def test_an_unknown_host_is_refused() -> None:
    assert APIClient().get("/", HTTP_HOST="evil.example.com").status_code == 400


def test_the_api_description_is_complete_and_served() -> None:
    assert APIClient().get("/api/schema/").status_code == 200
    page = APIClient().get("/api/docs/").content.decode()
    assert "swagger" in page
    assert "//cdn" not in page


def test_all_faulty_variables_are_named_at_once() -> None:
    env = Environment({"NUMBER": "many", "LEVEL": "LOUD", "SECRET": "short"})
    env.integer("NUMBER")
    env.one_of("LEVEL", "INFO", "DEBUG")
    env.secret("SECRET")
    env.text("NAME")
    env.names("LIST")
    with pytest.raises(Exception) as refusal:
        env.check()
    for name in (
        "NUMBER is 'many'",
        "LEVEL is 'LOUD'",
        "SECRET has 5 characters",
        "NAME is not set",
        "LIST is not set",
    ):
        assert name in str(refusal.value)


@pytest.mark.parametrize("name", [n for n in ENVIRONMENT if not n.startswith(("AWS_", "DJANGO_SETTINGS"))])
def test_the_program_does_not_start_without(name: str) -> None:
    variables = {k: v for k, v in {**os.environ, **ENVIRONMENT}.items() if k != name}
    ended = subprocess.run(
        [sys.executable, "-c", "import spendsmart.settings"], cwd=APP, env=variables, capture_output=True, text=True
    )
    assert ended.returncode != 0
    assert f"{name} is not set" in ended.stderr
