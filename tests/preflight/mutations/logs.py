"""Faults in log groups and their filters."""

from __future__ import annotations

from typing import Any

from tests.preflight.prod import Prod, plants


def _group(prod: Prod, stack: str = "Service", path: str = "/Logs/Web") -> dict[str, Any]:
    return prod.resource(stack, "AWS::Logs::LogGroup", path=path)


def _add_group(prod: Prod, stack: str, **properties: Any) -> str:
    return prod.path(prod.add(stack, "Extra", {"Type": "AWS::Logs::LogGroup", "Properties": properties}))


@plants("LOGS-101", constraint=101)
def a_key_for_logs_of_another_region(prod: Prod) -> str:
    key = prod.resource("Service", "AWS::KMS::Key")
    for statement in key["Properties"]["KeyPolicy"]["Statement"]:
        if "Service" in statement["Principal"]:
            statement["Principal"] = {"Service": "logs.us-west-2.amazonaws.com"}
    return prod.path(_group(prod))


@plants("LOGS-101b", constraint=101)
def a_key_of_another_region(prod: Prod) -> str:
    group = _group(prod)
    group["Properties"]["KmsKeyId"] = "arn:aws:kms:us-west-2:000000000000:key/logs"
    return prod.path(group)


@plants("LOGS-109", constraint=109)
def a_year_of_366_days(prod: Prod) -> str:
    group = _group(prod)
    group["Properties"]["RetentionInDays"] = 366
    return prod.path(group)


@plants("LOGS-107", constraint=107)
def a_database_that_logs_before_its_group(prod: Prod) -> str:
    group = _group(prod, "Data", path="Logs")
    name = group["Properties"]["LogGroupName"]
    template = prod.template("Data")
    database = next(
        (logical_id, resource)
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] == "AWS::RDS::DBInstance" and "SourceDBInstanceIdentifier" not in resource["Properties"]
    )
    group["Properties"]["LogGroupName"] = {"Fn::Sub": "/aws/rds/instance/${" + database[0] + "}/" + name.split("/")[-1]}
    database[1]["DependsOn"] = []
    return prod.path(group)


@plants("LOGS-107b", constraint=107)
def a_second_group_of_a_name(prod: Prod) -> str:
    name = _group(prod, "RegionalWaf", path="")["Properties"]["LogGroupName"]
    return _add_group(prod, "Service", LogGroupName=name)


@plants("LOGS-108", constraint=108)
def eleven_log_policies(prod: Prod) -> str:
    made = [
        prod.add("Edge", f"LogPolicy{number}", {"Type": "AWS::Logs::ResourcePolicy", "Properties": {"PolicyName": "p"}})
        for number in range(11)
    ]
    return prod.path(made[-1])


def _filter(prod: Prod, kind: str, logical_id: str, **properties: Any) -> str:
    named = {"LogGroupName": {"Ref": prod.logical_id(_group(prod))}, "FilterPattern": "ERROR", **properties}
    return prod.path(prod.add("Service", logical_id, {"Type": f"AWS::Logs::{kind}Filter", "Properties": named}))


@plants("LOGS-201")
def three_subscriptions(prod: Prod) -> str:
    stream = "arn:aws:kinesis:us-east-1:000000000000:stream/logs"
    return [_filter(prod, "Subscription", f"To{number}", DestinationArn=stream) for number in range(3)][-1]


@plants("LOGS-202")
def a_filter_of_cheap_logs(prod: Prod) -> str:
    _group(prod)["Properties"]["LogGroupClass"] = "INFREQUENT_ACCESS"
    return _filter(prod, "Metric", "Errors", MetricTransformations=[])


@plants("LOGS-203")
def a_default_beside_dimensions(prod: Prod) -> str:
    path = [{"Key": "Path", "Value": "$.path"}]
    errors = {"MetricName": "Errors", "MetricValue": "1", "DefaultValue": 0, "Dimensions": path}
    return _filter(prod, "Metric", "Errors", MetricTransformations=[errors])


@plants("LOGS-203")
def four_dimensions(prod: Prod) -> str:
    dimensions = [{"Key": name, "Value": f"$.{name}"} for name in ("path", "method", "status", "user")]
    return _filter(prod, "Metric", "Errors", MetricTransformations=[{"Dimensions": dimensions}])
