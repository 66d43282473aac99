"""What the emulator listens on, whom it takes for root, and what it says when it cannot start."""

from __future__ import annotations

import json
import os
import ssl
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import boto3
import psutil
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from localcloud import layout
from localcloud.emulator import environment

from .support import Emulator


def test_it_listens_on_one_port_of_the_loopback_interface(emulator: Emulator) -> None:
    assert emulator.process
    family = [psutil.Process(emulator.process.pid)]
    family += family[0].children(recursive=True)
    listening = {c.laddr for p in family for c in p.net_connections() if c.status == psutil.CONN_LISTEN}
    assert {(address.ip, address.port) for address in listening} == {(layout.LOOPBACK, emulator.port)}


@pytest.mark.parametrize("key", ["test", "123456789012", "000000000000", "AKIAIOSFODNN7EXAMPLE"])
def test_no_other_key_is_root(emulator: Emulator, key: str) -> None:
    stranger = emulator.client("rds", aws_access_key_id=key, aws_secret_access_key="test")
    with pytest.raises(ClientError, match="token included in the request is invalid"):
        stranger.describe_db_instances()


def test_the_root_key_needs_its_secret(emulator: Emulator) -> None:
    key = json.loads((emulator.home / "secrets" / "root.json").read_text())["access_key_id"]
    stranger = emulator.client("rds", aws_access_key_id=key, aws_secret_access_key="guessed")
    with pytest.raises(ClientError, match="signature"):
        stranger.describe_db_instances()


def test_an_unsigned_call_is_refused(emulator: Emulator) -> None:
    unsigned = boto3.client(
        "rds",
        region_name="us-east-1",
        endpoint_url=f"https://{layout.LOOPBACK}:{emulator.port}",
        verify=str(emulator.home / "tls" / "ca.pem"),
        config=Config(signature_version=UNSIGNED),
    )
    with pytest.raises(ClientError, match="Missing"):
        unsigned.describe_db_instances()


def test_an_unsigned_call_does_not_see_the_buckets(emulator: Emulator) -> None:
    assert _get(emulator, "/", "GET") == 403


def _get(emulator: Emulator, path: str, method: str, headers: dict[str, str] | None = None) -> int:
    request = urllib.request.Request(
        f"https://{layout.LOOPBACK}:{emulator.port}{path}", method=method, headers=headers or {}, data=b"{}"
    )
    context = ssl.create_default_context(cafile=str(emulator.home / "tls" / "ca.pem"))
    try:
        with urllib.request.urlopen(request, context=context, timeout=10) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


@pytest.mark.parametrize("path", ["/_ministack/reset", "/_ministack/config", "/_localcloud/ecs/report_task"])
def test_administration_is_closed(emulator: Emulator, path: str) -> None:
    assert _get(emulator, path, "POST") == 403


def test_secrets_are_readable_by_their_owner_only(emulator: Emulator) -> None:
    private = [emulator.home / "secrets" / "root.json", emulator.home / "tls" / "server.key"]
    assert [stat.S_IMODE(path.stat().st_mode) for path in private] == [0o600, 0o600]
    assert stat.S_IMODE((emulator.home / "emulator").stat().st_mode) == 0o700


def test_a_taken_port_is_named(emulator: Emulator) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "localcloud.emulator"],
        cwd=layout.REPOSITORY,
        env=emulator.environment,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert ended.returncode == 1
    assert f"port {emulator.port} is taken" in ended.stderr
    assert "LOCALCLOUD_BASE_PORT" in ended.stderr


def test_another_release_of_ministack_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "MINISTACK_VERSION", "1.5.32")
    with pytest.raises(environment.WrongMiniStackError, match=r"1\.5\.32"):
        environment.check_version()


def test_a_correction_of_something_gone_stops_the_start(tmp_path: Path) -> None:
    script = (
        "from localcloud.emulator import environment; environment.prepare();"
        "from ministack.services import ecs; del ecs._recount_cluster;"
        "from localcloud.emulator import handlers; handlers.install()"
    )
    with_home = {**os.environ, "LOCALCLOUD_HOME": str(tmp_path / "home"), "LOCALCLOUD_BASE_PORT": "33500"}
    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=layout.REPOSITORY, env=with_home, capture_output=True, text=True, timeout=60
    )
    assert "has no _recount_cluster to correct" in ended.stderr
