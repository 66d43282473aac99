"""Tasks and what is around them: locked down, told what they need and nothing more."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_logs as logs
from aws_cdk.assertions import Template as Synthesized

from infra.fargate_task import ContainerProps, Task, TaskProps
from tests.infra.synthesized import Assembly, Template

TASK = "AWS::ECS::TaskDefinition"
SERVICE = "AWS::ECS::Service"
POLICY = "AWS::IAM::ManagedPolicy"

CONTAINERS = {
    "Web": ["pgbouncer", "web"],
    "Worker": ["pgbouncer", "worker"],
    "Beat": ["pgbouncer", "beat"],
    "Migration": ["migrate"],
}
COMMANDS = {
    "pgbouncer": ["python", "-m", "pgbouncer_sidecar"],
    "web": ["gunicorn", "--config", "gunicorn.conf.py", "spendsmart.wsgi"],
    "worker": ["python", "-m", "spendsmart.worker"],
    "beat": ["python", "-m", "spendsmart.beat"],
    "migrate": ["python", "manage.py", "migrate", "--noinput"],
}
DJANGO_ENVIRONMENT = {
    "SPENDSMART_ENVIRONMENT", "RELEASE", "SCRATCH_DIR", "LOG_LEVEL", "DATABASE_HOST", "DATABASE_PORT", "DATABASE_NAME",
    "DATABASE_READER_NAME", "DATABASE_SSLMODE", "BROKER_HOST", "BROKER_PORT", "BROKER_USERNAME", "CACHE_HOST",
    "CACHE_PORT", "CACHE_USERNAME", "RECEIPTS_BUCKET", "RECEIPTS_KMS_KEY_ID", "UPLOAD_MAX_BYTES",
    "UPLOAD_EXPIRY_SECONDS", "ALLOWED_HOSTS", "ALLOWED_ORIGINS", "EXTRACTION_ENGINE", "OPENAI_MODEL",
    "JWT_SIGNING_SECRET_ARN",
    "OPENAI_STRONG_MODEL", "OPENAI_REQUESTS_PER_MINUTE", "OPENAI_TOKENS_PER_MINUTE", "OPENAI_DAILY_BUDGET_USD",
    "OPENAI_ESCALATION_PERCENT", "OPENAI_BATCH_AFTER_MINUTES", "TRACING_SAMPLE_PERCENT",
    "USER_REQUESTS_PER_MINUTE", "USER_RECEIPTS_PER_DAY", "QUEUED_RECEIPTS", "QUEUED_RECEIPTS_BULK_PERCENT",
}  # fmt: skip
DJANGO_SECRETS = {
    "DATABASE_USERNAME", "DATABASE_PASSWORD", "DJANGO_SECRET_KEY", "BROKER_PASSWORD", "CACHE_PASSWORD",
}  # fmt: skip
RECEIPTS = {
    "s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket", "kms:Decrypt", "kms:GenerateDataKey",
}  # fmt: skip
TRACES = {"xray:PutTraceSegments"}
ENVIRONMENT = {
    "pgbouncer": {
        "PGBOUNCER_ADDRESS", "PGBOUNCER_PORT", "SCRATCH_DIR", "WRITER_HOST", "WRITER_PORT", "READER_HOST",
        "READER_PORT", "DATABASE_NAME", "WRITER_POOL_SIZE", "READER_POOL_SIZE", "MAX_CLIENT_CONNECTIONS",
        "STATEMENT_SECONDS",
    },
    "web": {
        *DJANGO_ENVIRONMENT, "PORT", "BIND_ADDRESS", "WEB_WORKERS", "WEB_THREADS", "WEB_WAIT_SECONDS",
        "WEB_ARRIVAL_SECONDS",
    },
    "worker": {*DJANGO_ENVIRONMENT, "WORKER_CONCURRENCY", "WORKER_MEMORY_MIB"},
    "beat": DJANGO_ENVIRONMENT,
    "migrate": DJANGO_ENVIRONMENT,
}  # fmt: skip


def tasks(assembly: Assembly) -> dict[str, dict[str, Any]]:
    return {name: assembly["Service"].one(TASK, containing=f"{name}Task") for name in CONTAINERS}


def containers(assembly: Assembly) -> list[dict[str, Any]]:
    return [container for task in tasks(assembly).values() for container in task["ContainerDefinitions"]]


def environment(container: dict[str, Any]) -> dict[str, Any]:
    return {variable["Name"]: variable["Value"] for variable in container["Environment"]}


def statements(template: Template, role: str) -> list[dict[str, Any]]:
    """Statements of the policies attached to the role whose logical id contains a text."""
    return [
        statement
        for policy in template.properties(POLICY)
        if any(role in attached["Ref"] for attached in policy["Roles"])
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def actions(found: list[dict[str, Any]]) -> set[str]:
    return {a for s in found for a in (s["Action"] if isinstance(s["Action"], list) else [s["Action"]])}


def test_each_task_has_its_containers_and_commands(assembly: Assembly) -> None:
    found = {name: [c["Name"] for c in task["ContainerDefinitions"]] for name, task in tasks(assembly).items()}
    assert found == CONTAINERS
    assert all(container["Command"] == COMMANDS[container["Name"]] for container in containers(assembly))


def test_containers_are_told_exactly_what_they_need(assembly: Assembly) -> None:
    openai = assembly.environment in {"prod", "staging"}
    signed = assembly.environment in {"prod", "dev"}
    for container in containers(assembly):
        signs = signed and container["Name"] == "web"
        images = {"IMAGE_DOMAIN", "IMAGE_KEY_PAIR_ID"} if signs else set()
        assert set(environment(container)) == ENVIRONMENT[container["Name"]] | images, container["Name"]
        secrets = {secret["Name"] for secret in container["Secrets"]}
        if container["Name"] == "pgbouncer":
            assert secrets == {"DATABASE_USERNAME", "DATABASE_PASSWORD"}
        else:
            more = ({"OPENAI_API_KEY"} if openai else set()) | ({"IMAGE_SIGNING_KEY"} if signs else set())
            assert secrets == DJANGO_SECRETS | more
            assert environment(container)["EXTRACTION_ENGINE"] == ("openai" if openai else "local")


def test_another_image_key_changes_the_web_tasks_too(prod: Assembly, dev: Assembly) -> None:
    """Otherwise they went on signing in the name of a key that CloudFront has forgotten."""
    named = []
    for assembly in (prod, dev):
        (web,) = (c for c in tasks(assembly)["Web"]["ContainerDefinitions"] if c["Name"] == "web")
        parameter = environment(web)["IMAGE_KEY_PAIR_ID"]["Fn::GetAtt"][0]
        value = assembly["Service"].all("AWS::SSM::Parameter")[parameter]["Properties"]["Value"]
        assert (
            next(iter(assembly["Edge"].all("AWS::CloudFront::PublicKey"))) in value["Fn::GetStackOutput"]["OutputName"]
        )
        named.append(value)
    assert named[0]["Fn::GetStackOutput"]["OutputName"] != named[1]["Fn::GetStackOutput"]["OutputName"]


def test_containers_are_locked_down(assembly: Assembly) -> None:
    for container in containers(assembly):
        assert container["User"] == "10001"
        assert container["ReadonlyRootFilesystem"] is True
        assert container["LinuxParameters"] == {"Capabilities": {"Drop": ["ALL"]}, "InitProcessEnabled": True}
        assert [m["ContainerPath"] for m in container["MountPoints"]] == ["/scratch"]
        assert container["Essential"] is True


def test_exec_gets_the_folders_that_its_agent_writes_to() -> None:
    """On a read-only root filesystem the agent ends without them (aws/containers-roadmap#1359)."""
    stack = Stack(App(), "Stack", env={"account": "000000000000", "region": "us-east-1"})  # type: ignore[arg-type]
    task = Task(
        stack,
        "Task",
        props=TaskProps(
            family="web",
            cpu=256,
            memory_mib=512,
            architecture="arm64",
            image=ecs.ContainerImage.from_registry("public.ecr.aws/docker/library/python:3.11"),
            log_group=logs.LogGroup(stack, "Logs"),
            allow_exec=True,
        ),
    )
    task.add_container(ContainerProps(name="web", command=["true"], environment={}, secrets={}, stop_seconds=30))
    (found,) = Synthesized.from_stack(stack).find_resources(TASK).values()
    (container,) = found["Properties"]["ContainerDefinitions"]
    paths = {mount["ContainerPath"] for mount in container["MountPoints"]}
    assert paths == {"/scratch", "/managed-agents", "/var/lib/amazon/ssm", "/var/log/amazon/ssm"}


def test_health_checks_and_stop_timeouts_are_within_fargates_limits(assembly: Assembly) -> None:
    stop = {"pgbouncer": 10, "web": 30, "worker": 120, "beat": 30, "migrate": 120}
    for container in containers(assembly):
        assert container["StopTimeout"] == stop[container["Name"]] <= 120
        if container["Name"] == "migrate":
            assert "HealthCheck" not in container
            continue
        check = container["HealthCheck"]
        assert check["Command"] == ["CMD", "python", "healthcheck.py", container["Name"]]
        assert 5 <= check["Interval"] <= 300
        assert 2 <= check["Timeout"] <= 60


def test_pgbouncer_starts_before_its_client_and_so_stops_after_it(assembly: Assembly) -> None:
    for name, task in tasks(assembly).items():
        *_, client = task["ContainerDefinitions"]
        expected = [] if name == "Migration" else [{"ContainerName": "pgbouncer", "Condition": "HEALTHY"}]
        assert client.get("DependsOn", []) == expected


def test_migrations_go_straight_to_the_writer_with_tls(prod: Assembly) -> None:
    migrate = environment(tasks(prod)["Migration"]["ContainerDefinitions"][0])
    pool = environment(tasks(prod)["Web"]["ContainerDefinitions"][0])
    assert (migrate["DATABASE_HOST"], migrate["DATABASE_PORT"]) == (pool["WRITER_HOST"], pool["WRITER_PORT"])
    assert migrate["DATABASE_READER_NAME"] == migrate["DATABASE_NAME"]
    assert migrate["DATABASE_SSLMODE"] == "require"


def test_reads_go_to_a_replica_where_there_is_one(prod: Assembly, preview: Assembly) -> None:
    with_replica, without = (environment(tasks(a)["Web"]["ContainerDefinitions"][0]) for a in (prod, preview))
    assert with_replica["READER_HOST"] != with_replica["WRITER_HOST"]
    assert without["READER_HOST"] == without["WRITER_HOST"]


@pytest.mark.parametrize(
    ("environment_name", "percent"), [("prod", "5"), ("staging", "25"), ("dev", "100"), ("preview", "0")]
)
def test_who_traces_is_told_how_much_and_may_send_it(synth, environment_name: str, percent: str) -> None:
    assembly = synth(environment_name)
    allowed = {"Web": TRACES, "Worker": TRACES} if percent != "0" else {}
    for task, (*_, container) in {name: task["ContainerDefinitions"] for name, task in tasks(assembly).items()}.items():
        assert environment(container)["TRACING_SAMPLE_PERCENT"] == percent
        assert actions(statements(assembly["Service"], f"{task}TaskRole")) & TRACES == allowed.get(task, set())


@pytest.mark.parametrize(
    ("task", "allowed"),
    [
        ("Web", RECEIPTS | {"secretsmanager:GetSecretValue"}),
        ("Worker", RECEIPTS),
        ("Beat", set()),
        ("Migration", set()),
    ],
)
def test_tasks_may_touch_receipts_and_web_the_signing_keys(assembly: Assembly, task: str, allowed: set[str]) -> None:
    found = statements(assembly["Service"], f"{task}TaskRole")
    assert actions(found) - TRACES == allowed
    for statement in found:
        assert statement["Resource"] != "*" or statement["Action"] == "xray:PutTraceSegments"
        if "s3:GetObject" in statement["Action"]:  # of objects; listing is the bucket's own
            assert statement["Resource"]["Fn::Join"][1][-1] == "/receipts/*"


def test_the_signing_key_is_named_to_the_tasks_and_its_value_read_by_web(assembly: Assembly) -> None:
    template = assembly["Service"]
    (read,) = (s for s in statements(template, "WebTaskRole") if s["Action"] == "secretsmanager:GetSecretValue")
    for container in containers(assembly):
        if container["Name"] != "pgbouncer":
            assert environment(container)["JWT_SIGNING_SECRET_ARN"] == read["Resource"]
    (decrypt,) = (s for s in statements(template, "WebTaskRole") if "Condition" in s)
    assert decrypt["Action"] == "kms:Decrypt"
    assert decrypt["Condition"] == {"StringEquals": {"kms:ViaService": "secretsmanager.us-east-1.amazonaws.com"}}


def test_execution_roles_read_the_secrets_of_their_containers_and_no_others(assembly: Assembly) -> None:
    template = assembly["Service"]
    for name, task in tasks(assembly).items():
        found = statements(template, f"{name}TaskExecutionRole")
        (secrets,) = (s for s in found if "secretsmanager:GetSecretValue" in s["Action"])
        readable = {json.dumps(resource) for resource in secrets["Resource"]}
        named = {
            json.dumps(
                secret["ValueFrom"]["Fn::Join"][1][0] if "Fn::Join" in secret["ValueFrom"] else secret["ValueFrom"]
            )
            for container in task["ContainerDefinitions"]
            for secret in container["Secrets"]
        }
        assert readable == named
        (decrypt,) = (s for s in found if s["Action"] == "kms:Decrypt")
        assert decrypt["Condition"] == {"StringEquals": {"kms:ViaService": "secretsmanager.us-east-1.amazonaws.com"}}
        (anything,) = (s["Action"] for s in found if s["Resource"] == "*")
        assert anything == "ecr:GetAuthorizationToken", "the one action that knows no resource"


def test_roles_can_only_be_taken_by_this_accounts_tasks(prod: Assembly) -> None:
    for role in prod["Service"].properties("AWS::IAM::Role", containing="Task"):
        (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": "000000000000"}


def test_rules_to_other_stacks_groups_are_declared_here(prod: Assembly) -> None:
    template = prod["Service"]
    rules = template.properties("AWS::EC2::SecurityGroupIngress")
    into = {(rule["GroupId"]["Fn::GetAtt"][0][:13], rule["FromPort"]) for rule in rules}
    assert into == {
        ("ImportedDatab", 5432),
        ("ImportedBroke", 6379),
        ("ImportedCache", 6379),
        ("WebTaskSecuri", 8000),
    }
    assert [port for source, port in egress(template) if source.startswith("ImportedLoadBalancer")] == [8000]


def egress(template: Template) -> list[tuple[str, int]]:
    """Group (its logical id) and port of each outbound rule that stands on its own."""
    rules = template.properties("AWS::EC2::SecurityGroupEgress")
    return [(rule["GroupId"]["Fn::GetAtt"][0], rule["FromPort"]) for rule in rules]


def test_tasks_reach_servers_and_https_only(assembly: Assembly) -> None:
    template = assembly["Service"]
    servers = {"Web": [5432, 6379, 6379], "Worker": [5432, 6379, 6379], "Beat": [5432, 6379, 6379], "Migration": [5432]}
    for task, ports in servers.items():
        group = template.one("AWS::EC2::SecurityGroup", containing=f"{task}TaskSecurityGroup")
        outbound = [(rule["CidrIp"], rule["FromPort"], rule["ToPort"]) for rule in group["SecurityGroupEgress"]]
        assert outbound == [("0.0.0.0/0", 443, 443)]
        assert [port for source, port in egress(template) if source.startswith(f"{task}Task")] == ports


def test_every_service_is_restarted_when_the_database_password_was_rotated(prod: Assembly) -> None:
    """Tasks read secrets when they start, and never again."""
    template = prod["Service"]
    rule = template.one("AWS::Events::Rule")
    secrets = rule["EventPattern"]["detail"]["additionalEventData"]["SecretId"]
    login = tasks(prod)["Web"]["ContainerDefinitions"][0]["Secrets"][0]["ValueFrom"]["Fn::Join"][1][0]
    assert secrets[0] == login
    assert ["Broker" in str(secret) for secret in secrets] == [False, True, False]
    assert ["Cache" in str(secret) for secret in secrets] == [False, False, True]
    function = template.one("AWS::Lambda::Function", containing="RestartOnRotation")
    restarted = [part["Fn::GetAtt"][0] for part in function["Environment"]["Variables"]["SERVICES"]["Fn::Join"][1][::2]]
    assert sorted(restarted) == sorted(template.all(SERVICE))
    (allowed,) = (s for s in statements(template, "RestartOnRotation") if s["Action"] == "ecs:UpdateService")
    assert sorted(resource["Ref"] for resource in allowed["Resource"]) == sorted(template.all(SERVICE))


def test_logs_are_kept_as_long_as_configured_and_encrypted(prod: Assembly) -> None:
    groups = prod["Service"].properties("AWS::Logs::LogGroup", containing="Logs")
    assert len(groups) == len(CONTAINERS) + 3, "and one for each hook, and for what restarts services"
    assert all(group["RetentionInDays"] == 365 and group["KmsKeyId"] for group in groups)


def test_arm_is_built_and_run(prod: Assembly) -> None:
    for task in tasks(prod).values():
        assert task["RuntimePlatform"] == {"CpuArchitecture": "ARM64", "OperatingSystemFamily": "LINUX"}
    assets = json.loads((prod.directory / "SpendSmart-Prod-Service.assets.json").read_text())
    (image,) = assets["dockerImages"].values()
    assert image["source"]["platform"] == "linux/arm64"


def test_operators_find_what_run_task_needs(assembly: Assembly) -> None:
    outputs = assembly["Service"].body["Outputs"]
    names = {"ClusterName", "MigrationTaskDefinition", "MigrationSubnets", "MigrationSecurityGroup", "WebServiceName"}
    assert names <= outputs.keys()
