"""Runs locust, and reads what it counted."""

from __future__ import annotations

import csv
import json
import os
import secrets
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx2

from localcloud import demo, layout
from localcloud.console import LocalCloudError

PROGRAM = layout.REPOSITORY / ".venv-load" / "bin" / "locust"
LOCUSTFILE = Path(__file__).with_name("locustfile.py")
ACCOUNTS = 8


@dataclass(frozen=True, kw_only=True)
class Account:
    email: str
    password: str
    access: str
    receipt: str


@dataclass(frozen=True, kw_only=True)
class Counted:
    """Of one run: requests per second, the share that failed, and milliseconds of the median and the slowest
    hundredth."""

    users: int
    requests: int
    failed: int
    per_second: float
    p50_ms: float
    p95_ms: float
    p99_ms: float


@contextmanager
def accounts(url: str) -> Iterator[Path]:
    """A file of logins, each with a receipt that was read."""
    made = []
    for _ in range(ACCOUNTS):
        login = demo.DemoUser(email=f"load-{secrets.token_hex(6)}@example.com", password=secrets.token_urlsafe(18))
        client = demo.Client(url, login)
        receipt = client.upload(demo.RECEIPT, content_type="image/png")
        client.wait(receipt, patience=300)
        with httpx2.Client(base_url=url, timeout=60) as http:
            given = {"email": login.email, "password": login.password}
            access = http.post("/api/v1/auth/login/", json=given).raise_for_status().json()["access"]
        made.append(Account(email=login.email, password=login.password, access=access, receipt=receipt))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "accounts.json"
        layout.write_private(path, json.dumps([asdict(account) for account in made]))
        yield path


def run(url: str, *, logins: Path, users: int, seconds: float, cores: Sequence[int] = ()) -> Counted:
    """Let so many users ask for so long, on these cores (any when empty). Raises LocalCloudError."""
    if not PROGRAM.exists():
        raise LocalCloudError("locust is not installed", remedy="run: scripts/load-tools")
    with tempfile.TemporaryDirectory() as folder:
        ended = subprocess.run(
            [
                *(("taskset", "--cpu-list", ",".join(map(str, cores))) if cores else ()),
                *(PROGRAM, "--locustfile", LOCUSTFILE, "--headless", "--only-summary", "--host", url),
                *("--users", str(users), "--spawn-rate", str(users), "--run-time", f"{int(seconds)}s"),
                *("--csv", f"{folder}/found", "--exit-code-on-error", "0"),
            ],
            env={**os.environ, "LOAD_ACCOUNTS": str(logins)},
            capture_output=True,
            text=True,
            check=False,
        )
        table = Path(folder) / "found_stats.csv"
        if ended.returncode or not table.exists():
            raise LocalCloudError(f"locust ended with {ended.returncode}: {ended.stderr.strip()[-500:]}")
        return counted(table.read_text(), users=users)


def counted(table: str, *, users: int) -> Counted:
    """From locust's table of statistics: its line over all requests. Raises LocalCloudError where nothing was asked."""
    line = next((row for row in csv.DictReader(table.splitlines()) if row["Name"] == "Aggregated"), None)
    if line is None or not int(line["Request Count"]):
        raise LocalCloudError("locust sent no request", remedy="run: make status")
    return Counted(
        users=users,
        requests=int(line["Request Count"]),
        failed=int(line["Failure Count"]),
        per_second=float(line["Requests/s"]),
        p50_ms=float(line["50%"]),
        p95_ms=float(line["95%"]),
        p99_ms=float(line["99%"]),
    )
