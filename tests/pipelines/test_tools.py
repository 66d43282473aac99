"""What buildspecs run: scanners' verdicts, the gate on ECR's scan, drift, the load's limits, the alarm watch."""

from __future__ import annotations

import importlib.util
import json
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from pipelines.tools import drift, evidence, inspect_image, load, scan, smoke
from pipelines.tools.client import UnexpectedAnswerError
from pipelines.tools.findings import Acceptance, AcceptanceError, Finding, Verdict, accepted, judge, report
from pipelines.tools.load import Answer, Limits
from pipelines.tools.stage import StageError

IMAGE = f"111111111111.dkr.ecr.us-east-1.amazonaws.com/spendsmart@sha256:{'a' * 64}"
FINDING = Finding(tool="ecr", id="CVE-1", where="openssl", text="HIGH")
ACCEPTANCE = Acceptance(
    tool="ecr", id="CVE-1", where="openssl", reason="not reachable from here", owner="me", expires=date(2027, 1, 1)
)
TODAY = date(2026, 12, 1)


def client(service: str) -> Any:
    return boto3.client(service, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")


def test_the_list_we_ship_is_accepted() -> None:
    assert accepted()


def test_an_acceptance_says_why_and_until_when(tmp_path: Path) -> None:
    path = tmp_path / "accepted.toml"
    path.write_text('[[finding]]\ntool="a"\nid="b"\nwhere="c"\nreason="so"\nowner="d"\nexpires=2027-01-01\n')
    with pytest.raises(AcceptanceError, match="needs a reason"):
        accepted(path)
    path.write_text('[[finding]]\ntool="a"\n')
    with pytest.raises(AcceptanceError, match="missing"):
        accepted(path)


def test_a_finding_fails_unless_somebody_answers_for_it() -> None:
    assert judge("ecr", [FINDING], [], today=TODAY).state == "failed"
    verdict = judge("ecr", [FINDING], [ACCEPTANCE], today=TODAY)
    assert (verdict.state, verdict.accepted) == ("passed", 1)


def test_an_acceptance_ends(tmp_path: Path) -> None:
    verdict = judge("ecr", [FINDING], [ACCEPTANCE], today=date(2027, 1, 2))
    assert verdict.state == "failed"
    assert "until 2027-01-01 only" in verdict.because[0]


def test_an_acceptance_of_nothing_fails() -> None:
    assert "not found any more" in judge("ecr", [], [ACCEPTANCE], today=TODAY).because[0]


def test_a_tool_that_did_not_run_has_not_passed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert report([Verdict(tool="pip-audit", state="not run", because=("no network",))], tmp_path / "summary.json")
    document = json.loads((tmp_path / "summary.json").read_text())
    assert (document["ok"], document["complete"]) == (True, False)
    assert "not run  pip-audit" in capsys.readouterr().out


@pytest.mark.parametrize(("strict", "state"), [(False, "not run"), (True, "failed")])
def test_a_scanner_that_is_not_there_is_not_run_or_fails(strict: bool, state: str) -> None:
    def missing() -> list[Finding]:
        raise scan.NotRunError("not installed")

    assert scan.verdict("bandit", missing, [], strict=strict).state == state


def test_planted_faults_are_found(tmp_path: Path) -> None:
    (tmp_path / "app_src").mkdir()
    (tmp_path / "app_src" / "bad.py").write_text('import hashlib, subprocess\nsubprocess.call("ls", shell=True)\n')
    (tmp_path / "app_src" / "Dockerfile").write_text("FROM python:latest\nWORKDIR app\n")
    (tmp_path / "key.txt").write_text("aws_access_key_id = AKIA" + "QYLPMN5HHHFPZAM2\n")
    for folder in scan.CODE[1:]:
        (tmp_path / folder).mkdir()
    assert [each.id for each in scan.secrets(tmp_path)] == ["AWS Access Key"]
    assert "DL3000" in [each.id for each in scan.dockerfile(tmp_path)]
    (tmp_path / "app_src" / "bad.py").write_text("import hashlib\nhashlib.md5(b'')\n")
    assert [each.where for each in scan.code(tmp_path)] == ["app_src/bad.py"]


def scanned(ecr: Any, *statuses: str, findings: list[dict[str, Any]] | None = None) -> Stubber:
    """An ECR whose scan goes through these states; the last one is asked for twice, with what was found."""
    stub = Stubber(ecr)
    for status in [*statuses, statuses[-1]]:
        if status == "NONE":
            stub.add_client_error("describe_image_scan_findings", "ScanNotFoundException")
            continue
        answer = {"imageScanStatus": {"status": status}, "imageScanFindings": {"findings": findings or []}}
        stub.add_response("describe_image_scan_findings", answer)
    stub.activate()
    return stub


def found(name: str, severity: str) -> dict[str, Any]:
    return {"name": name, "severity": severity, "attributes": [{"key": "package_name", "value": "openssl"}]}


def test_the_gate_waits_for_the_scan_and_keeps_critical_and_high() -> None:
    ecr, waited = client("ecr"), list[float]()
    every = [found("CVE-1", "CRITICAL"), found("CVE-2", "HIGH"), found("CVE-3", "MEDIUM")]
    with scanned(ecr, "NONE", "IN_PROGRESS", "COMPLETE", findings=every):
        severe = inspect_image.findings(ecr, IMAGE, sleep=waited.append)
    assert [(each.id, each.where) for each in severe] == [("CVE-1", "openssl"), ("CVE-2", "openssl")]
    assert len(waited) == 2


@pytest.mark.parametrize("status", ["FAILED", "UNSUPPORTED_IMAGE"])
def test_an_image_that_cannot_be_scanned_is_not_released(status: str) -> None:
    ecr = client("ecr")
    with scanned(ecr, status), pytest.raises(inspect_image.ScanError, match=status):
        inspect_image.findings(ecr, IMAGE)


def test_a_scan_that_does_not_end_fails_in_time() -> None:
    ecr = client("ecr")
    with scanned(ecr, "IN_PROGRESS"), pytest.raises(inspect_image.ScanError, match="still IN_PROGRESS"):
        inspect_image.findings(ecr, IMAGE, patience=0)


def test_a_tag_is_no_name_for_an_image() -> None:
    with pytest.raises(inspect_image.ScanError, match="by its digest"):
        inspect_image.findings(client("ecr"), "111111111111.dkr.ecr.us-east-1.amazonaws.com/spendsmart:latest")


def drifted(cloudformation: Any, status: str, *resources: tuple[str, str]) -> Stubber:
    stub = Stubber(cloudformation)
    stub.add_response("detect_stack_drift", {"StackDriftDetectionId": "1"})
    detection = {
        "StackId": "s",
        "StackDriftDetectionId": "1",
        "DetectionStatus": status,
        "Timestamp": "2026-12-01T00:00:00Z",
    }
    stub.add_response("describe_stack_drift_detection_status", detection)
    if status == "DETECTION_COMPLETE":
        drifts = [
            {
                "StackId": "s",
                "LogicalResourceId": kind.rpartition(":")[2],
                "ResourceType": kind,
                "StackResourceDriftStatus": state,
                "Timestamp": "2026-12-01T00:00:00Z",
            }
            for kind, state in resources
        ]
        stub.add_response("describe_stack_resource_drifts", {"StackResourceDrifts": drifts})
    stub.activate()
    return stub


def test_a_rollouts_weights_are_expected_and_a_deleted_rule_is_not() -> None:
    cloudformation, rule = client("cloudformation"), "AWS::ElasticLoadBalancingV2::ListenerRule"
    with drifted(
        cloudformation, "DETECTION_COMPLETE", (rule, "MODIFIED"), (rule, "DELETED"), ("AWS::S3::Bucket", "MODIFIED")
    ):
        differences = drift.of_stack(cloudformation, "s")
    assert [bool(each.expected) for each in differences] == [True, False, False]


def test_a_detection_that_fails_is_no_good_news() -> None:
    cloudformation = client("cloudformation")
    with drifted(cloudformation, "DETECTION_FAILED"), pytest.raises(StageError):
        drift.of_stack(cloudformation, "s")


LIMITS = Limits(requests_per_second=200, seconds=0.1, max_failed_percent=0, max_p95_ms=100)


def test_the_load_counts_every_request_and_every_failure() -> None:
    sent: list[int] = []

    def send(number: int) -> bool:
        sent.append(number)
        return number != 3

    figures, wrong = load.judge(load.steady(send, limits=LIMITS), LIMITS)
    assert sorted(sent) == list(range(20))
    assert figures["failed"] == 1
    assert wrong[0].startswith("failed_percent is 5.0")


def test_late_answers_are_too_much() -> None:
    _, wrong = load.judge([Answer(good=True, milliseconds=500)] * 20, LIMITS)
    assert wrong == ["p95_ms is 500, at most 100 was agreed"]


def test_what_comes_after_a_failed_check_is_not_run() -> None:
    def fail() -> None:
        raise UnexpectedAnswerError("503")

    results = smoke.run({"a": lambda: None, "b": fail, "c": lambda: None})
    assert [each["state"] for each in results] == ["passed", "failed", "not run"]


def test_evidence_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        evidence.keep("scan", tmp_path, bucket="b", commit="c")


def watch() -> ModuleType:
    path = Path(__file__).resolve().parents[2] / "pipelines" / "functions" / "watch_alarms.py"
    spec = importlib.util.spec_from_file_location("watch_alarms", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Alarms:
    """CloudWatch of two accounts in one: says the states, keeps the numbers."""

    def __init__(self, **states: str) -> None:
        self._states, self.published = states, list[float]()

    def describe_alarms(self, **_: object) -> dict[str, Any]:
        alarms = [{"AlarmName": name, "StateValue": value} for name, value in self._states.items()]
        return {"MetricAlarms": alarms, "CompositeAlarms": []}

    def put_metric_data(self, *, MetricData: list[dict[str, Any]], **_: object) -> None:  # noqa: N803  (boto3's name)
        self.published += [each["Value"] for each in MetricData]


@pytest.mark.parametrize(
    ("states", "red"), [({"a": "OK", "b": "OK"}, 0), ({"a": "OK", "b": "ALARM"}, 1), ({"a": "OK"}, 1), ({}, 2)]
)
def test_red_and_missing_alarms_are_counted(monkeypatch: pytest.MonkeyPatch, states: dict[str, str], red: int) -> None:
    module, alarms = watch(), Alarms(**states)
    monkeypatch.setattr(module, "_cloudwatch_of_stage", lambda: alarms)
    monkeypatch.setattr(module.boto3, "client", lambda *_, **__: alarms)
    for name, value in {"ALARMS": '["a", "b"]', "NAMESPACE": "n", "METRIC": "m"}.items():
        monkeypatch.setenv(name, value)
    module.handler({}, None)
    assert alarms.published == [red]
