"""Load balancers towards the outside: the buckets they log to, and who reaches their test listeners."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from preflight.assembly import Assembly, Resource
from preflight.policies import Statement, statements
from preflight.rule import Confidence, Fault, Severity, rule
from preflight.rules.balancers import LISTENER, LISTENER_RULE, LOAD_BALANCER, balancer_kind
from preflight.rules.ordering import made_before
from preflight.rules.remembering import shared
from preflight.rules.support import bucket_policies, covers_port, group_rules, policies_unclear
from preflight.values import Node, Text, boolean, entries, integer, is_unknown, target, text

_LOGS = "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html"
_CLASSIC = "AWS::ElasticLoadBalancing::LoadBalancer"
_BUCKET = "AWS::S3::Bucket"
_BALANCERS = (LOAD_BALANCER, _CLASSIC)


@dataclass(frozen=True)
class _Log:
    """One kind of log that a load balancer writes: where its bucket and its prefix are named."""

    at: Node
    bucket: Resource | None
    prefix: str | None


def _logs(balancer: Resource) -> Iterator[_Log]:
    """The logs that are switched on."""
    if balancer.type == _CLASSIC:
        policy = balancer.get("AccessLoggingPolicy")
        if boolean(policy.get("Enabled")):
            place = policy.get("S3BucketName")
            yield _Log(place, target(place, _BUCKET), _prefix(policy.get("S3BucketPrefix")))
        return
    given: dict[str, Node] = {}
    for attribute in entries(balancer.get("LoadBalancerAttributes")):
        given[text(attribute.get("Key")) or ""] = attribute.get("Value")
    for kind in ("access_logs", "connection_logs", "health_check_logs"):
        enabled = given.get(f"{kind}.s3.enabled")
        if enabled is None or not boolean(enabled):
            continue
        place = given.get(f"{kind}.s3.bucket", enabled)
        prefix = given.get(f"{kind}.s3.prefix")
        yield _Log(place, target(place, _BUCKET), "" if prefix is None else _prefix(prefix))


def _prefix(node: Node) -> str | None:
    return "" if node.absent else text(node)


def _kind(balancer: Resource) -> str | None:
    return "classic" if balancer.type == _CLASSIC else balancer_kind(balancer)


@rule(
    "ELB-38",
    constraint=38,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A load balancer logs to a bucket with S3-managed encryption",
    otherwise="Access Denied for bucket: the load balancer is refused, and its stack rolls back.",
    remedy="Use AES256 as the bucket's default encryption; load balancers cannot use KMS keys.",
    source=_LOGS,
    types=_BALANCERS,
)
def bucket_encryption(balancer: Resource) -> Iterator[Fault]:
    # Network load balancers may use a KMS key that they are allowed to use.
    if _kind(balancer) not in ("application", "classic"):
        return
    for log in _logs(balancer):
        if log.bucket is None:
            continue
        for each in entries(log.bucket.get("BucketEncryption", "ServerSideEncryptionConfiguration")):
            algorithm = text(each.get("ServerSideEncryptionByDefault", "SSEAlgorithm"))
            if algorithm is not None and algorithm != "AES256":
                yield Fault(at=str(log.at), message=f"bucket {log.bucket.construct_path} encrypts by {algorithm}")


@rule(
    "ELB-38b",
    constraint=38,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A load balancer logs to a bucket of its own region",
    otherwise="The load balancer is refused, and its stack rolls back.",
    remedy="Put a log bucket into each region.",
    source=_LOGS,
    types=_BALANCERS,
)
def bucket_region(balancer: Resource) -> Iterator[Fault]:
    for log in _logs(balancer):
        regions = (balancer.stack.region, log.bucket.stack.region if log.bucket else None)
        if None not in regions and regions[0] != regions[1]:
            yield Fault(at=str(log.at), message=f"load balancer in {regions[0]}, bucket in {regions[1]}")


@rule(
    "ELB-38c",
    constraint=38,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="The policy of a log bucket lets the load balancer write under its prefix",
    otherwise="Access Denied for bucket: the load balancer is refused, and its stack rolls back.",
    remedy="Allow s3:PutObject on <bucket>/<prefix>/AWSLogs/<account>/* to the service "
    "logdelivery.elasticloadbalancing.amazonaws.com (or to the region's load-balancing account).",
    source=_LOGS,
    types=_BALANCERS,
    lacks=("AWS::S3::BucketPolicy",),
)
def bucket_policy(balancer: Resource) -> Iterator[Fault]:
    for log in _logs(balancer):
        if log.bucket is None:
            continue
        found = _writers(log.bucket)
        if not found and not _undecided(log.bucket):
            yield Fault(at=str(log.at), message=f"bucket {log.bucket.construct_path} lets nobody write logs")
        elif log.prefix is not None and found and not any(_reaches(each, log.prefix) for each in found):
            path = f"{log.prefix}/AWSLogs" if log.prefix else "AWSLogs"
            yield Fault(at=str(log.at), message=f"no statement of the bucket's policy covers {path}/<account>/*")


@shared
def _writers(bucket: Resource) -> tuple[Statement, ...]:
    """The statements that let a load balancer write to the bucket, or may do so."""
    return tuple(
        statement
        for policy in bucket_policies(bucket)
        for statement in statements(policy.get("PolicyDocument"))
        if statement.undecided or _grants(statement)
    )


@shared
def _undecided(bucket: Resource) -> bool:
    policies = bucket_policies(bucket)
    if not policies and policies_unclear(bucket):
        return True
    return any(is_unknown(policy.get("PolicyDocument", "Statement")) for policy in policies)


def _grants(statement: Statement) -> bool:
    # Which account is load balancing's own depends on the region: any account may be the right one.
    account = not statement.node.get("Principal", "AWS").absent
    services = [each for each in statement.principals("Service") if not _other_service(each)]
    return statement.effect == "Allow" and statement.covers("s3:PutObject") and (account or bool(services))


def _other_service(principal: object) -> bool:
    return isinstance(principal, str) and not principal.startswith(("*", "logdelivery.", "delivery.logs."))


def _reaches(statement: Statement, prefix: str) -> bool:
    """Whether a statement's Resource may cover the objects a load balancer writes; True where that is not known."""
    written = f"{prefix.strip('/')}/AWSLogs/123456789012/elasticloadbalancing/log.gz".lstrip("/")
    if statement.undecided or not statement.node.get("NotResource").absent:
        return True
    for value in statement.resources:
        if value == "*":
            return True
        literal = value.literal if isinstance(value, Text) else value if isinstance(value, str) else None
        if literal is None:
            # A bucket's bare ARN covers no object; anything else that is not a text is not known.
            if getattr(value, "attribute", None) != "Arn":
                return True
            continue
        if "/" not in literal:
            if literal.endswith(("*", "\0")) and literal != "\0":
                return True
            continue
        pattern = re.sub(r"\b\d{12}\b", "\0", literal.split("/", 1)[1])
        expression = "".join(
            ".*" if letter in "*\0" else "." if letter == "?" else re.escape(letter) for letter in pattern[:512]
        )
        if re.fullmatch(re.sub(r"(\.\*)+", ".*", expression), written):
            return True
    return False


