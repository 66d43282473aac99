"""Faults that somebody could plant are in the report, each with its resource and the line that made it."""

from __future__ import annotations

from pathlib import Path

import pytest

from audit.assembly import AuditError, load
from audit.model import Report, State
from audit.validation import PLUGINS, REPORT, read
from tests.audit.planted import SECRET

PLANTED = {
    "a public bucket": ("SpendSmart-BucketPrivate", "SpendSmart-Prod-Storage/PublicBucket"),
    "a group open to the world on 5432": ("SpendSmart-OpenToTheWorld", "SpendSmart-Prod-Network/OpenDatabase"),
    "an unencrypted replica": ("SpendSmart-ReplicaEncrypted", "SpendSmart-Prod-Data/UnencryptedReplica"),
    "any role may be passed": ("SpendSmart-PassRoleNamed", "SpendSmart-Prod-Data/PassAnyRole"),
    "a secret in the environment": ("SpendSmart-NoSecretInEnvironment", "SpendSmart-Prod-Data/SecretInEnvironment"),
    "a log group without retention": ("SpendSmart-LogGroupRetention", "SpendSmart-Prod-Data/LogsForever"),
    "a firewall that is not associated": (
        "SpendSmart-WafAssociated",
        "SpendSmart-Prod-Ingress/Public/LoadBalancer/Resource",
    ),
    "an acknowledgement that has expired": ("AcknowledgementExpired", "SpendSmart-Prod-Data/LogsForever"),
    "an acknowledgement whose finding is gone": ("AcknowledgementGone", "SpendSmart-Prod-Data/LogsForever"),
}


@pytest.mark.parametrize("fault", PLANTED)
def test_each_fault_is_in_the_report_with_its_resource(fault: str, report: Report) -> None:
    rule, path = PLANTED[fault]
    found = [one for one in report.failed if (one.rule, one.path) == (rule, path)]
    assert found, f"{fault} is not in the report"
    (resource,) = [one for one in report.resources if one.path == path]
    assert resource.line.startswith(("tests/audit/planted.py:", "infra/", "stacks/"))


def test_a_report_with_faults_does_not_hold(report: Report) -> None:
    assert not report.ok


def test_statements_about_planted_stores_break(report: Report) -> None:
    stores = {one.path: {statement.name: statement.state for statement in one.statements} for one in report.stores}
    assert stores["SpendSmart-Prod-Data/UnencryptedReplica"]["encryption"] is State.FAILED
    assert stores["SpendSmart-Prod-Data/LogsForever"]["retention"] is State.FAILED
    assert stores["SpendSmart-Prod-Storage/PublicBucket"]["transit"] is State.FAILED


def test_every_store_of_prod_is_classified_and_keeps_its_statements(report: Report) -> None:
    planted = {path for _, path in PLANTED.values()}
    assert report.faults == (
        "SpendSmart-Prod-Data/UnencryptedReplica: what it holds is not in config/tooling/data-stores.toml",
    )
    broken = [
        (store.path, statement.name)
        for store in report.stores
        for statement in store.statements
        if statement.state is State.FAILED and store.path not in planted
    ]
    assert not broken
    classes = {one.classification for one in report.stores}
    assert classes == {"personal", "secret", "operational", "copy of personal", "not classified"}


def test_what_is_acknowledged_says_who_why_and_until_when(report: Report) -> None:
    assert {one.tool for one in report.acknowledged} >= {"AwsSolutions", "SpendSmart", "CloudFormation Validate"}
    for one in report.acknowledged:
        assert one.acknowledgement
        assert one.acknowledgement.owner, f"{one.rule} at {one.path}"
        assert one.acknowledgement.expires
        assert len(one.acknowledgement.reason) >= 40


def test_the_secret_itself_is_in_no_message(report: Report) -> None:
    assert not [one for one in report.findings if SECRET in one.message or SECRET in one.detail]


def test_a_pack_that_was_not_asked_is_not_run(assembly: Path, tmp_path: Path) -> None:
    """Its absence from the report looks the same as a clean result; the list of those asked tells them apart."""
    for file in assembly.iterdir():
        if file.is_file():
            (tmp_path / file.name).symlink_to(file)
    for name in (REPORT, PLUGINS):
        (tmp_path / name).unlink()
    (tmp_path / REPORT).write_text('{"pluginReports": []}')
    assert read(tmp_path, load(assembly)).asked == {}
    (tmp_path / PLUGINS).write_text('{"AwsSolutions": "3.0.2"}')
    assert read(tmp_path, load(assembly)).asked == {"AwsSolutions": "3.0.2"}
    (tmp_path / REPORT).unlink()
    with pytest.raises(AuditError, match="synthesize with validation"):
        read(tmp_path, load(assembly))


def test_an_acknowledgement_without_its_packs_name_is_a_fault(assembly: Path, tmp_path: Path) -> None:
    """cdk-nag leaves such a finding out of its report without a word."""
    for file in assembly.iterdir():
        if file.is_file():
            (tmp_path / file.name).symlink_to(file)
    metadata = '{"/S/Bucket": [{"type": "aws:cdk:acknowledged-rules", "data": {"AwsSolutions-S1": "why"}}]}'
    (tmp_path / "Silent.metadata.json").write_text(metadata)
    assert read(tmp_path, load(assembly)).silent == ("S/Bucket: AwsSolutions-S1",)
