"""Every buildspec of the pipelines is run, step by step, by `scripts/buildspec`'s runner.

What needs AWS runs against the local cloud's emulator. What cannot run here is in `NOT_HERE`, with the reason; the
runner reports those steps as "not run". `checks` runs a selection of tests (TESTS), or it would run itself.
`verify` needs a whole local cloud: tests/endtoend/test_1_verify.py.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from localcloud import aws, cdk, commands, layout
from pipelines.tools import buildspec
from pipelines.tools.buildspec import Order, Outcome
from pipelines.tools.tree import commit
from tests.pipelines.github_server import REPOSITORY, TOKEN, Repository, served

ENVIRONMENT = "dev"
STACKS = {"Network", "Data", "Storage", "Ingress", "RegionalWaf", "Edge", "Observability", "Service", "Monitoring"}
"""Those in us-east-1; the copy of the receipts is in us-west-2."""

IMAGE = f"{layout.ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/spendsmart@sha256:{'a' * 64}"
LINKS = (".venv", "node_modules")
HERE = {"SETUP": "done", "CDK_VALIDATION": "false", "AWS_EC2_METADATA_DISABLED": "true"}
"""Set up by whoever runs these tests; CDK's validation runs in tests of its own."""

NOT_HERE = {
    "update": {"^scripts/cdk deploy": "the emulator has no CodePipeline and no CodeBuild"},
    "checks": {"^make typecheck": "make test has run mypy over the same tree"},
}
BASE_PORT = "26500"
EVIDENCE = "evidence-of-these-tests"

pytestmark = pytest.mark.timeout(600)


def run(
    name: str, output: Path, *, variables: Mapping[str, str] | None = None, ok: bool = True, **order: Mapping[str, Path]
) -> Outcome:
    """A run that ends well (or not: `ok`), and that leaves out what `NOT_HERE` says and nothing else."""
    outcome = buildspec.run(
        Order(
            name=name,
            variables={**HERE, **(variables or {})},
            skip=NOT_HERE.get(name, {}),
            links=LINKS,
            output=output / name,
            **order,
        )
    )
    assert outcome.ok is ok, (output / name / "log.txt").read_text()[-4000:]
    left_out = {step.command: step.because for step in outcome.steps if step.state == "not run"}
    assert len(left_out) == len(NOT_HERE.get(name, {})), left_out
    return outcome


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("buildspecs")


@pytest.fixture(scope="module")
def assembled(output: Path) -> Path:
    """The artifact of assemble.yml: one environment for both stages, as it takes half the time."""
    run("assemble", output, variables={"STAGING": ENVIRONMENT, "PRODUCTION": ENVIRONMENT, "IMAGE": IMAGE})
    return output / "assemble" / "artifacts"


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory, assembled: Path) -> Iterator[dict[str, str]]:
    """A bootstrapped account of the emulator's, with a bucket for evidence: the variables that lead there."""
    home = tmp_path_factory.mktemp("account") / "home"
    with pytest.MonkeyPatch.context() as patch, (home.parent / "emulator.log").open("wb") as log:
        patch.setenv("LOCALCLOUD_HOME", str(home))
        patch.setenv("LOCALCLOUD_BASE_PORT", BASE_PORT)
        off = {"LOCALCLOUD_DATAPLANE": "off", "LOCALCLOUD_RUNNER": "off"}
        emulator = subprocess.Popen(
            [sys.executable, "-m", "localcloud.emulator"],
            cwd=layout.REPOSITORY,
            env={**os.environ, **off},
            stdout=log,
            stderr=log,
        )
        try:
            commands.wait_for_api()
            cdk.bootstrap(assembled / ENVIRONMENT, regions=["us-east-1", "us-west-2"])
            aws.client("s3", "us-east-1").create_bucket(Bucket=EVIDENCE)
            yield cdk.environment() | {
                "ENVIRONMENT": ENVIRONMENT,
                "ACCOUNT": layout.ACCOUNT,
                "EVIDENCE_BUCKET": EVIDENCE,
                "REGIONS": "us-east-1 us-west-2",
            }
        finally:
            emulator.terminate()
            emulator.wait(timeout=20)


@pytest.fixture(scope="module")
def deployed(output: Path, account: dict[str, str], assembled: Path) -> Outcome:
    return run("deploy", output, variables=account, inputs={"Assembly": assembled})


def evidence(name: str) -> list[str]:
    """What was kept under this commit and name."""
    answer = aws.client("s3", "us-east-1").list_objects_v2(Bucket=EVIDENCE, Prefix=f"{commit(buildspec.ROOT)}/{name}/")
    return [each["Key"].rpartition("/")[2] for each in answer.get("Contents", [])]


def test_update(output: Path) -> None:
    run("update", output)
    assert json.loads((output / "update" / "out" / "preflight" / "summary.json").read_text())["ok"] is True


