"""What a run has used of what is allowed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from audit.access.__main__ import main
from audit.access.report import AccessReport, access_report
from audit.access.settings import Settings
from audit.access.use import Call, Use, UseError, load_calls, use
from tests.audit.estates import resource, small

ROLE = "App-Role-ABC123"


@pytest.fixture(scope="module")
def report() -> AccessReport:
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ecs-tasks.amazonaws.com"}}
    own = {
        "Effect": "Allow",
        "Action": ["s3:GetObject", "s3:PutObject", "s3:Delete*"],
        "Resource": {"Fn::Sub": "${Bucket.Arn}/*"},
    }
    role = resource(
        "AWS::IAM::Role",
        AssumeRolePolicyDocument={"Statement": [trust]},
        Policies=[{"PolicyName": "own", "PolicyDocument": {"Statement": [own]}}],
    )
    return access_report([small(Role=role, Bucket=resource("AWS::S3::Bucket"))], Settings(production=("prod",)))


def call(action: str, on: str = "arn:aws:s3:::app-bucket-xyz/receipts/*", **more: Any) -> Call:
    return Call(**({"role": ROLE, "action": action, "resource": on, "allowed": True} | more))


def used(report: AccessReport, *calls: Call) -> Use:
    return next(one for one in use(report.principals, calls) if one.path == "App/Role")


def test_what_was_not_used_is_a_candidate(report: AccessReport) -> None:
    found = used(report, call("s3:GetObject"))
    assert (found.ran, found.used) == (True, ("s3:GetObject",))
    (one,) = found.unused
    assert one.actions == ("s3:PutObject", "s3:Delete*")


def test_a_pattern_is_used_by_any_of_its_actions(report: AccessReport) -> None:
    found = used(report, call("s3:GetObject"), call("s3:PutObject"), call("s3:DeleteObjectVersion"))
    assert found.unused == ()


def test_use_of_something_else_does_not_count(report: AccessReport) -> None:
    found = used(report, call("s3:GetObject", "arn:aws:s3:::another/*"))
    assert "s3:GetObject" in found.unused[0].actions
    assert found.beyond == ("s3:GetObject on arn:aws:s3:::another/*",)


def test_refused_calls_are_told(report: AccessReport) -> None:
    found = used(report, call("s3:ListBucket", "arn:aws:s3:::app-bucket-xyz", allowed=False))
    assert found.refused == ("s3:ListBucket on arn:aws:s3:::app-bucket-xyz",)
    assert found.used == ()


@pytest.mark.parametrize(
    ("resource_type", "action", "on"),
    [
        ("AWS::SecretsManager::Secret", "secretsmanager:GetSecretValue", "secretsmanager:eu-west-1:1:secret:Own-a1-b2"),
        (
            "AWS::SecretsManager::Secret",
            "secretsmanager:GetSecretValue",
            "secretsmanager:eu-west-1:1:secret:App-Own-a1",
        ),
        (
            "AWS::Logs::LogGroup",
            "logs:PutLogEvents",
            "logs:eu-west-1:1:log-group:/aws/cloudformation/App/Own:log-stream:*",
        ),
    ],
)
def test_a_name_that_is_made_up_has_the_logical_id_in_it(resource_type: str, action: str, on: str) -> None:
    attribute = {"Fn::GetAtt": ["Own", "Arn"]} if "Logs" in resource_type else {"Ref": "Own"}
    statement = {"Effect": "Allow", "Action": action, "Resource": attribute}
    role = resource(
        "AWS::IAM::Role",
        AssumeRolePolicyDocument={"Statement": []},
        Policies=[{"PolicyName": "own", "PolicyDocument": {"Statement": [statement]}}],
    )
    estate = small(Role=role, Own=resource(resource_type), Other=resource(resource_type))
    report = access_report([estate], Settings(production=("prod",)))
    permission = next(one for one in report.principals if one.path == "App/Role").permissions[0].resource
    deployed = "arn:aws:" + on.replace("eu-west-1:1", ":".join(permission.split(":")[3:5]))
    assert used(report, call(action, deployed)).beyond == ()
    assert used(report, call(action, deployed.replace("Own", "Other"))).beyond


def test_who_made_no_call_did_not_run(report: AccessReport) -> None:
    assert not used(report, call("s3:GetObject", role="Other-Role-1")).ran


def test_a_name_that_was_cut_is_found(report: AccessReport) -> None:
    assert used(report, call("s3:GetObject", role="App-Ro-ABC123")).ran


def test_a_record_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UseError, match="make up"):
        load_calls(tmp_path / "none")
    file = tmp_path / "calls.jsonl"
    file.write_text('{"role": "a"}\n')
    with pytest.raises(UseError, match=r"calls\.jsonl:1"):
        load_calls(file)


def test_the_command_fails_on_a_refused_call(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    role = resource("AWS::IAM::Role", AssumeRolePolicyDocument={"Statement": []})
    template = tmp_path / "App.template.json"
    template.write_text(json.dumps({"Resources": {"Role": role}}))
    record = tmp_path / "calls.jsonl"
    record.write_text(json.dumps(vars(call("s3:GetObject", role="App-Role-1", allowed=False))) + "\n")
    settings = tmp_path / "access.toml"
    settings.write_text('production = ["prod"]\n')
    arguments = [str(template), "--settings", str(settings)]
    assert main(arguments) == 0
    assert main([*arguments, "--calls", str(record)]) == 1
    assert "REFUSED s3:GetObject" in capsys.readouterr().out


def test_a_role_of_somebody_else_is_left_out(report: AccessReport) -> None:
    assert not any(one.ran for one in use(report.principals, [call("s3:GetObject", role="administrator")]))
