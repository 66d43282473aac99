"""Faults of templates and between stacks: sizes, circles, references that cross, names."""

from __future__ import annotations

from typing import Any

from preflight.references import stack_references
from preflight.rules.weak_references import MANY
from tests.preflight.prod import Prod, plants

STACK = "SpendSmart-Prod-"


def weak(stack: str, output: str, **more: str) -> dict[str, Any]:
    return {"Fn::GetStackOutput": {"StackName": STACK + stack, "OutputName": output, **more}}


def reader(prod: Prod, stack: str, value: Any, logical_id: str = "Reader") -> dict[str, Any]:
    properties = {"Type": "String", "Value": value}
    return prod.add(stack, logical_id, {"Type": "AWS::SSM::Parameter", "Properties": properties})


def output(prod: Prod, stack: str, name: str, value: Any, **more: Any) -> None:
    prod.template(stack).setdefault("Outputs", {})[name] = {"Value": value, **more}


def any_output(prod: Prod, stack: str) -> str:
    return next(iter(prod.template(stack)["Outputs"]))


@plants("CFN-127", constraint=127)
def a_weak_reference_to_a_task_definition(prod: Prod) -> str:
    task = prod.resource("Service", "AWS::ECS::TaskDefinition")
    output(prod, "Service", "Task", {"Ref": prod.logical_id(task)})
    return prod.path(reader(prod, "Backup", weak("Service", "Task")))


@plants("CFN-128", constraint=128)
def weak_references_by_the_hundred(prod: Prod) -> str:
    name = any_output(prod, "Network")
    for number in range(100):
        reader(prod, "Service", weak("Network", name), f"Reader{number}")
    return STACK + "Service"


@plants("CFN-128b", constraint=128)
def weak_references_by_the_dozen(prod: Prod) -> str:
    name = any_output(prod, "Network")
    for number in range(MANY - len(stack_references(prod.template("Service")).outputs)):
        reader(prod, "Service", weak("Network", name), f"Reader{number}")
    return STACK + "Service"


@plants("CFN-129", constraint=129)
def a_weak_reference_to_a_renamed_output(prod: Prod) -> str:
    outputs = prod.template("Network")["Outputs"]
    name = any_output(prod, "Network")
    outputs["Renamed"] = outputs.pop(name)
    return prod.path(reader(prod, "Service", weak("Network", name)))


@plants("CFN-129b", constraint=129)
def a_weak_reference_into_china(prod: Prod) -> str:
    return prod.path(reader(prod, "Service", weak("Network", any_output(prod, "Network"), Region="cn-north-1")))


@plants("CFN-129c", constraint=129)
def a_weak_reference_into_another_account(prod: Prod) -> str:
    prod.move("Service", account="444455556666")
    return prod.path(reader(prod, "Service", weak("Network", any_output(prod, "Network"))))


@plants("CFN-129d", constraint=129)
def a_weak_reference_that_forgets_the_second_region(prod: Prod) -> str:
    return prod.path(reader(prod, "Service", weak("StorageReplica", any_output(prod, "StorageReplica"))))


@plants("CFN-129e", constraint=129)
def a_weak_reference_to_what_is_deployed_later(prod: Prod) -> str:
    output(prod, "Service", "Cluster", {"Ref": prod.logical_id(prod.resource("Service", "AWS::ECS::Cluster"))})
    return prod.path(reader(prod, "Network", weak("Service", "Cluster")))


@plants("CFN-130", constraint=130)
def a_strong_cross_region_reference_to_too_much(prod: Prod) -> str:
    names = {f"/cdk/exports/{STACK}Service/{'x' * 64}{number:03}": "{{resolve:ssm:/a}}" for number in range(45)}
    made = {"Type": "Custom::CrossRegionExportReader", "Properties": {"ReaderProps": {"imports": names}}}
    return prod.path(prod.add("Service", "Imports", made))


@plants("CFN-130b", constraint=130)
def an_import_of_what_is_not_exported(prod: Prod) -> str:
    return prod.path(reader(prod, "Service", {"Fn::ImportValue": f"{STACK}Network:ExportsOutputRefVpc"}))


@plants("CFN-130c", constraint=130)
def an_import_by_a_misspelled_name(prod: Prod) -> str:
    name = any_output(prod, "Network")
    prod.template("Network")["Outputs"][name]["Export"] = {"Name": "shared-vpc"}
    return prod.path(reader(prod, "Service", {"Fn::ImportValue": "shared-vcp"}))