def test_checks(output: Path) -> None:
    run("checks", output, variables={"TESTS": "tests/infra/test_layering.py tests/pipelines/test_buildspec_runner.py"})
    assert "passed in" in (output / "checks" / "log.txt").read_text()


def test_scan(output: Path) -> None:
    run("scan", output, variables={"SCAN_STRICT": ""})
    summary = json.loads((output / "scan" / "out" / "scan" / "summary.json").read_text())
    verdicts = {each["tool"]: each["state"] for each in summary["verdicts"]}
    # Without a network nobody can ask the database of vulnerabilities, and that is said.
    assert verdicts.pop("pip-audit") in ("passed", "not run")
    assert verdicts == dict.fromkeys(("detect-secrets", "bandit", "hadolint"), "passed")


def test_assemble_names_the_image_by_its_digest(assembled: Path) -> None:
    template = (assembled / ENVIRONMENT / f"SpendSmart-{ENVIRONMENT.capitalize()}-Service.template.json").read_text()
    assert f"@sha256:{'a' * 64}" in template
    assert "container-assets" not in template


def test_deploy_creates_and_executes_change_sets(output: Path, deployed: Outcome) -> None:
    stacks = aws.client("cloudformation", "us-east-1").describe_stacks()["Stacks"]
    ours = {each["StackName"]: each for each in stacks if each["StackName"].startswith("SpendSmart-Dev-")}
    assert {name.rpartition("-")[2] for name in ours} == STACKS
    assert {each["StackStatus"] for each in ours.values()} == {"CREATE_COMPLETE"}
    log = (output / "deploy" / "log.txt").read_text()
    for name in ours:
        assert f"{name}: creating CloudFormation changeset" in log


def test_plan_says_what_would_change_and_leads_to_the_evidence(
    output: Path, account: dict[str, str], assembled: Path, deployed: Outcome
) -> None:
    outcome = run("plan", output, variables=account, inputs={"Assembly": assembled})
    difference = (output / "plan" / "out" / "plan" / "difference.txt").read_text()
    assert "Stack SpendSmart-Dev-Service" in difference
    assert "differences: 0" in difference.replace("Number of stacks with ", "")
    assert evidence("plan") == ["difference.txt"]
    assert outcome.exported["EVIDENCE_URL"].endswith(f"/{EVIDENCE}?prefix={commit(buildspec.ROOT)}/")


def test_drift_finds_what_somebody_has_deleted_by_hand(
    output: Path, account: dict[str, str], deployed: Outcome
) -> None:
    """The emulator does not find secrets by their ARN and takes each for deleted; AWS does find them."""
    parameters = aws.client("ssm", "us-east-1")
    parameter, *_ = [
        each["PhysicalResourceId"]
        for each in aws.client("cloudformation", "us-east-1").describe_stack_resources(
            StackName="SpendSmart-Dev-Ingress"
        )["StackResources"]
        if each["ResourceType"] == "AWS::SSM::Parameter"
    ]
    parameters.delete_parameter(Name=parameter)
    run("drift", output, variables=account, ok=False)
    summary = json.loads((output / "drift" / "out" / "drift" / "summary.json").read_text())
    assert summary["ok"] is False
    assert summary["stacks"] == len(STACKS) + 1
    found = [each for each in summary["differences"] if each["type"] != "AWS::SecretsManager::Secret"]
    assert [(each["stack"], each["type"], each["state"]) for each in found] == [
        ("SpendSmart-Dev-Ingress", "AWS::SSM::Parameter", "DELETED")
    ]
    assert evidence(f"drift-{ENVIRONMENT}") == ["summary.json"]


def test_a_branch_without_an_image_is_admitted_and_told_so_on_its_pull_request(
    output: Path, account: dict[str, str]
) -> None:
    """All steps of a preview's pipeline for a broken branch: nobody may push to the repository that it names."""
    repository = Repository()
    repository.open(7, "feature/x")
    with served(repository) as url:
        variables = account | {
            "ENVIRONMENT": "preview",
            "REPOSITORY": REPOSITORY,
            "GITHUB_TOKEN": TOKEN,
            "GITHUB_API_URL": url,
            "BRANCH": "feature/x",
            "COMMIT": repository.pulls[7]["head"]["sha"],
            "RELEASE_REPOSITORY": IMAGE.partition("@")[0],
        }
        admitted = run("preview-admit", output, variables=variables)
        assert admitted.exported == {"PULL_REQUEST": "7", "OWNER": "ada"}
        run("preview-assemble", output, variables={**variables, **admitted.exported})
        assembly = output / "preview-assemble" / "artifacts"
        assert (assembly / "image.txt").read_text().strip()
        run("preview-deploy", output, variables=variables, inputs={"Assembly": assembly}, ok=False)
        [comment] = repository.comments
        assert "image" in comment["body"]
        assert (comment["issue"], "feature-x" in comment["body"]) == (7, True)
        run("preview-tend", output, variables=variables)
    assert len(repository.comments) == 1
