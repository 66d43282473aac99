"""Lambda: concurrency, limits, and what a function's role must allow."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from preflight.assembly import Assembly, Resource
from preflight.rule import Confidence, Fault, Severity, rule
from preflight.rules.role_grants import allows_action, assumed_by, role_of
from preflight.values import boolean, entries, integer, number, target, text

FUNCTION = ("AWS::Lambda::Function",)
SERVERLESS = "AWS::Serverless::Function"
# The default quota of a region, less what has to stay unreserved.
RESERVABLE = 1000 - 100
CONCURRENCY_SOURCE = "https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionConcurrency.html"
LIMITS_SOURCE = "https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"
EDGE_SOURCE = (
    "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-at-edge-function-restrictions.html"
)


@rule(
    "LAMBDA-124",
    constraint=124,
    severity=Severity.REFUSED,
    confidence=Confidence.BELIEVED,
    title="Reserved concurrency leaves 100 executions of the region's quota to the other functions",
    otherwise="Lambda refuses the reservation: it decreases the account's unreserved concurrency below its minimum.",
    remedy="Reserve less, or have the quota of concurrent executions (1000 by default) raised first.",
    source=CONCURRENCY_SOURCE,
)
def reserved_in_sum(assembly: Assembly) -> Iterator[Fault]:
    # A warning: the quota may have been raised.
    sums: dict[tuple[str | None, str | None], int] = defaultdict(int)
    for function in assembly.of_type(*FUNCTION, SERVERLESS):
        place = (function.stack.account, function.stack.region)
        before = sums[place]
        sums[place] += max(integer(function.get("ReservedConcurrentExecutions")) or 0, 0)
        if before <= RESERVABLE < sums[place]:
            message = f"{sums[place]} executions reserved so far, of {RESERVABLE} under the default quota"
            yield Fault(at="ReservedConcurrentExecutions", message=message, resource=function)


@rule(
    "LAMBDA-124b",
    constraint=124,
    severity=Severity.COST,
    confidence=Confidence.REPORTED,
    title="A reservation needs more than a fresh account's quota",
    otherwise="New accounts may have 10 concurrent executions, all to stay unreserved: the stack rolls back.",
    remedy="Leave reservations off until the quota is raised; ask for it before the first deploy.",
    source="https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html",
    types=(*FUNCTION, SERVERLESS),
)
def any_reservation(function: Resource) -> Iterator[Fault]:
    node = function.get("ReservedConcurrentExecutions")
    reserved = integer(node)
    if reserved is not None and reserved > 0:
        yield Fault(at=str(node), message=f"reserves {reserved}")


@rule(
    "LAMBDA-201",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Provisioned concurrency and an event source's concurrency fit into the function's reservation",
    otherwise="Lambda refuses the configuration: it is greater than the function's reserved concurrency.",
    remedy="Raise ReservedConcurrentExecutions, or lower what is to be taken out of it.",
    source="https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html",
    types=("AWS::Lambda::Alias", "AWS::Lambda::Version", "AWS::Lambda::EventSourceMapping"),
)
def more_than_reserved(resource: Resource) -> Iterator[Fault]:
    function = target(resource.get("FunctionName"), *FUNCTION)
    reserved = integer(function.get("ReservedConcurrentExecutions")) if function else None
    for keys in (
        ("ProvisionedConcurrencyConfig", "ProvisionedConcurrentExecutions"),
        ("ScalingConfig", "MaximumConcurrency"),
    ):
        wanted = integer(resource.get(*keys))
        if reserved is not None and wanted is not None and wanted > reserved:
            yield Fault(at=".".join(keys), message=f"{wanted}, and the function reserves {reserved}")


@rule(
    "LAMBDA-202",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A function keeps to Lambda's limits: 900 s, 10240 MB of memory and of /tmp, five layers",
    otherwise="Lambda refuses the function.",
    remedy="Stay within the limits; longer work belongs into a task, a build or a state machine.",
    source=LIMITS_SOURCE,
    types=FUNCTION,
)
def limits(function: Resource) -> Iterator[Fault]:
    if not function.get("CapacityProviderConfig").absent:
        return  # managed instances have limits of their own
    for keys, least, most, unit in (
        (("Timeout",), 1, 900, "s"),
        (("MemorySize",), 128, 10240, "MB"),
        (("EphemeralStorage", "Size"), 512, 10240, "MB"),
    ):
        value = number(function.get(*keys))
        if value is not None and not least <= value <= most:
            yield Fault(at=".".join(keys), message=f"{value:g} {unit}, accepted is {least} to {most}")
    layers = entries(function.get("Layers"))
    if len(layers) > 5:
        yield Fault(at="Layers", message=f"{len(layers)} layers")
    variables = function.get("Environment", "Variables")
    if isinstance(variables.value, dict):
        known = sum(len(name) + len(value) for name, value in variables.value.items() if isinstance(value, str))
        if known > 4096:
            yield Fault(at=str(variables), message=f"{known} bytes of variables, 4096 is the most")


@rule(
    "LAMBDA-203",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="The role of a function trusts Lambda",
    otherwise="The function is refused: the role defined for it cannot be assumed by Lambda.",
    remedy="Allow sts:AssumeRole to lambda.amazonaws.com in the role's trust policy.",
    source="https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html",
    types=FUNCTION,
)
def trust_of_lambda(function: Resource) -> Iterator[Fault]:
    role = role_of(function.get("Role"))
    if role is not None and assumed_by(role, "lambda.amazonaws.com") is False:
        yield Fault(at="Role", message=f"{role.construct_path} does not trust lambda.amazonaws.com")


@rule(
    "LAMBDA-204",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A function in a VPC may make its network interfaces",
    otherwise="Refused: the execution role does not have permissions to call CreateNetworkInterface on EC2.",
    remedy="Attach service-role/AWSLambdaVPCAccessExecutionRole, or allow what it allows.",
    source="https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html",
    types=FUNCTION,
    lacks=(
        "AWS::IAM::Policy",
        "AWS::IAM::RolePolicy",
        "AWS::IAM::ManagedPolicy",
    ),
)
def role_in_a_vpc(function: Resource) -> Iterator[Fault]:
    if not entries(function.get("VpcConfig", "SubnetIds")):
        return
    role = role_of(function.get("Role"))
    if role is not None and allows_action(role, "ec2:CreateNetworkInterface") is False:
        yield Fault(at="Role", message=f"{role.construct_path} does not allow ec2:CreateNetworkInterface")


# What Lambda's pollers call, by the service in the event source's ARN and the type of the source.
POLLED = {
    "sqs": ("AWS::SQS::Queue", "sqs:ReceiveMessage"),
    "dynamodb": ("AWS::DynamoDB::Table", "dynamodb:GetRecords"),
    "kinesis": ("AWS::Kinesis::Stream", "kinesis:GetRecords"),
}


@rule(
    "LAMBDA-205",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="The role of a function may read its event source",
    otherwise="The mapping is refused: the execution role does not have permissions to call the source.",
    remedy="Allow the function's role to read from the queue or stream.",
    source="https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html",
    types=("AWS::Lambda::EventSourceMapping",),
    lacks=(
        "AWS::IAM::Policy",
        "AWS::IAM::RolePolicy",
        "AWS::IAM::ManagedPolicy",
    ),
)
def role_of_a_mapping(mapping: Resource) -> Iterator[Fault]:
    function = target(mapping.get("FunctionName"), *FUNCTION, "AWS::Lambda::Alias", "AWS::Lambda::Version")
    if function is not None and function.type != FUNCTION[0]:
        function = target(function.get("FunctionName"), *FUNCTION)
    role = role_of(function.get("Role")) if function else None
    polled = POLLED.get(source_service(mapping) or "")
    if role is not None and polled is not None and allows_action(role, polled[1]) is False:
        yield Fault(at="FunctionName", message=f"{role.construct_path} does not allow {polled[1]}")


def source_service(mapping: Resource) -> str | None:
    """The service that the mapping polls, by its ARN or by the resource that it refers to."""
    source = mapping.get("EventSourceArn")
    for service, (kind, _) in POLLED.items():
        if target(source, kind) is not None:
            return service
    arn = source.value
    parts = arn.split(":") if isinstance(arn, str) else []
    return parts[2] if len(parts) > 5 else None


@rule(
    "LAMBDA-206",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="An event source mapping asks of its source what that kind of source can do",
    otherwise="Lambda refuses the mapping.",
    remedy="Queues take more than 10 messages only with a batching window of 1 s or more; scaling is for them alone; "
    "parallelization, tumbling windows, bisecting and ages belong to streams.",
    source="https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html",
    types=("AWS::Lambda::EventSourceMapping",),
)
def options_of_a_mapping(mapping: Resource) -> Iterator[Fault]:
    service = source_service(mapping)
    if service is None:
        return
    size, window = mapping.get("BatchSize"), mapping.get("MaximumBatchingWindowInSeconds")
    if service == "sqs":
        if (integer(size) or 0) > 10 and (window.absent or integer(window) == 0):
            yield Fault(at="BatchSize", message=f"{integer(size)} messages without a batching window")
        for name in STREAM_OPTIONS:
            if not mapping.get(name).absent:
                yield Fault(at=name, message=f"{name} with a queue")
    elif not mapping.get("ScalingConfig").absent:
        yield Fault(at="ScalingConfig", message=f"ScalingConfig with {service}")
    if service == "dynamodb" and text(mapping.get("StartingPosition")) == "AT_TIMESTAMP":
        yield Fault(at="StartingPosition", message="AT_TIMESTAMP with a DynamoDB stream")


STREAM_OPTIONS = (
    "StartingPosition",
    "ParallelizationFactor",
    "TumblingWindowInSeconds",
    "BisectBatchOnFunctionError",
    "MaximumRecordAgeInSeconds",
    "MaximumRetryAttempts",
)


@rule(
    "LAMBDA-207",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Dead letters and results of asynchronous calls go to standard queues and topics",
    otherwise="Lambda refuses FIFO queues and topics there.",
    remedy="Use a standard queue or topic, or an S3 bucket for failures.",
    source="https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html",
    types=(*FUNCTION, "AWS::Lambda::EventInvokeConfig"),
)
def fifo_destination(resource: Resource) -> Iterator[Fault]:
    for keys in (
        ("DeadLetterConfig", "TargetArn"),
        ("DestinationConfig", "OnFailure", "Destination"),
        ("DestinationConfig", "OnSuccess", "Destination"),
    ):
        node = resource.get(*keys)
        receiver = target(node, "AWS::SQS::Queue", "AWS::SNS::Topic")
        literal = node.value if isinstance(node.value, str) else ""
        if literal.endswith(".fifo") or (receiver is not None and is_fifo(receiver)):
            yield Fault(at=str(node), message="a FIFO queue or topic")


def is_fifo(receiver: Resource) -> bool:
    return boolean(receiver.get("FifoQueue")) is True or boolean(receiver.get("FifoTopic")) is True


@rule(
    "LAMBDA-208",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Provisioned concurrency and SnapStart stand on published versions, and not together",
    otherwise="Lambda refuses provisioned concurrency on $LATEST and beside SnapStart.",
    remedy="Point the alias at a version; choose one of the two.",
    source="https://docs.aws.amazon.com/lambda/latest/dg/snapstart.html",
    types=("AWS::Lambda::Alias", "AWS::Lambda::Version"),
)
def place_of_provisioned_concurrency(resource: Resource) -> Iterator[Fault]:
    provisioned = resource.get("ProvisionedConcurrencyConfig")
    if provisioned.absent:
        return
    if text(resource.get("FunctionVersion")) == "$LATEST":
        yield Fault(at=str(provisioned), message="provisioned concurrency on $LATEST")
    function = target(resource.get("FunctionName"), *FUNCTION)
    if function is not None and text(function.get("SnapStart", "ApplyOn")) == "PublishedVersions":
        yield Fault(
            at=str(provisioned), message=f"provisioned concurrency, and {function.construct_path} has SnapStart"
        )