@rule(
    "ELB-38d",
    constraint=38,
    severity=Severity.REFUSED,
    confidence=Confidence.REPORTED,
    title="A load balancer is created after the policy of the bucket it logs to",
    otherwise="Access Denied for bucket, when CloudFormation makes the load balancer first.",
    remedy="Let the load balancer depend on the bucket policy (DependsOn).",
    source="https://github.com/aws/aws-cdk/issues/1633",
    types=_BALANCERS,
    lacks=("DependsOn",),
)
def policy_first(balancer: Resource) -> Iterator[Fault]:
    for log in _logs(balancer):
        policies = bucket_policies(log.bucket) if log.bucket else ()
        before = made_before(balancer) if policies else frozenset()
        late = (each for each in policies if each.stack is balancer.stack and each.logical_id not in before)
        if (policy := next(late, None)) is not None:
            yield Fault(at=str(log.at), message=f"does not depend on {policy.construct_path}")


@rule(
    "ELB-213",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Logs that are switched on have a bucket, and a prefix without AWSLogs",
    otherwise="ModifyLoadBalancerAttributes refuses the attributes, and the stack rolls back.",
    remedy="Set the attribute of the bucket; AWSLogs/<account> is added to the prefix by itself.",
    source="https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_LoadBalancerAttribute.html",
    types=_BALANCERS,
)
def log_bucket_named(balancer: Resource) -> Iterator[Fault]:
    for log in _logs(balancer):
        if log.at.absent or (balancer.type == LOAD_BALANCER and log.at.value in (True, "true")):
            yield Fault(at=str(log.at), message="logs are switched on without a bucket")
        elif log.prefix is not None and "AWSLogs" in log.prefix:
            yield Fault(at=str(log.at), message=f"prefix {log.prefix} contains AWSLogs")


@rule(
    "ELB-40",
    constraint=40,
    severity=Severity.SILENT,
    confidence=Confidence.BELIEVED,
    title="A test listener is not open to everybody",
    otherwise="The revision under test answers the whole internet before it has passed its tests.",
    remedy="Create the test listener with open=False and admit the testers' addresses or security groups only.",
    source="https://docs.aws.amazon.com/cdk/api/v2/docs/aws-cdk-lib.aws_elasticloadbalancingv2.ApplicationListener.html",
)
def closed_test_listener(assembly: Assembly) -> Iterator[Fault]:
    production = {id(listener) for listener in _listeners(assembly, "ProductionListenerRule", "ProdTrafficRoute")}
    for listener in _listeners(assembly, "TestListenerRule", "TestTrafficRoute"):
        balancer = target(listener.get("LoadBalancerArn"), LOAD_BALANCER)
        port = integer(listener.get("Port"))
        if balancer is None or port is None or id(listener) in production:
            continue
        if text(balancer.get("Scheme")) == "internal" or is_unknown(balancer.get("Scheme")):
            continue
        for place in entries(balancer.get("SecurityGroups")):
            group = target(place, "AWS::EC2::SecurityGroup")
            for owner, node in group_rules(group, "Ingress") if group else ():
                world = node.get("CidrIp").value == "0.0.0.0/0" or node.get("CidrIpv6").value == "::/0"
                if world and covers_port(node, port):
                    message = f"admits everybody to port {port}, the test listener {listener.construct_path}"
                    yield Fault(at=str(node), message=message, resource=owner)


def _listeners(assembly: Assembly, in_service: str, in_deployment_group: str) -> list[Resource]:
    """The listeners that an ECS service or a CodeDeploy deployment group names for one kind of traffic."""
    places = [
        balancer.get("AdvancedConfiguration", in_service)
        for service in assembly.of_type("AWS::ECS::Service")
        for balancer in entries(service.get("LoadBalancers"))
    ]
    for group in assembly.of_type("AWS::CodeDeploy::DeploymentGroup"):
        for pair in entries(group.get("LoadBalancerInfo", "TargetGroupPairInfoList")):
            places += entries(pair.get(in_deployment_group, "ListenerArns"))
    found: dict[int, Resource] = {}
    for place in places:
        resource = target(place, LISTENER, LISTENER_RULE)
        if resource is not None and resource.type == LISTENER_RULE:
            resource = target(resource.get("ListenerArn"), LISTENER)
        if resource is not None:
            found[id(resource)] = resource
    return list(found.values())
