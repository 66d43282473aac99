"""The settings come from the environment, all of it, or the program does not start."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from surroundings import ENVIRONMENT

from spendsmart.environment import Environment

APP = Path(__file__).resolve().parents[3] / "app_src"
NOT_OURS = {"AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_CA_BUNDLE",
            "DJANGO_SETTINGS_MODULE"}  # fmt: skip
OPTIONAL = {"RELEASE"}
"""A server that somebody starts by hand is no release."""


def settings_with(monkeypatch: pytest.MonkeyPatch, **variables: str) -> dict[str, object]:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return runpy.run_path(str(APP / "spendsmart" / "settings.py"))


@pytest.mark.parametrize("name", sorted(set(ENVIRONMENT) - NOT_OURS - OPTIONAL))
def test_every_variable_is_needed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(name)
    with pytest.raises(ImproperlyConfigured, match=f"{name} is not set"):
        settings_with(monkeypatch)


def test_the_openai_engine_needs_its_key_and_the_local_one_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ImproperlyConfigured, match="OPENAI_API_KEY is not set"):
        settings_with(monkeypatch, EXTRACTION_ENGINE="openai")
    assert settings_with(monkeypatch, EXTRACTION_ENGINE="local")["OPENAI_API_KEY"] is None


def test_all_faulty_variables_are_named_at_once_with_what_would_be_accepted() -> None:
    env = Environment({"NUMBER": "many", "LEVEL": "LOUD", "SECRET": "short"})
    env.integer("NUMBER")
    env.one_of("LEVEL", "INFO", "DEBUG")
    env.secret("SECRET")
    env.text("NAME")
    env.names("LIST")
    with pytest.raises(ImproperlyConfigured) as refusal:
        env.check()
    assert str(refusal.value) == (
        "environment: NUMBER is 'many'; accepted: a whole number from 1; LEVEL is 'LOUD'; accepted: INFO or DEBUG; "
        "SECRET has 5 characters; at least 32 are needed; NAME is not set; LIST is not set"
    )


def test_a_secret_is_not_repeated_in_the_message() -> None:
    env = Environment({"SECRET": "hunter2"})
    env.secret("SECRET")
    with pytest.raises(ImproperlyConfigured) as refusal:
        env.check()
    assert "hunter2" not in str(refusal.value)


def test_the_program_ends_with_the_message() -> None:
    variables = {**os.environ, "ALLOWED_HOSTS": "localhost"}
    del variables["RECEIPTS_BUCKET"], variables["CACHE_PASSWORD"]
    ended = subprocess.run(
        [sys.executable, "manage.py", "check"], cwd=APP, env=variables, capture_output=True, text=True, check=False
    )
    assert ended.returncode != 0
    assert "RECEIPTS_BUCKET is not set; CACHE_PASSWORD is not set" in ended.stderr


@pytest.mark.parametrize(
    ("origins", "https"),
    [("https://a.example", True), ("http://alb.example", False), ("https://cdn.example,http://alb.example", False)],
)
def test_cookies_are_for_https_alone_where_there_is_nothing_else(
    origins: str, https: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = settings_with(monkeypatch, ALLOWED_ORIGINS=origins)
    assert found["SESSION_COOKIE_SECURE"] is found["CSRF_COOKIE_SECURE"] is https
    assert bool(found["SECURE_HSTS_SECONDS"]) is https


def test_there_is_no_debug_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings_with(monkeypatch, DEBUG="1", SPENDSMART_ENVIRONMENT="dev")["DEBUG"] is False
