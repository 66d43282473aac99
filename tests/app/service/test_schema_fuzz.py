"""schemathesis against gunicorn: no answer that is ours to be ashamed of, and none that the schema does not describe.

`--fuzz-examples 500` for the thorough run; few by default, as each operation is called that often in each phase.
`--fuzz-paths analytics` for some operations only.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from postgres_server import free_port
from support import png, read_receipt, receipt

from accounts.models import SUPPORT, User
from analytics.models import Budget, BudgetAlert
from receipts.models import BulkUpload, RememberedCorrection
from receipts.states import State

HERE = Path(__file__).parent
APP = HERE.parents[2] / "app_src"
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance,missing_required_header,unsupported_method,allow_header_conformance,"
    "use_after_free,ensure_resource_availability,ignored_auth"
)
"""All but two. `positive_data_acceptance` takes every rule beyond the schema (a weak password, an end before its start)
for a fault, `negative_data_rejection` every parameter that is left empty."""


@pytest.fixture
def people(transactional_db: None, bucket: str) -> dict[str, str]:
    """The two that the hooks log in as; one of them has receipts in every state, and is of the support staff."""
    leaving = User.objects.create_user("leaving@example.com", "correct horse battery")
    staying = User.objects.create_user("staying@example.com", "correct horse battery")
    group, _ = Group.objects.get_or_create(name=SUPPORT)
    staying.groups.add(group)
    made = [receipt(staying, state=state, body=png()) for state in State if state != State.EXTRACTED]
    made += [read_receipt(staying) for _ in range(25)]
    budget = Budget.objects.create(user=staying, category="food", currency="EUR", monthly_amount="10.00")
    alert = BudgetAlert.objects.create(
        user=staying, budget=budget, month="2026-03-01", level=80, spent="9.00", monthly_amount="10.00"
    )
    ids = {
        "/receipts/": [str(each.id) for each in made],
        "/bulk-uploads/": [str(BulkUpload.objects.create(user=staying).id)],
        "/remembered/": [str(RememberedCorrection.objects.create(user=staying, printed="A", merchant="B").id)],
        "/budgets/": [str(budget.id)],
        "/alerts/": [str(alert.id)],
    }
    return {"FUZZ_USER": str(leaving.id), "FUZZ_IDS": json.dumps(ids)}


@pytest.fixture
def server(people: dict[str, str], tmp_path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """gunicorn on the test's database. Yields its address and its environment."""
    from django.conf import settings

    port = free_port()
    name = str(connection.settings_dict["NAME"])
    environment = {
        **os.environ,
        **people,
        "DATABASE_NAME": name,
        "DATABASE_READER_NAME": name,
        "RECEIPTS_KMS_KEY_ID": settings.RECEIPTS_KMS_KEY_ID,
        "SCRATCH_DIR": str(tmp_path),
        "PORT": str(port),
        "BIND_ADDRESS": "127.0.0.1",
        "WEB_WORKERS": "1",
        "WEB_THREADS": "4",
        "WEB_WAIT_SECONDS": "60",
        "WEB_ARRIVAL_SECONDS": "60",
        "LOG_LEVEL": "ERROR",
    }
    log = (tmp_path / "log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "--config", "gunicorn.conf.py", "spendsmart.wsgi"],
        cwd=APP, env=environment, stdout=log, stderr=log,
    )  # fmt: skip
    address = f"http://localhost:{port}"
    try:
        deadline = time.monotonic() + 60
        while not _answers(f"{address}/livez"):
            assert process.poll() is None and time.monotonic() < deadline, (tmp_path / "log").read_text()
            time.sleep(0.1)
        yield address, environment
    finally:
        process.terminate()
        process.wait(60)
        log.close()


def _answers(url: str) -> bool:
    try:
        return bool(urllib.request.urlopen(url, timeout=5).status == 200)  # noqa: S310
    except (urllib.error.URLError, OSError):
        return False


@pytest.mark.timeout(7200)
def test_no_server_error_and_no_answer_outside_of_the_schema(
    server: tuple[str, dict[str, str]], tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    address, environment = server
    report, schema = tmp_path / "report.json", tmp_path / "schema.json"
    # schemathesis waits ten seconds for it; to put it together may take a busy machine longer.
    schema.write_bytes(urllib.request.urlopen(f"{address}/api/schema/?format=json", timeout=120).read())  # noqa: S310
    paths = pytestconfig.getoption("--fuzz-paths")
    run = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", "run", str(schema), "--url", address,
         "--phases", "examples,coverage,fuzzing,stateful", "--checks", CHECKS, "--continue-on-failure",
         "--max-examples", str(pytestconfig.getoption("--fuzz-examples")), "--generation-database", "none",
         "--no-color", "--suppress-health-check", "all", "--request-timeout", "60",
         "--report", "json", "--report-json-path", str(report), *(["--include-path-regex", paths] if paths else [])],
        env={**environment, "SCHEMATHESIS_HOOKS": "fuzz_hooks", "PYTHONPATH": f"{HERE}:{APP}"},
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    print(run.stdout)
    assert run.returncode == 0, run.stdout[-20_000:] + run.stderr[-2_000:]
    if not paths:
        _was_worth_it(json.loads(report.read_text()))


def _was_worth_it(report: dict[str, Any]) -> None:
    """A run that is refused everywhere finds nothing: most operations have to have succeeded."""
    assert report["complete"]
    assert report["operations"]["tested"] == report["operations"]["total"] > 20
    never = [
        name
        for name, phases in report["valid_rates"].items()
        if not any(phase["accepted"] for phase in phases.values())
    ]
    # Nobody guesses a password, and what was deleted on the way is not found.
    assert len(never) <= len(report["valid_rates"]) / 4, never
