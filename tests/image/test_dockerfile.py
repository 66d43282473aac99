"""The Dockerfile as text: the linter's opinion, and the promises that a build does not show."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
APP = REPOSITORY / "app_src"
TEXT = (APP / "Dockerfile").read_text(encoding="utf-8")
INSTRUCTIONS = re.sub(r"\\\n", " ", re.sub(r"^\s*#.*\n", "", TEXT, flags=re.MULTILINE)).splitlines()
FINAL = INSTRUCTIONS[max(n for n, line in enumerate(INSTRUCTIONS) if line.startswith("FROM ")) :]


def hadolint(path: Path) -> subprocess.CompletedProcess[str]:
    program = shutil.which("hadolint") or str(Path(sys.executable).parent / "hadolint")
    return subprocess.run([program, path], capture_output=True, text=True, check=False)


def test_the_linter_has_nothing_to_say(tmp_path: Path) -> None:
    assert hadolint(APP / "Dockerfile").stdout == ""
    worse = tmp_path / "Dockerfile"
    worse.write_text(TEXT.replace("WORKDIR /app", "WORKDIR app"))
    assert "DL3000" in hadolint(worse).stdout


def test_every_stage_stands_on_the_one_base() -> None:
    stages = [line.split() for line in INSTRUCTIONS if line.startswith("FROM ")]
    names = {words[3] for words in stages if len(words) > 3}
    assert {words[1] for words in stages} - names == {"${BASE_IMAGE}"}
    assert any(line.startswith("ARG BASE_IMAGE=python:3.11") for line in INSTRUCTIONS)


def test_it_ends_as_nobody_and_opens_nothing() -> None:
    assert [line for line in FINAL if line.startswith("USER ")] == ["USER 10001:10001"]
    assert not [line for line in INSTRUCTIONS if line.startswith(("EXPOSE ", "ADD ", "HEALTHCHECK "))]
    assert 'VOLUME ["/scratch"]' in FINAL


def test_pip_settings_stay_in_the_stage_that_is_thrown_away() -> None:
    stages = re.split(r"^FROM ", TEXT, flags=re.MULTILINE)
    with_pip_settings = [stage for stage in stages if re.search(r"^ARG PIP_", stage, re.MULTILINE)]
    assert [stage.split()[2] for stage in with_pip_settings] == ["packages"]
    assert "--require-hashes" in TEXT


@pytest.mark.parametrize("word", ["secret", "password", "token", "api_key"])
def test_no_variable_or_argument_is_a_secret(word: str) -> None:
    assert not [line for line in INSTRUCTIONS if line.startswith(("ENV ", "ARG ")) and word in line.lower()]


def test_the_build_settings_cover_every_variable_that_the_application_demands() -> None:
    """A new required variable that is missing in build.env would fail the image's build, minutes later."""
    lines = (APP / "build.env").read_text(encoding="utf-8").splitlines()
    ran = subprocess.run(
        [sys.executable, "-c", "from django.conf import settings; settings.INSTALLED_APPS"],
        cwd=APP,
        env=dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
        | {"DJANGO_SETTINGS_MODULE": "spendsmart.settings"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-800:]
