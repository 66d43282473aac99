"""A web service with its load balancer, hook and alarms as one CloudFormation stack, and visitors who count."""

from __future__ import annotations

import http.client
import json
import tempfile
import textwrap
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from localcloud import aws, images, layout
from tests.localcloud.runner.conftest import REGION, eventually

STACK, CLUSTER, SERVICE = "shop", "shop", "web"
ALARM, REFUSED = "shop-errors", "refused"

_PROGRAM = """
    import http.server, os
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        def do_GET(self):
            said = os.environ["VERSION"].encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)
        def log_message(self, *arguments):
            pass
    class Server(http.server.ThreadingHTTPServer):
        request_queue_size = 128
    Server(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""

# Before traffic it asks to be called once more; on the test listener it looks at what visitors would get.
_HOOK = """
    import json, urllib.request
    def handler(event, context):
        details = event["hookDetails"]
        with open(details["log"], "a") as log:
            log.write(json.dumps(event) + "\\n")
        if event["lifecycleStage"] == "PRE_SCALE_UP" and not details.get("called"):
            return {"hookStatus": "IN_PROGRESS", "callBackDelay": 1, "hookDetails": {"called": True}}
        if event["lifecycleStage"] == "POST_TEST_TRAFFIC_SHIFT":
            version = urllib.request.urlopen(details["url"], timeout=5).read().decode()
            if version == "refused":
                return {"hookStatus": "FAILED"}
        return {"hookStatus": "SUCCEEDED"}
