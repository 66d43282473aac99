"""Versions are made of the application as it is, and do what their names say (in Django, without a platform)."""

from __future__ import annotations

import filecmp
import subprocess
import sys
from pathlib import Path

import pytest

from localcloud import layout
from localcloud.console import LocalCloudError
from localcloud.rollout.versions import PLANTED, VERSIONS, check_out

# Runs a version's middleware in front of a view, and prints the status codes of a few requests.
_TRY = """
import sys, time
import django
from django.conf import settings
settings.configure(SECRET_KEY="x" * 50, DATABASES={})
django.setup()
from django.http import HttpResponse
from django.test import RequestFactory
from spendsmart_rehearsed import Middleware

def view(request):
    time.sleep(0.02)
    return HttpResponse("ok")

answer = Middleware(view)
started = time.perf_counter()
codes = [answer(RequestFactory().get(path)).status_code for path in sys.argv[1:]]
print(*codes, round(time.perf_counter() - started, 2))
"""


def statuses(module: str, folder: Path, *paths: str) -> tuple[list[int], float]:
    (folder / "spendsmart_rehearsed.py").write_text((PLANTED / f"{module}.py").read_text())
    said = subprocess.run(
        [sys.executable, "-c", _TRY, *paths], cwd=folder, capture_output=True, text=True, check=True
    ).stdout.split()
    return [int(code) for code in said[:-1]], float(said[-1])


@pytest.mark.parametrize(
    ("module", "paths", "codes"),
    [
        ("good", ["/", "/readyz"], [200, 200]),
        ("errors", ["/"] * 10, [200, 200, 200, 200, 500] * 2),
        ("errors", ["/readyz"] * 10, [200] * 10),
        ("unready", ["/", "/readyz", "/livez"], [200, 503, 200]),
        ("no_login", ["/", "/login/", "/readyz", "/api/v1/auth/login/"], [200, 500, 200, 500]),
    ],
)
def test_a_version_does_what_it_says(module: str, paths: list[str], codes: list[int], tmp_path: Path) -> None:
    assert statuses(module, tmp_path, *paths)[0] == codes


def test_the_slow_version_takes_at_least_five_times_as_long_for_people_alone(tmp_path: Path) -> None:
    assert statuses("slow", tmp_path, *["/"] * 5)[1] >= 5 * 5 * 0.02


@pytest.mark.parametrize("name", VERSIONS)
def test_a_version_is_the_application_with_its_change_and_nothing_else(name: str, tmp_path: Path) -> None:
    version = VERSIONS[name]
    tree = check_out(version, env="dev", folder=tmp_path / "tree")
    changed = set(_differing(filecmp.dircmp(layout.REPOSITORY / "app_src", tree / "app_src")))
    expected = {"settings.py", "rehearsed.py"} if version.module else set()
    if version.migration:
        expected.add("9999_from_the_future.py")
    assert changed == expected
    for path in (tree / "app_src").rglob("*.py"):
        compile(path.read_text(), str(path), "exec")
    configured = (tree / "config" / "dev.toml").read_text() != (layout.REPOSITORY / "config" / "dev.toml").read_text()
    assert configured == bool(version.raises)


def _differing(compared: filecmp.dircmp[str]) -> list[str]:
    here = [name for name in compared.left_only if name != "__pycache__"]
    below = [name for each in compared.subdirs.values() for name in _differing(each)]
    return [*here, *compared.right_only, *compared.diff_files, *below]


def test_the_refused_migration_comes_after_the_last_one(tmp_path: Path) -> None:
    tree = check_out(VERSIONS["migration"], env="dev", folder=tmp_path / "tree")
    migrations = tree / "app_src" / "accounts" / "migrations"
    latest = sorted(path.stem for path in migrations.glob("0*.py"))[-1]
    assert f'LATEST = "{latest}"' in (migrations / "9999_from_the_future.py").read_text()


def test_a_source_that_is_not_complete_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(LocalCloudError, match=r"app\.py is missing"):
        check_out(None, env="dev", folder=tmp_path / "tree", source=tmp_path / "empty")
