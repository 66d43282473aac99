"""A plugin for pytest: the tests of an older release meet the schema that the newer one's migrations make.

NEW_APPLICATION is the newer release's app_src. Nothing of the older release's own migrations runs.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


def pytest_configure(config: pytest.Config) -> None:
    # Registered after pytest-django, whose fixture it replaces.
    config.pluginmanager.register(_NewSchema(), "new schema")


class _NewSchema:
    @pytest.fixture(scope="session")
    @classmethod
    def django_db_setup(cls, request: pytest.FixtureRequest, django_db_blocker: Any) -> None:
        request.getfixturevalue("django_db_modify_db_settings")  # the older release's servers run then
        from django.db import connections
        from django.db.backends.postgresql.operations import DatabaseOperations

        ours = connections["default"]
        name = f"test_{ours.settings_dict['NAME']}"
        with django_db_blocker.unblock():
            with ours._nodb_cursor() as cursor:
                cursor.execute(f'CREATE DATABASE "{name}"')
            _migrate(name)
            ours.settings_dict["NAME"] = name
            connections["reader"].creation.set_as_test_mirror(ours.settings_dict)
        # A test that commits empties its release's tables; there are newer ones that point to them.
        flush = DatabaseOperations.sql_flush
        DatabaseOperations.sql_flush = lambda self, style, tables, **given: flush(
            self, style, tables, **(given | {"allow_cascade": True})
        )


def _migrate(database: str) -> None:
    application = Path(os.environ["NEW_APPLICATION"])
    lines = (application / "build.env").read_text().splitlines()
    defaults = {name: value for name, _, value in (line.partition("=") for line in lines) if value and name[0] != "#"}
    done = subprocess.run(
        [sys.executable, "manage.py", "migrate", "--noinput", "--verbosity", "0"], cwd=application,
        env={**defaults, **os.environ, "DATABASE_NAME": database}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        pytest.exit(f"the newer release's migrations failed:\n{done.stderr[-4000:]}", returncode=3)
