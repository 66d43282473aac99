"""All checks at once: what cannot be checked says why and never raises; the table, the JSON and the exit code."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ConnectTimeoutError

from preflight.__main__ import main
from preflight.account import Answer, Status, check, command, report
from preflight.account.api import Account, UnansweredError
from preflight.account.asking import checks
from preflight.assembly import Assembly
from tests.preflight.account.cloud import HOME, NUMBER, SESSION, assembly, stack
from tests.preflight.account.test_account_identity import bootstrapped

EVERYTHING = (Path(__file__).parent / "everything.yaml").read_text()


def everything() -> Assembly:
    tools = stack("P: {Type: AWS::CodePipeline::Pipeline}", name="Tools", account="999999999999")
    return assembly(stack(EVERYTHING), bootstrapped("Bootstrapped"), tools)


class Broken:
    """A session whose clients know who they are, and get one and the same answer to everything else."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    def client(self, service: str, *, region_name: str, config: Config, **_: Any) -> Any:
        client = SESSION.client(service, region_name=region_name, config=config)
        client.meta.events.register("before-call", self._before_call)
        return client

    def _before_call(self, *, model: Any, **_: Any) -> Any:
        if model.name == "GetCallerIdentity":
            return SimpleNamespace(status_code=200), {"Account": NUMBER, "Arn": "arn:aws:iam::111122223333:user/reader"}
        if isinstance(self._answer, Exception):
            raise self._answer
        code, status = self._answer
        error = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}
        return SimpleNamespace(status_code=status), error


def ask(answer: Any) -> list[Answer]:
    session = Broken(answer)
    return check(everything(), session_for_region=lambda _: session)  # type: ignore[arg-type,return-value]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (("AccessDenied", 403), "the credentials may not call"),
        (("UnauthorizedOperation", 403), "the credentials may not call"),
        (("ThrottlingException", 400), "AWS throttled"),
        (("InvalidAction", 400), "InvalidAction"),
        (ConnectTimeoutError(endpoint_url="https://nowhere"), "https://nowhere"),
    ],
)
def test_every_check_says_why_it_could_not_be_made(answer: Any, why: str) -> None:
    answers = [given for given in ask(answer) if given.check != "identity"]
    assert {given.check for given in answers} == {known.id for known in checks()} - {"identity"}
    assert [given for given in answers if given.status is not Status.UNCHECKED] == []
    assert [given for given in answers if why not in given.detail] == []


def test_answers_that_make_no_sense_are_no_answers() -> None:
    """What an emulator makes up must not end the rest; a check may pass or fail on it, and never raises."""

    class Nonsense(Broken):
        def _before_call(self, *, model: Any, **more: Any) -> Any:
            if model.name == "GetCallerIdentity":
                return super()._before_call(model=model, **more)
            members = model.output_shape.members if model.output_shape else {}
            wrong: dict[str, Any] = {"list": [{}], "structure": {}, "map": {}, "string": "x"}
            body = {name: wrong.get(shape.type_name, 0) for name, shape in members.items() if "oken" not in name}
            body.pop("Marker", None)
            return SimpleNamespace(status_code=200), body

    session = Nonsense(None)
    answers = check(everything(), session_for_region=lambda _: session)  # type: ignore[arg-type,return-value]
    assert {given.check for given in answers} >= {"names", "quota-network", "database-classes"}
    assert any("not understood" in given.detail for given in answers)


def test_nobody_listens_there() -> None:
    began = time.monotonic()
    session = boto3.Session(aws_access_key_id="key", aws_secret_access_key="secret")
    answers = check(everything(), session_for_region=lambda _: session, endpoint_url="http://127.0.0.1:9")
    assert {given.status for given in answers} == {Status.UNCHECKED}
    assert time.monotonic() - began < 60


def test_without_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    session = boto3.Session()
    answers = check(everything(), session_for_region=lambda _: session)
    assert {given.status for given in answers} == {Status.UNCHECKED}
    assert "redentials" in answers[0].detail


