"""A receipt's whole way through the deployed platform, and what must be refused on it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import httpx2
import pytest
from botocore.signers import CloudFrontSigner
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from localcloud import commands, demo, layout, outputs, strays
from tests.endtoend.conftest import localcloud

pytestmark = pytest.mark.endtoend


def _post(form: dict[str, object], body: bytes, *, content_type: str = "image/png", **changes: str) -> httpx2.Response:
    fields = {**form["fields"], **changes}  # type: ignore[dict-item]
    return httpx2.post(
        str(form["url"]),
        data=fields,
        files={"file": ("receipt", body, content_type)},
        verify=demo.trust(),
    )


def test_every_part_is_well(cloud: Path) -> None:
    answer = localcloud("status")
    assert answer.returncode == 0, answer.stdout
    assert "✗" not in answer.stdout
    for part in ("emulator", "dataplane", "runner", "metrics", "rds-", "elasticache-"):
        assert part in answer.stdout


def test_what_the_api_says_is_what_the_templates_say(cloud: Path) -> None:
    """Attribute by attribute, for every resource of every stack: nothing was dropped on the way."""
    read = subprocess.run(
        [sys.executable, "-m", "localcloud.readback", str(outputs.assembly())],
        capture_output=True,
        text=True,
        check=False,
    )
    assert read.returncode == 0, read.stdout + read.stderr
    assert read.stdout.strip().endswith("0 differences")


def test_a_receipts_trace_leads_from_the_load_balancer_to_the_worker(client: demo.Client) -> None:
    receipt = client.wait(client.upload(demo.RECEIPT, content_type="image/png"))
    wanted = (
        "load balancer  POST ",
        "spendsmart-web  POST api/v1/receipts/<uuid:pk>/complete/  status_code=202",
        "apply_async/receipts.tasks.extract",
        f"spendsmart-worker  run/receipts.tasks.extract  receipt={receipt['id']}",
        "S3.GetObject",
    )
    deadline = time.monotonic() + 60  # both processes send their spans every five seconds
    while not all(words in (said := localcloud("traces", str(receipt["id"]))).stdout for words in wanted):
        assert time.monotonic() < deadline, said.stdout + said.stderr
        time.sleep(1)


def test_a_receipt_is_read_and_counted(client: demo.Client) -> None:
    receipt = client.wait(client.upload(demo.RECEIPT, content_type="image/png"))
    assert receipt["state"] in {"extracted", "needs_review"}
    assert Decimal(receipt["total"]) > 0
    months = client.get("/api/v1/analytics/month/")
    stored = [r for r in client.receipts() if r["state"] in {"extracted", "needs_review"} and r["total"]]
    counted = sum(Decimal(row["total"]) for row in months["results"])
    assert counted == sum(Decimal(r["total"]) for r in stored)


def _fetched(url: str) -> httpx2.Response:
    return httpx2.get(url, verify=demo.trust(), timeout=10)


def _signed_until(url: str, moment: float) -> str:
    """The address, signed with the local cloud's own key as the application does it, but ending at `moment`."""
    path, _, query = url.partition("?")
    pem = (layout.folder("secrets") / "image-signing.pem").read_bytes()
    key = serialization.load_pem_private_key(pem, password=None)
    assert isinstance(key, rsa.RSAPrivateKey)
    signer = CloudFrontSigner(
        query.rpartition("=")[2],
        lambda message: key.sign(message, padding.PKCS1v15(), hashes.SHA1()),  # noqa: S303
    )
    return str(signer.generate_presigned_url(path, date_less_than=datetime.fromtimestamp(moment, UTC)))


def test_pictures_come_through_the_cdn_by_signed_addresses_alone(client: demo.Client, stranger: demo.Client) -> None:
    """Without what the camera wrote beside them; and no address opens an original, or another person's picture."""
    ids, found = {}, {}
    for who in (client, stranger):
        ids[who] = who.upload(demo.RECEIPT, content_type="image/png")
        who.wait(ids[who])
        found[who] = who.get(f"/api/v1/receipts/{ids[who]}/images/")
    mine, theirs = found[client], found[stranger]
    for name in ("thumbnail", "photo"):
        assert mine[name].startswith(f"https://localhost:{layout.ports().cdn}/receipts/")
        answer = _fetched(mine[name])
        assert (answer.status_code, answer.content[:3]) == (200, b"\xff\xd8\xff")
        assert answer.headers["content-type"] == "image/jpeg"
        assert _fetched(_signed_until(mine[name], time.time() + 60)).status_code == 200
        path, _, query = mine[name].partition("?")
        original = re.sub(r"/(thumbnails|photos)/(.*)\.jpg$", r"/\2", path)
        for refused in (
            path,
            _signed_until(mine[name], time.time() - 2),
            f"{mine[name]}0",
            f"{theirs[name].partition('?')[0]}?{query}",
            f"{original}?{query}",
            f"{original}?x=/thumbnails/x.jpg&{query}",
            f"{path.replace(path.rsplit('/', 2)[1], 'elsewhere')}?{query}",
        ):
            assert _fetched(refused).status_code == 403, refused
    assert stranger.raw("GET", f"/api/v1/receipts/{ids[client]}/images/").status_code == 404
    body = client.raw("GET", f"/api/v1/receipts/{ids[client]}/original/")
    assert (body.status_code, body.content) == (200, demo.RECEIPT.read_bytes())
    assert stranger.raw("GET", f"/api/v1/receipts/{ids[client]}/original/").status_code == 404
    client.raw("DELETE", f"/api/v1/receipts/{ids[client]}/")
    assert _fetched(mine["thumbnail"]).status_code in {403, 404}


