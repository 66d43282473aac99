"""Schedules that prod does not have yet, each with one fault."""

from __future__ import annotations

import json
from typing import Any

from tests.preflight.prod import Prod, plants

DELETE = "arn:aws:scheduler:::aws-sdk:cloudformation:deleteStack"


def schedule(
    prod: Prod, expression: str = "at(2027-01-01T00:00:00)", stack: str = "Preview", **target: Any
) -> dict[str, Any]:
    """A schedule in the Service stack that deletes a stack; sound but for what `target` changes."""
    call = {
        "Arn": DELETE,
        "RoleArn": "arn:aws:iam::111122223333:role/sweeper",
        "Input": json.dumps({"StackName": stack}),
    }
    given = {"ScheduleExpression": expression, "FlexibleTimeWindow": {"Mode": "OFF"}, "Target": call | target}
    return prod.add("Service", "Expiry", {"Type": "AWS::Scheduler::Schedule", "Properties": given})


def role(prod: Prod, service: str, action: str) -> dict[str, Any]:
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": service}}
    allow = {"Effect": "Allow", "Action": action, "Resource": "*"}
    properties = {
        "AssumeRolePolicyDocument": {"Statement": [trust]},
        "Policies": [{"PolicyName": "sweep", "PolicyDocument": {"Statement": allow}}],
    }
    prod.add("Service", "Sweeper", {"Type": "AWS::IAM::Role", "Properties": properties})
    return {"Fn::GetAtt": ["Sweeper", "Arn"]}


@plants("SCHED-136", constraint=136)
def an_expiry_of_the_protected_data(prod: Prod) -> str:
    return prod.path(schedule(prod, stack="SpendSmart-Prod-Data"))


@plants("SCHED-137", constraint=137)
def an_expiry_inside_what_it_deletes(prod: Prod) -> str:
    own = {"Fn::Sub": json.dumps({"StackName": "${AWS::StackId}"})}
    return prod.path(schedule(prod, Input=own))


@plants("SCHED-137b", constraint=137)
def an_expiry_in_a_zone_of_its_own(prod: Prod) -> str:
    return prod.path(schedule(prod, "at(2027-01-01T00:00:00Z)"))


@plants("SCHED-137b", constraint=137)
def a_cron_with_both_days(prod: Prod) -> str:
    return prod.path(schedule(prod, "cron(0 3 * * * *)"))


@plants("SCHED-137c", constraint=137)
def an_input_with_single_quotes(prod: Prod) -> str:
    return prod.path(schedule(prod, Input="{'StackName': 'Preview'}"))


@plants("SCHED-137d", constraint=137)
def a_sweeper_that_may_only_look(prod: Prod) -> str:
    return prod.path(schedule(prod, RoleArn=role(prod, "scheduler.amazonaws.com", "cloudformation:Describe*")))


@plants("SCHED-137e", constraint=137)
def a_sweeper_that_trusts_rules(prod: Prod) -> str:
    return prod.path(schedule(prod, RoleArn=role(prod, "events.amazonaws.com", "cloudformation:*")))


@plants("SCHED-137f", constraint=137)
def a_universal_target_in_a_region(prod: Prod) -> str:
    return prod.path(schedule(prod, Arn="arn:aws:scheduler:us-east-1::aws-sdk:cloudformation:deleteStack"))


@plants("SCHED-201")
def a_flexible_window_of_no_length(prod: Prod) -> str:
    made = schedule(prod)
    made["Properties"]["FlexibleTimeWindow"] = {"Mode": "FLEXIBLE"}
    return prod.path(made)
