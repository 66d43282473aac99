"""Faults of AWS meet the application and browsers, as often as asked for, and never the local cloud itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localcloud.emulator import faults
from localcloud.emulator.faults import Rule

S3 = Rule(service="s3", status=503, code="SlowDown")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LOCALCLOUD_HOME", str(tmp_path))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ROOT")
    yield
    faults.put([])


def call(key: str = "TASK", service: str = "s3", method: str = "GET", **headers: str) -> dict[str, Any]:
    signed = f"AWS4-HMAC-SHA256 Credential={key}/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host"
    told = {"authorization": signed} if key else {}
    return {
        "type": "http",
        "method": method,
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in (told | headers).items()],
    }


def test_without_rules_nothing_fails() -> None:
    assert faults.found(call()) is None


def test_a_rule_meets_its_service_and_methods_alone() -> None:
    faults.put([Rule(service="s3", status=503, methods=("GET",))])
    assert faults.found(call())
    assert faults.found(call(method="PUT")) is None
    assert faults.found(call(service="kms")) is None


def test_the_local_cloud_itself_is_spared() -> None:
    faults.put([S3])
    assert faults.found(call(key="ROOT")) is None


def test_forms_of_browsers_and_signed_addresses_are_met() -> None:
    faults.put([S3])
    form = call(key="", method="POST", **{"content-type": "multipart/form-data; boundary=x"})
    assert faults.found(form)
    address = call(key="") | {"query_string": b"X-Amz-Credential=TASK%2F20260101%2Fus-east-1%2Fs3%2Faws4_request"}
    assert faults.found(address)


def test_a_share_is_a_share() -> None:
    faults.put([Rule(service="s3", status=503, share=0.5)])
    met = sum(faults.found(call()) is not None for _ in range(400))
    assert 120 < met < 280


def test_the_error_has_the_services_form() -> None:
    assert b"<Code>SlowDown</Code>" in faults.body(S3)[0]
    assert b'"__type": "AccessDeniedException"' in faults.body(Rule(service="kms", code="AccessDeniedException"))[0]