def test_nobody_sees_anothers_receipt(client: demo.Client, stranger: demo.Client) -> None:
    receipt = client.upload(demo.RECEIPT, content_type="image/png")
    assert stranger.raw("GET", f"/api/v1/receipts/{receipt}/").status_code == 404
    assert stranger.raw("DELETE", f"/api/v1/receipts/{receipt}/").status_code == 404
    assert receipt not in {r["id"] for r in stranger.receipts()}


def test_s3_refuses_another_key_type_or_size(client: demo.Client) -> None:
    body = demo.RECEIPT.read_bytes()
    form = client.create(content_type="image/png", size=len(body))["upload"]
    assert _post(form, body, key="receipts/somebody/else").status_code == 403
    assert _post(form, body, **{"Content-Type": "text/html"}).status_code == 403
    assert _post(form, body + b"more than was announced" * 1000000).status_code in {400, 403, 413}
    assert _post(form, body).status_code in {200, 201, 204}


@pytest.mark.parametrize("content", [b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"\x89PNG\r\n\x1a\n not really"])
def test_what_is_no_image_is_rejected_with_a_reason(client: demo.Client, content: bytes, tmp_path: Path) -> None:
    fake = tmp_path / "fake.png"
    fake.write_bytes(content)
    receipt = client.wait(client.upload(fake, content_type="image/png"))
    assert receipt["state"] == "rejected"
    assert receipt["reason"]


_PARTS = {
    "emulator": r"localcloud\.emulator",
    "data plane": r"localcloud\.dataplane",
    "runner": r"localcloud\.runner",
    "metrics": r"localcloud\.metrics",
    "Envoy": r"envoy.*bootstrap",
    "PostgreSQL": r"postgres.* -D ",
    "Valkey": r"valkey-server",
    "PgBouncer": r"pgbouncer",
    "Gunicorn": r"gunicorn",
    "Celery worker": r"celery.* worker",
}


def _pids(pattern: str) -> list[int]:
    return sorted(p.pid for p in strays.find() if re.search(pattern, " ".join(p.cmdline())))


def _well_again(seconds: float) -> str:
    """Waits until every part is well and pages are served; returns the last complaint, empty when there is none."""
    deadline = time.monotonic() + seconds
    while True:
        status = localcloud("status")
        page = httpx2.get(commands.web_url() + "/readyz", timeout=10)
        if status.returncode == 0 and page.status_code == 200:
            return ""
        if time.monotonic() > deadline:
            return f"/readyz answers {page.status_code}\n{status.stdout}"
        time.sleep(0.5)


@pytest.mark.parametrize("part", _PARTS)
def test_any_part_is_well_again_after_a_kill(client: demo.Client, part: str) -> None:
    running = _pids(_PARTS[part])
    assert running, f"no process matches {_PARTS[part]}"
    os.kill(running[0], signal.SIGKILL)
    time.sleep(1)  # whoever supervises it has to notice first
    assert not _well_again(90)
    assert running[0] not in _pids(_PARTS[part])
    assert client.receipts()


def test_all_supervised_parts_may_die_one_after_the_other(client: demo.Client) -> None:
    for part in ("emulator", "data plane", "runner", "metrics"):
        os.kill(_pids(_PARTS[part])[0], signal.SIGKILL)
        time.sleep(2)
    assert not _well_again(120)
    assert client.receipts()


def test_a_power_cut_loses_nothing(client: demo.Client) -> None:
    """kill -9 of everything at once, then the same command again."""

    before = {r["id"] for r in client.receipts()}
    assert before
    for process in strays.find():
        process.kill()
    time.sleep(1)
    again = localcloud("up", "--env", "dev")
    assert again.returncode == 0, again.stdout + again.stderr
    assert before <= {r["id"] for r in client.receipts()}
