"""A preview's stack: what it has, what it may, and how it is refused. Its snapshot is `snapshots/preview-pr-42/`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.config import ConfigurationError
from pipelines.tools.previews.assembly import faults
from previews.names import PreviewName
from stacks.preview_app import PreviewApp
from tests.infra.snapshot_text import render
from tests.infra.synthesized import Template

SNAPSHOT = Path(__file__).parent / "snapshots" / "preview-pr-42" / "Preview.yaml"
Synth = Callable[..., Template]


@pytest.fixture(scope="module")
def synth(tmp_path_factory: pytest.TempPathFactory) -> Synth:
    def synthesize(branch: str = "pr-42", **context: str) -> Template:
        app = PreviewApp(
            environment="preview",
            branch=branch,
            validate=False,
            outdir=str(tmp_path_factory.mktemp("preview")),
            context={f"preview.{name}": value for name, value in context.items()},
        )
        stack = app.synth().stacks[0]
        return Template(name=stack.stack_name, region="us-east-1", body=stack.template)

    return synthesize


@pytest.fixture(scope="module")
def preview(synth: Synth) -> Template:
    return synth()


def test_it_is_as_reviewed(preview: Template, request: pytest.FixtureRequest) -> None:
    now = render(preview.body)
    if request.config.getoption("--update-snapshots", default=False):
        SNAPSHOT.parent.mkdir(parents=True, exist_ok=True)
        SNAPSHOT.write_text(now)
    assert now == SNAPSHOT.read_text(), "if this is meant, run `make snapshots`"


def test_what_deploys_previews_takes_it(tmp_path: Path) -> None:
    """Its look at what a branch has assembled knows all that a preview has (docs/adr/0073)."""
    image = f"000000000000.dkr.ecr.us-east-1.amazonaws.com/spendsmart-branches@sha256:{'0' * 64}"
    app = PreviewApp(
        environment="preview", branch="pr-42", validate=False, outdir=str(tmp_path), context={"image": image}
    )
    app.synth()
    found = faults(
        tmp_path,
        stack=app.stack.stack_name,
        account="000000000000",
        region="us-east-1",
        boundary=app.environment.boundary_name,
    )
    assert list(found) == []


def test_nothing_of_it_has_a_name_that_a_second_one_could_want(synth: Synth) -> None:
    """Nor one that is held back for days after a deletion."""
    names = [
        {
            str(value)
            for resource in synth(branch).body["Resources"].values()
            for key, value in resource.get("Properties", {}).items()
            if key in ("Name", "RoleName", "LogGroupName", "ServiceName", "UserId", "UserName", "Family")
        }
        for branch in ("pr-4", "pr-42")
    ]
    assert names[0] and not names[0] & names[1]


def test_it_takes_no_references_but_parameters(preview: Template) -> None:
    text = json.dumps(preview.body)
    assert "Fn::ImportValue" not in text and "Fn::GetStackOutput" not in text
    read = [p["Default"] for p in preview.body["Parameters"].values() if p["Type"].startswith("AWS::SSM::")]
    assert read and {name.rsplit("/", 1)[0] for name in read if "spendsmart" in name} == {
        "/spendsmart/preview/previews"
    }


def test_its_tasks_are_the_smallest_on_spot_and_arm(preview: Template) -> None:
    for definition in preview.properties("AWS::ECS::TaskDefinition"):
        assert definition["Cpu"] == "256"
        assert definition["RuntimePlatform"]["CpuArchitecture"] == "ARM64"
    services = preview.properties("AWS::ECS::Service")
    assert len(services) == 2
    for service in services:
        spot = [each for each in service["CapacityProviderStrategy"] if each.get("Weight")]
        assert [each["CapacityProvider"] for each in spot] == ["FARGATE_SPOT"]
        assert not any(each.get("Base") for each in service["CapacityProviderStrategy"])
        assert service["DeploymentConfiguration"]["DeploymentCircuitBreaker"] == {"Enable": True, "Rollback": True}


def test_its_roles_reach_no_objects_but_its_own(preview: Template) -> None:
    policies = preview.properties("AWS::IAM::ManagedPolicy")
    assert policies
    for policy in policies:
        for statement in policy["PolicyDocument"]["Statement"]:
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            if any(action.startswith("s3:") and action != "s3:ListBucket" for action in actions):
                assert json.dumps(statement["Resource"]).endswith('/previews/pr-42/*"]]}')
            if "s3:ListBucket" in actions:
                assert statement["Condition"] == {"StringLike": {"s3:prefix": "previews/pr-42/*"}}


def test_openai_is_off_and_metrics_are_not_billed(preview: Template) -> None:
    for definition in preview.properties("AWS::ECS::TaskDefinition"):
        for container in definition["ContainerDefinitions"]:
            variables = {each["Name"]: each["Value"] for each in container["Environment"]}
            if container["Name"] != "pgbouncer":
                assert variables["EXTRACTION_ENGINE"] == "local"
                assert variables["PUBLISH_METRICS"] == "no"
            assert "OPENAI_API_KEY" not in {each["Name"] for each in container.get("Secrets", [])}


def test_a_domain_makes_a_host_rule_and_none_a_header_rule(synth: Synth, preview: Template) -> None:
    kind = "AWS::ElasticLoadBalancingV2::ListenerRule"
    for rule in preview.properties(kind):
        assert rule["Conditions"][0]["HttpHeaderConfig"] == {"HttpHeaderName": "X-Preview", "Values": ["pr-42"]}
    (rule,) = synth(domain="preview.localhost").properties(kind)
    assert rule["Conditions"] == [{"Field": "host-header", "HostHeaderConfig": {"Values": ["pr-42.preview.localhost"]}}]


def test_another_reset_is_another_database_and_kept_data_are_none(synth: Synth, preview: Template) -> None:
    before = preview.one("Custom::PreviewDatabase")
    assert before["Keep"] == "false"
    assert synth(reset="2").one("Custom::PreviewDatabase")["Generation"] != before["Generation"]
    kept = synth(data="keep").one("Custom::PreviewDatabase")
    assert (kept["Keep"], kept["Generation"]) == ("true", before["Generation"])


def test_tasks_start_while_a_new_database_is_migrated_and_after_a_kept_one_is(synth: Synth, preview: Template) -> None:
    def named(value: Any) -> set[str]:
        """What is waited for: names in Ref, Fn::GetAtt and DependsOn."""
        if isinstance(value, list):
            return set().union(*map(named, value))
        if not isinstance(value, dict):
            return set()
        own = value.get("DependsOn", []), value.get("Ref", []), value.get("Fn::GetAtt", [])[:1]
        names = {name for each in own for name in ([each] if isinstance(each, str) else each) if isinstance(name, str)}
        return names | named(list(value.values()))

    def reached(resources: dict[str, Any], name: str) -> set[str]:
        return {name}.union(*(reached(resources, each) for each in named(resources[name]) if each in resources))

    def waits(template: Template) -> set[bool]:
        resources = template.body["Resources"]
        (database,) = (name for name, each in resources.items() if each["Type"] == "Custom::PreviewDatabase")
        services = [name for name, each in resources.items() if each["Type"] == "AWS::ECS::Service"]
        return {database in reached(resources, each) for each in services}

    assert waits(preview) == {False}
    assert waits(synth(data="keep")) == {True}
    name = PreviewName.of("pr-42").database(preview.one("Custom::PreviewDatabase")["Generation"])
    assert name in json.dumps(preview.properties("AWS::ECS::TaskDefinition"))


@pytest.mark.parametrize(
    ("environment", "branch", "context", "message"),
    [
        ("prod", "pr-42", {}, "carries none"),
        ("preview", "prod", {}, "names of something else"),
        ("preview", "pr-42", {"preview.data": "both"}, "accepted: fresh or keep"),
        ("preview", "pr-42", {"preview.data": "keep", "preview.reset": "1"}, "both given"),
        ("preview", "pr-42", {"preview.reset": "a b"}, "accepted: a word"),
    ],
)
def test_what_cannot_be_is_refused_with_what_can(
    environment: str, branch: str, context: dict[str, str], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        PreviewApp(environment=environment, branch=branch, context=context, validate=False)


def test_the_shared_rule_comes_after_those_of_previews(synth: Synth) -> None:
    from stacks.platform import SpendSmartPlatform

    app = SpendSmartPlatform(environment="preview", validate=False)
    ingress = next(stack for stack in app.synth().stacks if stack.stack_name.endswith("-Ingress"))
    template = Template(name="Ingress", region="us-east-1", body=ingress.template)
    rule = template.one("AWS::ElasticLoadBalancingV2::ListenerRule", containing="ProductionRule")
    assert rule["Priority"] == 50_000
