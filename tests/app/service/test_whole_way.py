"""PgBouncer, web, worker and beat as the task definitions start them, and one receipt through all of them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx2
import pytest
from postgres_server import as_user, free_port

REPOSITORY = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.skipif(
    shutil.which("pgbouncer", path=os.environ.get("PATH", "") + ":/usr/sbin") is None, reason="pgbouncer not installed"
)
APP, RECEIPT = REPOSITORY / "app_src", REPOSITORY / "docs" / "demo-receipt.png"


class Container:
    """One command with a scratch folder of its own; its log is what it printed."""

    def __init__(self, folder: Path, *command: str, prefix: Sequence[str] = (), **variables: str) -> None:
        self.scratch = folder
        folder.mkdir()
        environment = {**os.environ, "LOG_LEVEL": "INFO", "SCRATCH_DIR": str(folder), **variables}
        with (folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [*prefix, sys.executable, "-m", *command], cwd=APP, env=environment, stdout=log, stderr=log
            )

    def lines(self) -> list[dict[str, Any]]:
        """Every line that is a JSON object; Celery greets in plain words."""
        return [json.loads(line) for line in (self.scratch / "log").read_text().splitlines() if line.startswith("{")]

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


def until(condition: Callable[[], object], patience: float = 40) -> None:
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.fixture(scope="module")
def containers(bucket: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Container]]:
    from django.conf import settings

    folder = tmp_path_factory.mktemp("containers")
    migration = subprocess.run(
        [sys.executable, "manage.py", "migrate", "--noinput"], cwd=APP, env=dict(os.environ), check=False,
        capture_output=True, text=True,
    )  # fmt: skip
    assert migration.returncode == 0, migration.stderr

    server, port, web_port = os.environ["DATABASE_PORT"], str(free_port()), str(free_port())
    pooler = {
        "PGBOUNCER_ADDRESS": "127.0.0.1", "PGBOUNCER_PORT": port, "MAX_CLIENT_CONNECTIONS": "50",
        "STATEMENT_SECONDS": "60",
        "WRITER_HOST": "127.0.0.1", "WRITER_PORT": server, "WRITER_POOL_SIZE": "2",
        "READER_HOST": "127.0.0.1", "READER_PORT": server, "READER_POOL_SIZE": "2",
    }  # fmt: skip
    common = {
        "RECEIPTS_KMS_KEY_ID": settings.RECEIPTS_KMS_KEY_ID, "WORKER_CONCURRENCY": "1",
        "WORKER_MEMORY_MIB": "1200", "DATABASE_SSLMODE": "disable",
        "DATABASE_PORT": port, "DATABASE_READER_NAME": "spendsmart_reader",
    }  # fmt: skip
    web = {
        "PORT": web_port, "BIND_ADDRESS": "127.0.0.1", "WEB_WORKERS": "1", "WEB_THREADS": "2",
        "WEB_WAIT_SECONDS": "60", "WEB_ARRIVAL_SECONDS": "60",
    }  # fmt: skip
    started = {
        "pgbouncer": Container(folder / "pgbouncer", "pgbouncer_sidecar", prefix=as_user(10001), **pooler),
        "web": Container(
            folder / "web", "gunicorn", "--config", "gunicorn.conf.py", "spendsmart.wsgi", **common, **web
        ),
        "worker": Container(folder / "worker", "spendsmart.worker", **common),
        "beat": Container(folder / "beat", "spendsmart.beat", **common),
    }
    started["web"].url = f"http://127.0.0.1:{web_port}"
    try:
        yield started
    finally:
        for container in started.values():
            if container.process.poll() is None:
                container.process.kill()
                container.process.wait()


@pytest.fixture(scope="module")
def client(containers: dict[str, Container]) -> Iterator[httpx2.Client]:
    with httpx2.Client(
        base_url=containers["web"].url, headers={"Host": "localhost"}, trust_env=False, timeout=60
    ) as client:
        until(lambda: _answers(client, "/readyz"))
        yield client


def _answers(client: httpx2.Client, path: str) -> bool:
    try:
        return bool(client.get(path).status_code == 200)
    except httpx2.TransportError:
        return False


def test_a_receipt_goes_all_the_way(client: httpx2.Client) -> None:
    login = {"email": "whole@example.com", "password": "correct horse battery"}
    assert client.post("/api/v1/auth/register/", json=login).status_code == 201
    token = client.post("/api/v1/auth/login/", json=login).json()["access"]
    client.headers["Authorization"] = f"Bearer {token}"

    image = RECEIPT.read_bytes()
    made = client.post("/api/v1/receipts/", json={"content_type": "image/png", "size": len(image)}).json()
    form = made["upload"]
    stored = httpx2.post(form["url"], data=form["fields"], files={"file": image}, trust_env=False)
    assert stored.status_code in {200, 201, 204}
    assert client.post(f"/api/v1/receipts/{made['id']}/complete/").status_code == 202

    address = f"/api/v1/receipts/{made['id']}/"
    until(lambda: client.get(address).json()["state"] in {"extracted", "needs_review", "failed", "rejected"})
    receipt = client.get(address).json()
    assert (receipt["state"], receipt["engine"]) == ("extracted", "local"), receipt["reason"]
    month = client.get("/api/v1/analytics/month/").json()
    assert client.get("/readyz").json()["parts"] == {"writer": "ok", "reader": "ok", "broker": "ok"}
    assert month["results"][0] | {"tax": None} == {
        "month": receipt["purchased_on"][:8] + "01",
        "currency": receipt["currency"],
        "total": receipt["total"],
        "tax": None,
        "receipts": 1,
    }


@pytest.mark.parametrize("name", ["worker", "beat"])
def test_the_heartbeat_is_kept_fresh(client: httpx2.Client, containers: dict[str, Container], name: str) -> None:
    heartbeat = containers[name].scratch / "heartbeat"
    until(heartbeat.exists)
    began = heartbeat.stat().st_mtime
    until(lambda: heartbeat.stat().st_mtime > began, patience=20)


def test_beat_publishes_the_backlog(client: httpx2.Client, containers: dict[str, Container]) -> None:
    until(lambda: any("BacklogPerTask" in line for line in containers["beat"].lines()))
    metrics = [line for line in containers["beat"].lines() if "_aws" in line]
    assert {line.get("Queue") for line in metrics if "OldestSeconds" in line} == {"interactive", "default", "bulk"}


def test_a_task_logs_the_request_that_caused_it(client: httpx2.Client, containers: dict[str, Container]) -> None:
    read = [line for line in containers["worker"].lines() if line.get("event") == "receipt_read"]
    completed = [
        line for line in containers["web"].lines()
        if line.get("event") == "request_finished" and "complete" in line["request"]
    ]  # fmt: skip
    assert [line["request_id"] for line in read] == [line["request_id"] for line in completed]
    assert read[0]["state"] == "extracted"


def test_a_bulk_upload_goes_all_the_way_is_found_and_exported(
    client: httpx2.Client, containers: dict[str, Container]
) -> None:
    image = RECEIPT.read_bytes()
    files = [{"file_name": f"{n}.png", "content_type": "image/png", "size": len(image)} for n in range(2)]
    bulk = client.post("/api/v1/bulk-uploads/", json={"name": "March", "files": files}).json()
    ids = [receipt["id"] for receipt in bulk["receipts"]]
    for receipt in bulk["receipts"]:
        form = receipt["upload"]
        httpx2.post(form["url"], data=form["fields"], files={"file": image}, trust_env=False).raise_for_status()
    address = f"/api/v1/bulk-uploads/{bulk['id']}/"
    assert client.post(f"{address}complete/", json={"receipts": ids}).json()["accepted"] == ids
    until(lambda: client.get(address).json()["done"] == 2)
    merchant = client.get(f"/api/v1/receipts/{ids[0]}/").json()["merchant"]
    until(lambda: len(client.get("/api/v1/receipts/search/", params={"q": merchant}).json()["results"]) == 3)
    exported = client.get("/api/v1/receipts/export/", params={"bulk_upload": bulk["id"]}).text
    assert exported.count("\r\n") == 3 and all(receipt_id in exported for receipt_id in ids)

    complete = [
        line for line in containers["web"].lines()
        if line.get("event") == "request_finished" and f"{bulk['id']}/complete" in line["request"]
    ]  # fmt: skip
    read = [line for line in containers["worker"].lines() if line.get("event") == "receipt_read"]
    assert {line["receipt"] for line in read if line["request_id"] == complete[0]["request_id"]} == set(ids)


def test_no_line_says_what_is_nobodys_business(client: httpx2.Client, containers: dict[str, Container]) -> None:
    client.get("/api/v1/receipts/search/", params={"q": "whole@example.com 4111 1111 1111 1111"})
    logs = "".join((container.scratch / "log").read_text() for container in containers.values())
    assert "search/?q=[removed]" in logs
    secrets = ("whole@example", "whole%40", "4111", "correct horse", client.headers["Authorization"][7:], "X-Amz-Sig")
    assert [secret for secret in secrets if secret in logs] == []


def test_a_stop_signal_ends_each_of_them_in_good_order(client: httpx2.Client, containers: dict[str, Container]) -> None:
    for name in ("web", "worker", "beat"):
        assert containers[name].stop() == 0, name
