"""Faults in functions, those of prod and new ones."""

from __future__ import annotations

from typing import Any

from tests.preflight.prod import Prod, plants

FUNCTION = "AWS::Lambda::Function"


def function(prod: Prod, **properties: Any) -> dict[str, Any]:
    """A sound function in the Service stack, with `properties` over its own."""
    given = {
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "Code": {"ZipFile": "def handler(event, context): pass"},
        "Role": "arn:aws:iam::111122223333:role/function",
    }
    return prod.add("Service", "Function", {"Type": FUNCTION, "Properties": given | properties})


def role(prod: Prod, service: str = "lambda.amazonaws.com", actions: tuple[str, ...] = ("logs:*",)) -> dict[str, Any]:
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": service}}
    allow = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    properties = {
        "AssumeRolePolicyDocument": {"Statement": [trust]},
        "Policies": [{"PolicyName": "do", "PolicyDocument": {"Statement": [allow]}}],
    }
    prod.add("Service", "FunctionRole", {"Type": "AWS::IAM::Role", "Properties": properties})
    return {"Fn::GetAtt": ["FunctionRole", "Arn"]}


def alias(prod: Prod, **properties: Any) -> dict[str, Any]:
    given = {"FunctionName": {"Ref": "Function"}, "FunctionVersion": "1", "Name": "live"} | properties
    return prod.add("Service", "Live", {"Type": "AWS::Lambda::Alias", "Properties": given})


def mapping(prod: Prod, **properties: Any) -> dict[str, Any]:
    prod.add("Service", "Queue", {"Type": "AWS::SQS::Queue", "Properties": {}})
    given = {"FunctionName": {"Ref": "Function"}, "EventSourceArn": {"Fn::GetAtt": ["Queue", "Arn"]}} | properties
    return prod.add("Service", "Mapping", {"Type": "AWS::Lambda::EventSourceMapping", "Properties": given})


@plants("LAMBDA-124", constraint=124)
def a_reservation_of_nearly_everything(prod: Prod) -> str:
    made = prod.resource("Network", FUNCTION)
    made["Properties"]["ReservedConcurrentExecutions"] = 901
    return prod.path(made)


@plants("LAMBDA-124b", constraint=124)
def a_small_reservation(prod: Prod) -> str:
    return prod.path(function(prod, ReservedConcurrentExecutions=5))


@plants("LAMBDA-201")
def more_provisioned_than_reserved(prod: Prod) -> str:
    function(prod, ReservedConcurrentExecutions=5)
    return prod.path(alias(prod, ProvisionedConcurrencyConfig={"ProvisionedConcurrentExecutions": 10}))


@plants("LAMBDA-201")
def an_event_source_above_the_reservation(prod: Prod) -> str:
    function(prod, ReservedConcurrentExecutions=5)
    return prod.path(mapping(prod, ScalingConfig={"MaximumConcurrency": 6}))


@plants("LAMBDA-202")
def a_function_with_too_much_scratch_space(prod: Prod) -> str:
    return prod.path(function(prod, EphemeralStorage={"Size": 10241}))


@plants("LAMBDA-203")
def a_function_with_a_tasks_role(prod: Prod) -> str:
    return prod.path(function(prod, Role=role(prod, "ecs-tasks.amazonaws.com")))


@plants("LAMBDA-204")
def a_function_in_the_vpc_without_interfaces(prod: Prod) -> str:
    network = {"SubnetIds": ["subnet-01234567"], "SecurityGroupIds": ["sg-01234567"]}
    return prod.path(function(prod, Role=role(prod), VpcConfig=network))


@plants("LAMBDA-205")
def a_function_that_may_not_read_its_queue(prod: Prod) -> str:
    function(prod, Role=role(prod))
    return prod.path(mapping(prod))


@plants("LAMBDA-206")
def a_large_batch_without_a_window(prod: Prod) -> str:
    function(prod)
    return prod.path(mapping(prod, BatchSize=100))


@plants("LAMBDA-207")
def dead_letters_in_order(prod: Prod) -> str:
    prod.add("Service", "Letters", {"Type": "AWS::SQS::Queue", "Properties": {"FifoQueue": True}})
    return prod.path(function(prod, DeadLetterConfig={"TargetArn": {"Fn::GetAtt": ["Letters", "Arn"]}}))


@plants("LAMBDA-208")
def provisioned_concurrency_on_latest(prod: Prod) -> str:
    function(prod)
    concurrency = {"ProvisionedConcurrentExecutions": 1}
    return prod.path(alias(prod, FunctionVersion="$LATEST", ProvisionedConcurrencyConfig=concurrency))


@plants("LAMBDA-209")
def an_arm_function_at_the_edge(prod: Prod) -> str:
    function(prod, Architectures=["arm64"])
    prod.add("Edge", "Rewrite", prod.template("Service")["Resources"].pop("Function"))
    version = {"FunctionName": {"Ref": "Rewrite"}}
    prod.add("Edge", "RewriteVersion", {"Type": "AWS::Lambda::Version", "Properties": version})
    made = prod.resource("Edge", "AWS::CloudFront::Distribution")
    made["Properties"]["DistributionConfig"]["DefaultCacheBehavior"]["LambdaFunctionAssociations"] = [
        {"EventType": "viewer-request", "LambdaFunctionARN": {"Ref": "RewriteVersion"}}
    ]
    return prod.path(made)


@plants("LAMBDA-210")
def an_image_from_the_second_region(prod: Prod) -> str:
    image = "111122223333.dkr.ecr.us-west-2.amazonaws.com/app:1"
    return prod.path(function(prod, Code={"ImageUri": image}, PackageType="Image"))


@plants("LAMBDA-211")
def inline_code_beside_an_image(prod: Prod) -> str:
    image = "111122223333.dkr.ecr.us-east-1.amazonaws.com/app:1"
    return prod.path(function(prod, Code={"ImageUri": image, "ZipFile": "pass"}))
