"""The static files as the image has them: collected as the Dockerfile does, served from there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

APP = Path(__file__).resolve().parents[3] / "app_src"
RENDER = """
import django
django.setup()
from django.test import Client
from django.urls import reverse
client = Client(headers={"host": "localhost"})
for page in ("/", "/login/", "/admin/login/"):
    answer = client.get(page)
    print(page, answer.status_code, answer.content.decode())
print("HEADERS", client.get("%s").headers["Cache-Control"])
"""


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The application's folder after the Dockerfile's own command."""
    folder = tmp_path_factory.mktemp("image") / "app"
    shutil.copytree(APP, folder, ignore=shutil.ignore_patterns("__pycache__"))
    run(folder, "python manage.py collectstatic --noinput --verbosity 0")
    return folder


def run(folder: Path, command: str) -> str:
    dockerfile = (APP / "Dockerfile").read_text()
    assert "set -a && . ./build.env && set +a" in dockerfile
    assert "python manage.py collectstatic --noinput --verbosity 0" in dockerfile
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-c", f"set -a && . ./build.env && set +a && {command}"],
        cwd=folder, env={"PATH": path, "DJANGO_SETTINGS_MODULE": "spendsmart.settings"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_pages_name_collected_files_by_their_content(image: Path) -> None:
    style = next((image / "static" / "pages").glob("style.*.css")).name
    shown = run(image, f"python -c '{RENDER % f'/static/pages/{style}'}'")
    assert re.findall(r"^(/\S*) (\d+)", shown, re.MULTILINE) == [
        ("/", "200"), ("/login/", "200"), ("/admin/login/", "200")
    ]  # fmt: skip
    assert f"/static/pages/{style}" in shown
    assert re.search(r"/static/admin/css/base\.[0-9a-f]{12}\.css", shown)
    assert "immutable" in shown[shown.index("HEADERS") :]


def test_scripts_import_each_other_by_their_collected_names(image: Path) -> None:
    script = next((image / "static" / "pages").glob("inbox.*.js")).read_text()
    imported = re.search(r'from "\./(server\.[0-9a-f]{12}\.js)"', script)
    assert imported and (image / "static" / "pages" / imported[1]).is_file()