def test_credentials_of_another_account_answer_nothing_else() -> None:
    session = Broken(("AccessDenied", 403))
    other = assembly(stack(EVERYTHING, account="444455556666"))
    first, *rest = check(other, session_for_region=lambda _: session)  # type: ignore[arg-type,return-value]
    assert (first.check, first.status) == ("identity", Status.FAIL)
    assert {given.check for given in rest} == {known.id for known in checks()} - {"identity"}
    assert {given.status for given in rest} == {Status.UNCHECKED}


def test_no_call_begins_after_the_time_is_up() -> None:
    account = Account(lambda _: Broken(("AccessDenied", 403)), seconds=-1)  # type: ignore[arg-type,return-value]
    with pytest.raises(UnansweredError, match="time"):
        account.ask("ec2", "DescribeVpcs", region=HOME)


def test_the_same_question_is_asked_once() -> None:
    asked = []

    class Counting(Broken):
        def _before_call(self, *, model: Any, **_: Any) -> Any:
            asked.append(model.name)
            return SimpleNamespace(status_code=200), {"Vpcs": []}

    account = Account(lambda _: Counting(None))  # type: ignore[arg-type,return-value]
    answers = list(account.each(range(20), lambda _: account.every("ec2", "DescribeVpcs", "Vpcs", region=HOME)))
    assert answers == []
    assert asked == ["DescribeVpcs"]


def test_an_item_without_an_answer_leaves_the_others_theirs() -> None:
    def answers(item: int) -> Iterator[Answer]:
        yield Answer(subject=str(item), status=Status.PASS, detail="first")
        if item == 1:
            raise UnansweredError("no answer")
        yield Answer(subject=str(item), status=Status.PASS, detail="second")

    account = Account(lambda _: None)  # type: ignore[arg-type,return-value]
    given = [(answer.subject, answer.detail) for answer in account.each([0, 1, 2], answers)]
    assert given == [
        ("0", "first"),
        ("0", "second"),
        ("1", "first"),
        ("1", "no answer"),
        ("2", "first"),
        ("2", "second"),
    ]


ANSWERS = [
    Answer(check="bootstrap", subject="us-east-1", status=Status.PASS, detail="version 33"),
    Answer(
        check="quota-network", subject="us-east-1 VPCs", status=Status.FAIL, detail="1 needed", remedy="ask for more"
    ),
    Answer(check="trail", subject="us-east-1", status=Status.UNCHECKED, detail="throttled"),
]


def test_table() -> None:
    lines = report.as_table(ANSWERS).splitlines()
    assert lines[0].split() == ["FAIL", "quota-network", "us-east-1", "VPCs"]
    assert lines[2].strip() == "→ ask for more"
    assert [line.split()[0] for line in lines if line and not line.startswith(" ")] == [
        "FAIL",
        "unchecked",
        "pass",
        "1",
    ]
    assert lines[-1] == "1 pass, 1 fail, 1 could not be checked"


def test_json() -> None:
    document = report.as_json(ANSWERS)
    assert document["ok"] is False
    assert document["counts"] == {"pass": 1, "fail": 1, "unchecked": 1}
    assert document["answers"][0] == {
        "check": "bootstrap",
        "subject": "us-east-1",
        "status": "pass",
        "detail": "version 33",
        "remedy": "",
    }


@pytest.mark.parametrize(("answers", "code"), [(ANSWERS, 1), (ANSWERS[:1], 0), (ANSWERS[2:], 0)])
@pytest.mark.parametrize("form", ["json", "text"])
def test_the_command_prints_one_document_and_ends_with_the_answers(
    answers: list[Answer],
    code: int,
    form: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    template = tmp_path / "sound.json"
    template.write_text('{"Resources": {}}')
    monkeypatch.setattr(command, "check", lambda *_, **__: answers)
    assert main([str(template), "--account", "--format", form]) == code
    printed = capsys.readouterr().out
    assert (json.loads(printed)["account"]["ok"] is (code == 0)) if form == "json" else "not be checked" in printed
