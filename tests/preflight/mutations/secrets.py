"""Faults in secrets and their rotation."""

from __future__ import annotations

from typing import Any

from tests.preflight.prod import Prod, plants


def _login(prod: Prod) -> dict[str, Any]:
    return prod.resource("Data", "AWS::SecretsManager::Secret", path="/Login/")


def _schedule(prod: Prod) -> dict[str, Any]:
    return prod.resource("Data", "AWS::SecretsManager::RotationSchedule")


@plants("SECRET-91", constraint=91)
def a_replica_under_the_primarys_key(prod: Prod) -> str:
    secret = _login(prod)
    key = secret["Properties"]["KmsKeyId"]
    secret["Properties"]["ReplicaRegions"] = [{"Region": "us-west-2", "KmsKeyId": key}]
    return prod.path(secret)


@plants("SECRET-91b", constraint=91)
def a_replica_at_home(prod: Prod) -> str:
    secret = _login(prod)
    secret["Properties"]["ReplicaRegions"] = [{"Region": "us-east-1"}]
    return prod.path(secret)


@plants("SECRET-92", constraint=92)
def a_name_that_outlives_its_secret(prod: Prod) -> str:
    secret = _login(prod)
    secret["Properties"]["Name"] = "spendsmart-prod-login"
    secret["DeletionPolicy"] = "Delete"
    return prod.path(secret)


@plants("SECRET-93", constraint=93)
def two_schedules(prod: Prod) -> str:
    schedule = _schedule(prod)
    schedule["Properties"]["RotationRules"]["AutomaticallyAfterDays"] = 30
    return prod.path(schedule)


@plants("SECRET-93b", constraint=93)
def a_rotation_each_hour(prod: Prod) -> str:
    schedule = _schedule(prod)
    schedule["Properties"]["RotationRules"] = {"ScheduleExpression": "rate(1 hour)"}
    return prod.path(schedule)


@plants("SECRET-93c", constraint=93)
def a_rotation_at_half_past(prod: Prod) -> str:
    schedule = _schedule(prod)
    schedule["Properties"]["RotationRules"] = {"ScheduleExpression": "cron(30 3 1 * ? *)"}
    return prod.path(schedule)


@plants("SECRET-94", constraint=94)
def a_rotation_before_its_ingress_rule(prod: Prod) -> str:
    schedule = _schedule(prod)
    schedule["DependsOn"] = []
    schedule["Properties"]["RotateImmediatelyOnUpdate"] = True
    return prod.path(schedule)


@plants("SECRET-94b", constraint=94)
def a_rotation_before_the_attachment(prod: Prod) -> str:
    schedule = _schedule(prod)
    schedule["Properties"]["SecretId"] = {"Ref": prod.logical_id(_login(prod))}
    return prod.path(schedule)


@plants("SECRET-95", constraint=95)
def a_hosted_rotation_without_its_transform(prod: Prod) -> str:
    del prod.template("Data")["Transform"]
    return prod.path(_schedule(prod))


@plants("SECRET-97", constraint=97)
def a_password_copied_into_a_parameter(prod: Prod) -> str:
    name = prod.logical_id(_login(prod))
    value = {"Fn::Sub": "{{resolve:secretsmanager:${" + name + "}:SecretString:password}}"}
    copy = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value}}
    return prod.path(prod.add("Data", "Copy", copy))


@plants("SECRET-201")
def a_rotation_by_nobody(prod: Prod) -> str:
    schedule = _schedule(prod)
    del schedule["Properties"]["HostedRotationLambda"]
    schedule["Properties"]["SecretId"] = {"Ref": prod.logical_id(_login(prod))}
    return prod.path(schedule)


@plants("SECRET-93b", constraint=93)
def a_window_of_more_than_a_day(prod: Prod) -> str:
    schedule = _schedule(prod)
    schedule["Properties"]["RotationRules"]["Duration"] = "25h"
    return prod.path(schedule)


@plants("SECRET-93b", constraint=93)
def a_rotation_every_1001_days(prod: Prod) -> str:
    schedule = _schedule(prod)
    schedule["Properties"]["RotationRules"] = {"AutomaticallyAfterDays": 1001}
    return prod.path(schedule)


@plants("SECRET-201")
def a_rotation_by_two(prod: Prod) -> str:
    schedule = _schedule(prod)
    schedule["Properties"]["RotationLambdaARN"] = "arn:aws:lambda:us-east-1:000000000000:function:rotate"
    return prod.path(schedule)


@plants("SECRET-97", constraint=97)
def a_password_copied_by_name(prod: Prod) -> str:
    _login(prod)["Properties"]["Name"] = "spendsmart-login"
    value = "{{resolve:secretsmanager:spendsmart-login}}"
    copy = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value}}
    return prod.path(prod.add("Data", "Copy", copy))
