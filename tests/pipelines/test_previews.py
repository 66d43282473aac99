"""What the pipeline does with previews: who may have one, what may be deployed, and what is said about it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.config import load_environment
from pipelines.tools.previews import admission, assembly
from pipelines.tools.previews.github import GitHub, GitHubError
from tests.pipelines.github_server import REPOSITORY, TOKEN, Repository, served
from tests.previews.given import preview

COMMIT = "0123456789abcdef"
STACK = "SpendSmart-Preview-Preview-pr-42"
BUCKET = "cdk-hnb659fds-assets-000000000000-us-east-1"
EMPTY = hashlib.sha256(json.dumps({"Resources": {}}).encode()).hexdigest() + ".json"
"""What a template without resources is called when it is uploaded."""
AGAIN = {"type": "aws:cloudformation:stack", "properties": {"templateFile": "else.json", "stackName": STACK}}
LEGACY = {"type": "aws:cdk:asset", "data": {"packaging": "container-image"}}
BOUNDARY = "arn:aws:iam::000000000000:policy/the-boundary"
FUNCTION = {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/spendsmart/preview/previews/DatabaseFunction"}
TASKS = [{"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}}]


@pytest.fixture
def repository() -> Repository:
    made = Repository()
    made.open(7, "feature/x")
    return made


@pytest.fixture
def github(repository: Repository) -> Iterator[GitHub]:
    with served(repository) as url:
        yield GitHub(repository=REPOSITORY, token=TOKEN, url=url)


# ---- pull requests and comments ----


def test_a_comment_is_written_once_and_changed_afterwards(github: GitHub, repository: Repository) -> None:
    repository.comments += [
        {"id": number, "issue": 7, "body": f"talk {number}", "html_url": ""} for number in range(120)
    ]
    first = github.comment(7, "<!-- preview: x -->\nstarting\n")
    assert github.comment(7, "<!-- preview: x -->\nready\n") == first
    assert github.comment(7, "<!-- preview: y -->\nanother\n") != first
    assert [each["body"] for each in repository.comments[120:]] == [
        "<!-- preview: x -->\nready\n",
        "<!-- preview: y -->\nanother\n",
    ]


def test_nothing_is_written_where_nothing_changed(github: GitHub, repository: Repository) -> None:
    for _ in range(2):
        github.comment(7, "<!-- preview: x -->\nready\n")
    assert not [call for call in repository.calls if call.startswith("PATCH")]


def test_a_wrong_token_is_said(repository: Repository) -> None:
    with served(repository) as url, pytest.raises(GitHubError, match=r"answered 401: .*Bad credentials"):
        GitHub(repository=REPOSITORY, token="another", url=url).is_private()


@pytest.mark.parametrize("home", ["mallory/spendsmart-platform", None])
def test_a_branch_of_a_fork_is_not_found(github: GitHub, repository: Repository, home: str | None) -> None:
    repository.open(8, "theirs", home=home)
    assert github.pull_request_of("theirs") is None
    assert github.pull_request(8).from_fork
    with pytest.raises(admission.RefusedError, match="is from a fork"):
        admission.pull_request(github.pull_request(8), branch="theirs", commit=COMMIT)
    with pytest.raises(admission.RefusedError, match="those of forks get no preview"):
        admission.pull_request(github.pull_request_of("theirs"), branch="theirs", commit=COMMIT)


def test_a_fork_with_a_branch_like_ours_does_not_pass_for_it(github: GitHub, repository: Repository) -> None:
    repository.open(9, "feature/x", home="mallory/spendsmart-platform")
    found = admission.pull_request(github.pull_request_of("feature/x"), branch="feature/x", commit=COMMIT)
    assert found.number == 7
    with pytest.raises(admission.RefusedError, match="is not the newest commit of pull request 7"):
        admission.pull_request(github.pull_request_of("feature/x"), branch="feature/x", commit="of-mallory")


def test_a_closed_pull_request_gets_none(github: GitHub, repository: Repository) -> None:
    repository.open(8, "done", state="closed")
    assert github.pull_request_of("done") is None
    with pytest.raises(admission.RefusedError, match="pull request 8 is closed"):
        admission.pull_request(github.pull_request(8), branch="done", commit=COMMIT)


# ---- limits ----


def _previews(**more: Any) -> Any:
    found = load_environment("preview").previews
    assert found
    return found.model_copy(update=more)


def test_one_too_many_is_refused_and_an_update_never() -> None:
    there = [preview("a"), preview("b")]
    admission.limits("b", there, _previews(most=2), lambda _: 99.0)
    with pytest.raises(admission.RefusedError, match="there are 2 previews"):
        admission.limits("c", there, _previews(most=2), lambda _: 0.1)


def test_what_would_cost_too_much_is_refused() -> None:
    there = [preview("a"), preview("b")]
    life = _previews().life.model_copy(update={"daily_usd": 2})
    admission.limits("c", there, _previews(life=life), lambda _: 0.6)
    with pytest.raises(admission.RefusedError, match=r"would cost USD 2\.10 a day"):
        admission.limits("c", there, _previews(life=life), lambda _: 0.7)


# ---- what a branch's own code has assembled ----


def _assembly(folder: Path, resources: dict[str, Any], **more: Any) -> Path:
    artifacts: dict[str, Any] = {
        STACK: {
            "type": "aws:cloudformation:stack",
            "environment": "aws://000000000000/us-east-1",
            "properties": {"templateFile": "it.json", "stackName": STACK},
        }
    }
    artifacts |= more.get("artifacts", {})
    artifacts[STACK] |= more.get("stack", {})
    artifacts[STACK]["properties"] |= more.get("properties", {})
    (folder / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))
    (folder / "it.json").write_text(json.dumps({"Resources": resources, **more.get("template", {})}))
    listed = {name: more[name] for name in ("files", "dockerImages") if name in more}
    (folder / "assets.json").write_text(json.dumps(listed))
    return folder


def _faults(folder: Path) -> list[str]:
    return list(
        assembly.faults(folder, stack=STACK, account="000000000000", region="us-east-1", boundary="the-boundary")
    )


def _asset(bucket: str = BUCKET, **source: Any) -> dict[str, Any]:
    made = {"path": "it.json", "packaging": "file", **source}
    return {"source": made, "destinations": {"here": {"bucketName": bucket, "objectKey": EMPTY}}}


def _listing(**assets: Any) -> dict[str, Any]:
    return {"artifacts": {"Assets": {"type": "cdk:asset-manifest", "properties": {"file": "assets.json"}}}, **assets}


def _role(**more: Any) -> dict[str, Any]:
    own = {"AssumeRolePolicyDocument": {"Statement": TASKS}, "PermissionsBoundary": BOUNDARY}
    return {"Type": "AWS::IAM::Role", "Properties": {**own, **more}}


def _policy(*actions: str, **more: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*", **more}
    return _policy_of({"Statement": [statement]})


def _policy_of(document: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": document, **more}}


def _task(role: Any) -> dict[str, Any]:
    return {"Type": "AWS::ECS::TaskDefinition", "Properties": {"TaskRoleArn": role}}


def _custom(token: Any) -> dict[str, Any]:
    return {"Type": "Custom::PreviewDatabase", "Properties": {"ServiceToken": token}}


def _parameter(**more: str) -> dict[str, Any]:
    return {"template": {"Parameters": {"Function": {**FUNCTION, **more}}}}


def test_a_preview_may_be_deployed(tmp_path: Path) -> None:
    resources = {
        "Role": _role(),
        "Policy": _policy_of({"Statement": []}, Roles=[{"Ref": "Role"}]),
        "Logs": {"Type": "AWS::Logs::LogGroup"},
        "Task": _task({"Fn::GetAtt": ["Role", "Arn"]}),
        "Database": _custom({"Ref": "Function"}),
    }
    assert _faults(_assembly(tmp_path, resources, **_parameter())) == []
    url = {"stackTemplateAssetObjectUrl": f"s3://{BUCKET}/{EMPTY}"}
    assert _faults(_assembly(tmp_path, {}, properties=url, **_listing(files={"it": _asset()}))) == []


@pytest.mark.parametrize(
    ("resources", "more", "said"),
    [
        ({"User": {"Type": "AWS::IAM::User"}}, {}, "User is a AWS::IAM::User, which no preview has"),
        ({"Policy": _policy("s3:GetObject", "iam:PassRole")}, {}, "Policy allows iam:PassRole"),
        ({"Policy": _policy("*")}, {}, r"Policy allows \*"),
        ({"Policy": _policy("IAM:PassRole")}, {}, "Policy allows IAM:PassRole"),
        ({"Policy": _policy("s3:GetObject", Effect={"Ref": "Effect"}, Action="iam:*")}, {}, r"Policy allows iam:\*"),
        ({"Policy": _policy(Action=[{"Fn::Join": ["", ["iam", ":*"]]}])}, {}, "Policy allows {'Fn::Join'"),
        ({"Policy": _policy(Action={"Fn::Split": [",", "iam:*"]})}, {}, "Policy allows {'Fn::Split'"),
        ({"Policy": {**_policy("iam:*"), "Type": "AWS::IAM::Policy"}}, {}, r"Policy allows iam:\*"),
        ({"Policy": _policy_of({"Fn::If": ["Always", {"Statement": []}, {}]})}, {}, "without a list of statements"),
        ({"Policy": _policy_of({"Statement": [{"NotAction": "s3:*"}]})}, {}, r"Policy allows \*"),
        ({"Role": _role(Policies=[_policy("iam:*")["Properties"]])}, {}, r"Role allows iam:\*"),
        ({"Role": _role(ManagedPolicyArns=["x"])}, {}, "Role has managed policies"),
        ({"Role": _role(AssumeRolePolicyDocument={"Statement": [{"Principal": {"AWS": "*"}}]})}, {}, "others than"),
        ({"Role": _role(AssumeRolePolicyDocument={"Statement": [*TASKS, {"Principal": "*"}]})}, {}, "others than"),
        ({"Role": _role(PermissionsBoundary=f"{BOUNDARY}-of-another")}, {}, "Role is not bounded by"),
        ({"Role": _role(PermissionsBoundary=None)}, {}, "Role is not bounded by"),
        ({"Role": _role(Policies={"Fn::If": ["Always", [], []]})}, {}, "policies that are no list"),
        ({"Policy": _policy_of({"Statement": []}, Roles=["another"])}, {}, "roles that are not the preview's own"),
        ({"Policy": _policy_of({"Statement": []}, Users=["ada"])}, {}, "Policy is for people"),
        ({"Task": _task("arn:aws:iam::000000000000:role/another")}, {}, "takes a role that is not the preview's own"),
        ({"Task": _task({"Fn::GetAtt": ["Else", "Arn"]})}, {}, "takes a role that is not the preview's own"),
        ({"It": _custom("arn:aws:lambda:us-east-1:000000000000:function:else")}, {}, "It calls a function"),
        ({"It": _custom({"Ref": "Function"})}, {}, "It calls a function"),
        ({"It": _custom({"Ref": "Function"})}, _parameter(Type="String"), "It calls a function"),
        ({"It": _custom({"Ref": "Function"})}, _parameter(Default="/else"), "It calls a function"),
        ({}, {"template": {"Transform": "AWS::Serverless"}}, "has a transform"),
        ({"Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"Fn::Transform": {}}}}, {}, "has a transform"),
        ({}, {"stack": {"environment": "aws://111111111111/us-east-1"}}, "goes to aws://111111111111"),
        ({}, {"stack": {"environment": "aws://000000000000/us-west-2"}}, "goes to aws://000000000000/us-west-2"),
        ({}, {"artifacts": {"Again": AGAIN}}, "and no other may be"),
        ({}, {"properties": {"stackTemplateAssetObjectUrl": f"s3://{BUCKET}/else.json"}}, "its template is another"),
        ({}, {"properties": {"stackTemplateAssetObjectUrl": f"s3://else/{EMPTY}"}}, "its template is another"),
        ({}, _listing(files={"it": _asset(executable=["sh"])}), "uploads more than its template"),
        ({}, _listing(files={"it": _asset(path="else.json")}), "uploads more than its template"),
        ({}, _listing(files={"it": _asset("else")}), "uploads more than its template"),
        ({"Logs": {"Type": "AWS::Logs::LogGroup"}}, _listing(files={"it": _asset()}), "uploads more than its template"),
        ({}, {"stack": {"metadata": {"/x": [LEGACY]}}}, "uploads more than its template"),
        ({}, {"stack": {"additionalMetadataFile": "assets.json"}, "files": LEGACY}, "uploads more than its template"),
        ({}, _listing(dockerImages={"it": {"source": {"executable": ["sh"]}}}), "has images to build"),
        ({}, {"artifacts": {"Prod": {"type": "aws:cloudformation:stack", "properties": {}}}}, "and no other may be"),
        ({}, {"artifacts": {"More": {"type": "cdk:cloud-assembly"}}}, "there are assemblies in it"),
    ],
)
def test_what_is_more_than_a_preview_is_refused(
    tmp_path: Path, resources: dict[str, Any], more: dict[str, Any], said: str
) -> None:
    with pytest.raises(AssertionError, match=said):
        assert _faults(_assembly(tmp_path, resources, **more)) == []