"""


def image() -> str:
    """The reference of an image that answers every request with $VERSION."""
    reference = f"{layout.ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/shop:1"
    with tempfile.TemporaryDirectory() as name:
        context = Path(name)
        (context / "main.py").write_text(textwrap.dedent(_PROGRAM))
        (context / "Dockerfile").write_text('FROM python\nCMD ["python", "main.py"]\n')
        images.build(context, dockerfile=context / "Dockerfile", tag=reference)
    return reference


def template(version: str, *, tested: bool = True, **configuration: Any) -> dict[str, Any]:
    """The stack; bake times are seconds long, in fractions of a minute. `tested`: the service has a test listener."""
    health = {"HealthCheckPath": "/readyz", "HealthCheckIntervalSeconds": 5, "HealthyThresholdCount": 2}
    group = {
        "Port": 8000,
        "Protocol": "HTTP",
        "TargetType": "ip",
        "VpcId": _ref("Vpc"),
        "TargetGroupAttributes": [{"Key": "deregistration_delay.timeout_seconds", "Value": "5"}],
        **health,
    }
    resources: dict[str, Any] = {
        "Vpc": _resource("EC2::VPC", CidrBlock="10.0.0.0/16"),
        "SubnetA": _subnet("10.0.0.0/24", "a"),
        "SubnetB": _subnet("10.0.1.0/24", "b"),
        "Balancer": _resource(
            "ElasticLoadBalancingV2::LoadBalancer", Type="application", Subnets=[_ref("SubnetA"), _ref("SubnetB")]
        ),
        "Blue": _resource("ElasticLoadBalancingV2::TargetGroup", **group),
        "Green": _resource("ElasticLoadBalancingV2::TargetGroup", **group),
        **_listener("Production", 80, blue=100),
        **_listener("Test", 8080, blue=100),
        "Alarm": _resource(
            "CloudWatch::Alarm",
            AlarmName=ALARM,
            Namespace="shop",
            MetricName="errors",
            Statistic="Sum",
            Period=10,
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="GreaterThanThreshold",
            TreatMissingData="ignore",  # it stays as the test sets it
        ),
        "Infrastructure": _role(
            "ecs.amazonaws.com",
            ManagedPolicyArns=["arn:aws:iam::aws:policy/AmazonECSInfrastructureRolePolicyForLoadBalancers"],
        ),
        "HookRole": _role("lambda.amazonaws.com"),
        "Hook": _resource(
            "Lambda::Function",
            Runtime="python3.12",
            Handler="index.handler",
            Timeout=20,
            Role=_of("HookRole", "Arn"),
            Code={"ZipFile": textwrap.dedent(_HOOK)},
        ),
        "Caller": _role(
            "ecs.amazonaws.com",
            Policies=[_policy("lambda:InvokeFunction", _of("Hook", "Arn"))],
        ),
        "Execution": _role("ecs-tasks.amazonaws.com", Policies=[_policy("logs:*", "*")]),
        "Logs": _resource("Logs::LogGroup", LogGroupName="/shop"),
        "Cluster": _resource("ECS::Cluster", ClusterName=CLUSTER),
        "Definition": _definition(version),
        "Service": _service(configuration, tested=tested),
    }
    outputs = {name: {"Value": _ref(name)} for name in ("ProductionRule", "TestRule", "Blue", "Green", "Service")}
    return {"Resources": resources, "Outputs": outputs}


def _definition(version: str) -> dict[str, Any]:
    logs = {"awslogs-group": _ref("Logs"), "awslogs-region": REGION, "awslogs-stream-prefix": "web"}
    return _resource(
        "ECS::TaskDefinition",
        Family="web",
        RequiresCompatibilities=["FARGATE"],
        NetworkMode="awsvpc",
        Cpu="256",
        Memory="512",
        ExecutionRoleArn=_of("Execution", "Arn"),
        ContainerDefinitions=[
            {
                "Name": "web",
                "Image": f"{layout.ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/shop:1",
                "Environment": [{"Name": "VERSION", "Value": version}, {"Name": "PORT", "Value": "8000"}],
                "PortMappings": [{"ContainerPort": 8000}],
                "StopTimeout": 2,
                "LogConfiguration": {"LogDriver": "awslogs", "Options": logs},
            }
        ],
    )


def _service(configuration: dict[str, Any], *, tested: bool) -> dict[str, Any]:
    hook = {
        "HookTargetArn": _of("Hook", "Arn"),
        "RoleArn": _of("Caller", "Arn"),
        "LifecycleStages": ["PRE_SCALE_UP", "POST_TEST_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT"],
        "HookDetails": json.dumps({"log": str(hook_log()), "url": f"http://localhost:{layout.ports().base + 81}/"}),
    }
    given = {
        "Strategy": "CANARY",
        "BakeTimeInMinutes": 0.02,
        "CanaryConfiguration": {"CanaryPercent": 10, "CanaryBakeTimeInMinutes": 0.05},
        "Alarms": {"AlarmNames": [_ref("Alarm")], "Enable": True, "Rollback": True},
        "LifecycleHooks": [hook],
        "MinimumHealthyPercent": 100,
        "MaximumPercent": 200,
    }
    return _resource(
        "ECS::Service",
        ["ProductionRule", "TestRule", "Infrastructure", "Caller"],
        ServiceName=SERVICE,
        Cluster=_ref("Cluster"),
        TaskDefinition=_ref("Definition"),
        DesiredCount=2,
        LaunchType="FARGATE",
        DeploymentConfiguration={**given, **configuration},
        LoadBalancers=[
            {
                "ContainerName": "web",
                "ContainerPort": 8000,
                "TargetGroupArn": _ref("Blue"),
                "AdvancedConfiguration": {
                    "AlternateTargetGroupArn": _ref("Green"),
                    "ProductionListenerRule": _ref("ProductionRule"),
                    **({"TestListenerRule": _ref("TestRule")} if tested else {}),
                    "RoleArn": _of("Infrastructure", "Arn"),
                },
            }
        ],
    )


def _listener(name: str, port: int, *, blue: int) -> dict[str, Any]:
    groups = [{"TargetGroupArn": _ref("Blue"), "Weight": blue}, {"TargetGroupArn": _ref("Green"), "Weight": 100 - blue}]
    return {
        f"{name}Listener": _resource(
            "ElasticLoadBalancingV2::Listener",
            LoadBalancerArn=_ref("Balancer"),
            Port=port,
            Protocol="HTTP",
            DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}],
        ),
        f"{name}Rule": _resource(
            "ElasticLoadBalancingV2::ListenerRule",
            ListenerArn=_ref(f"{name}Listener"),
            Priority=1,
            Conditions=[{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/*"]}}],
            Actions=[{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}],
        ),
    }


def _subnet(block: str, zone: str) -> dict[str, Any]:
    return _resource("EC2::Subnet", VpcId=_ref("Vpc"), CidrBlock=block, AvailabilityZone=f"{REGION}{zone}")


def _role(service: str, **properties: Any) -> dict[str, Any]:
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return _resource(
        "IAM::Role", AssumeRolePolicyDocument={"Version": "2012-10-17", "Statement": [trust]}, **properties
    )


def _policy(action: str, resource: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    return {"PolicyName": "given", "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]}}


def _resource(kind: str, after: list[str] | None = None, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::{kind}", "Properties": properties, **({"DependsOn": after} if after else {})}


def _ref(name: str) -> dict[str, str]:
    return {"Ref": name}


def _of(name: str, attribute: str) -> dict[str, list[str]]:
    return {"Fn::GetAtt": [name, attribute]}


def hook_log() -> Path:
    return layout.home() / "hook.log"


def client(service: str) -> Any:
    return aws.client(service, REGION)


class Shop:
    """The deployed stack."""

    def __init__(self) -> None:
        self.outputs: dict[str, str] = {}

    def deploy(self, version: str, *, create: bool = False, **configuration: Any) -> None:
        """Start a deployment; do not wait for it, as CloudFormation's answer here does for a while."""
        call = client("cloudformation").create_stack if create else client("cloudformation").update_stack
        request = {
            "StackName": STACK,
            "TemplateBody": json.dumps(template(version, **configuration)),
            "Capabilities": ["CAPABILITY_NAMED_IAM"],
        }
        thread = threading.Thread(target=self._send, args=(call, request), daemon=True)
        before = self._last_event()
        thread.start()
        eventually(lambda: self._last_event() != before)

    def _send(self, call: Callable[..., Any], request: dict[str, Any]) -> None:
        with suppress(BotoCoreError):  # the emulator may be killed meanwhile
            call(**request)

    def _last_event(self) -> str:
        try:
            events = client("cloudformation").describe_stack_events(StackName=STACK)["StackEvents"]
        except ClientError:
            return ""
        return str(events[0]["EventId"])

    def settled(self, *, within: float = 60) -> str:
        """The stack's status once its operation has ended."""

        def look() -> str | None:
            stack = client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
            self.outputs = {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}
            status = str(stack["StackStatus"])
            return None if status.endswith("IN_PROGRESS") else status

        return eventually(look, within=within) or ""

    def why(self) -> str:
        """What failed, the latest first."""
        events = client("cloudformation").describe_stack_events(StackName=STACK)["StackEvents"]
        failed = [event for event in events if event["ResourceStatus"].endswith("FAILED")]
        return "\n".join(f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason')}" for event in failed)

    def latest(self) -> dict[str, Any]:
        """The latest service deployment."""
        ecs = client("ecs")
        listed = ecs.list_service_deployments(cluster=CLUSTER, service=SERVICE)["serviceDeployments"]
        found: dict[str, Any] = ecs.describe_service_deployments(
            serviceDeploymentArns=[listed[0]["serviceDeploymentArn"]]
        )["serviceDeployments"][0]
        return found

    def at(self, percent: float, *, within: float = 40) -> dict[str, Any]:
        """The latest deployment once it has this share of production traffic."""

        def look() -> dict[str, Any] | None:
            found = self.latest()
            weight = found["targetServiceRevision"]["requestedProductionTrafficWeight"]
            return found if found["status"] == "IN_PROGRESS" and weight == percent else None

        return eventually(look, within=within) or {}

    def ended(self, status: str, *, within: float = 60) -> dict[str, Any]:
        """The latest deployment once it has ended, and how."""
        found = eventually(lambda: (d := self.latest()).get("finishedAt") and d, within=within)
        assert found["status"] == status, found
        return found

    def weights(self, rule: str = "ProductionRule") -> tuple[int, int]:
        """Of blue and green."""
        described = client("elbv2").describe_rules(RuleArns=[self.outputs[rule]])["Rules"][0]
        groups = described["Actions"][0]["ForwardConfig"]["TargetGroups"]
        shares = {each["TargetGroupArn"]: each["Weight"] for each in groups}
        return shares[self.outputs["Blue"]], shares[self.outputs["Green"]]

    def version_of(self, revision_arn: str) -> str:
        ecs = client("ecs")
        revision = ecs.describe_service_revisions(serviceRevisionArns=[revision_arn])["serviceRevisions"][0]
        return _version(ecs, revision["taskDefinition"])

    def running_versions(self) -> Counter[str]:
        ecs = client("ecs")
        arns = ecs.list_tasks(cluster=CLUSTER, serviceName=SERVICE)["taskArns"]
        tasks = ecs.describe_tasks(cluster=CLUSTER, tasks=arns)["tasks"] if arns else []
        return Counter(_version(ecs, each["taskDefinitionArn"]) for each in tasks if each["lastStatus"] == "RUNNING")


def _version(ecs: Any, definition: str) -> str:
    described = ecs.describe_task_definition(taskDefinition=definition)["taskDefinition"]
    return str(described["containerDefinitions"][0]["environment"][0]["value"])


class Visitors:
    """Ask the load balancer all the time; count what they get: versions, or the status of a failure."""

    def __init__(self) -> None:
        self.got: Counter[str] = Counter()
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._visit, daemon=True) for _ in range(2)]

    def __enter__(self) -> Visitors:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _visit(self) -> None:
        while not self._stopped.is_set():
            self.got[ask()] += 1
            time.sleep(0.01)


def ask(port: int | None = None) -> str:
    """The version that answers, or what went wrong."""
    connection = http.client.HTTPConnection("127.0.0.1", port or layout.ports().base + 80, timeout=10)
    try:
        connection.request("GET", "/")
        answer = connection.getresponse()
        said = answer.read().decode()
        return said if answer.status == 200 else f"status {answer.status}"
    except OSError as error:
        return type(error).__name__
    finally:
        connection.close()