@plants("CFN-130d", constraint=130)
def an_export_given_twice(prod: Prod) -> str:
    for stack in ("Network", "Data"):
        prod.template(stack)["Outputs"][any_output(prod, stack)]["Export"] = {"Name": "shared"}
    return STACK + "Data"


@plants("CFN-131", constraint=131)
def an_execution_role_that_passes_no_role(prod: Prod) -> str:
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "cloudformation.amazonaws.com"}}
    allow = {"Effect": "Allow", "Action": ["ecs:*", "backup:*", "scheduler:*"], "Resource": "*"}
    properties = {
        "AssumeRolePolicyDocument": {"Statement": [trust]},
        "Policies": [{"PolicyName": "deploy", "PolicyDocument": {"Statement": [allow]}}],
    }
    return prod.path(prod.add("Service", "Deployer", {"Type": "AWS::IAM::Role", "Properties": properties}))


@plants("CFN-132", constraint=132)
def more_resources_than_a_template_takes(prod: Prod) -> str:
    for number in range(500):
        reader(prod, "Service", "x", f"Reader{number}")
    return STACK + "Service"


@plants("CFN-132", constraint=132)
def more_outputs_than_a_template_takes(prod: Prod) -> str:
    for number in range(201):
        output(prod, "Edge", f"Output{number}", "x")
    return STACK + "Edge"


@plants("CFN-132b", constraint=132)
def a_megabyte_of_template(prod: Prod) -> str:
    prod.template("Service")["Metadata"] = {"Note": "x" * 1_000_000}
    return STACK + "Service"


@plants("CFN-133", constraint=133)
def a_bucket_that_outlives_its_stack_by_name(prod: Prod) -> str:
    bucket = prod.resource("Storage", "AWS::S3::Bucket")
    bucket["Properties"]["BucketName"] = "spendsmart-receipts"
    bucket["DeletionPolicy"] = "Retain"
    return prod.path(bucket)


@plants("CFN-133b", constraint=133)
def a_role_named_alike_in_both_regions(prod: Prod) -> str:
    first = {"RoleName": "SpendSmart-Copier", "AssumeRolePolicyDocument": {"Statement": []}}
    prod.add("StorageReplica", "Copier", {"Type": "AWS::IAM::Role", "Properties": first})
    second = prod.resource("Service", "AWS::IAM::Role")
    second["Properties"]["RoleName"] = "spendsmart-copier"
    return prod.path(second)


@plants("CFN-133c", constraint=133)
def a_topic_named_alike_where_nobody_says_where(prod: Prod) -> str:
    for stack in ("Network", "Service"):
        prod.add(stack, "Alerts", {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "alerts"}})
        prod.move(stack, region="")
    return f"{STACK}Service/Alerts/Resource"


@plants("CFN-133d", constraint=133)
def a_security_group_with_a_name(prod: Prod) -> str:
    group = prod.resource("Network", "AWS::EC2::SecurityGroup")
    group["Properties"]["GroupName"] = "endpoints"
    return prod.path(group)


@plants("CFN-140", constraint=140)
def a_stack_with_a_bootstrap_of_its_own(prod: Prod) -> str:
    prod.template("Service")["Parameters"]["BootstrapVersion"]["Default"] = "/cdk-bootstrap/payments/version"
    return STACK + "Service"


@plants("CFN-201")
def two_groups_that_name_each_other(prod: Prod) -> str:
    for one, other in (("First", "Second"), ("Second", "First")):
        ingress = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "SourceSecurityGroupId": {"Ref": other}}
        properties = {"GroupDescription": one, "VpcId": "vpc-01234567", "SecurityGroupIngress": [ingress]}
        prod.add("Service", one, {"Type": "AWS::EC2::SecurityGroup", "Properties": properties})
    return f"{STACK}Service/First/Resource"


@plants("CFN-202")
def two_stacks_that_need_each_other(prod: Prod) -> str:
    output(prod, "Service", "Cluster", {"Ref": prod.logical_id(prod.resource("Service", "AWS::ECS::Cluster"))})
    reader(prod, "Network", weak("Service", "Cluster"))
    reader(prod, "Service", weak("Network", any_output(prod, "Network")))
    return STACK + "Network"
