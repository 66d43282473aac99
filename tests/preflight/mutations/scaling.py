"""Faults in scaling."""

from __future__ import annotations

from typing import Any

from tests.preflight.prod import Prod, plants


def _policy(prod: Prod, name: str) -> dict[str, Any]:
    return prod.resource(
        "Service", "AWS::ApplicationAutoScaling::ScalingPolicy", path=f"/Web/Service/TaskCount/Target/{name}"
    )


def _scalable(prod: Prod) -> dict[str, Any]:
    return prod.resource("Service", "AWS::ApplicationAutoScaling::ScalableTarget", path="/Web/")


@plants("ECS-22", constraint=22)
def overlapping_steps(prod: Prod) -> str:
    policy = _policy(prod, "Cpu/UpperPolicy")
    policy["Properties"]["StepScalingPolicyConfiguration"]["StepAdjustments"][1]["MetricIntervalLowerBound"] = 10
    return prod.path(policy)


@plants("ECS-22b", constraint=22)
def steps_on_the_wrong_side(prod: Prod) -> str:
    policy = _policy(prod, "Idle/LowerPolicy")
    step = policy["Properties"]["StepScalingPolicyConfiguration"]["StepAdjustments"][0]
    step["MetricIntervalLowerBound"] = step.pop("MetricIntervalUpperBound")
    return prod.path(policy)


@plants("ECS-22c", constraint=22)
def a_policy_that_nothing_starts(prod: Prod) -> str:
    alarm = prod.resource("Service", "AWS::CloudWatch::Alarm", path="/Web/Service/TaskCount/Target/Cpu/Upper")
    alarm["Properties"]["AlarmActions"] = []
    return prod.path(_policy(prod, "Cpu/UpperPolicy"))


@plants("ECS-23", constraint=23)
def a_desired_count_that_fights_scaling(prod: Prod) -> str:
    service = prod.resource("Service", "AWS::ECS::Service", path="/Worker/")
    service["Properties"]["DesiredCount"] = 2
    return prod.path(service)


@plants("SCALING-201")
def more_at_least_than_at_most(prod: Prod) -> str:
    _scalable(prod)["Properties"]["MinCapacity"] = 13
    return prod.path(_scalable(prod))


@plants("SCALING-202")
def steps_for_a_service_without_them(prod: Prod) -> str:
    _scalable(prod)["Properties"]["ServiceNamespace"] = "lambda"
    return prod.path(_policy(prod, "Cpu/UpperPolicy"))


@plants("SCALING-203")
def a_policy_without_its_configuration(prod: Prod) -> str:
    policy = _policy(prod, "Cpu/UpperPolicy")
    policy["Properties"]["PolicyType"] = "TargetTrackingScaling"
    return prod.path(policy)


@plants("SCALING-204")
def requests_per_target_of_no_balancer(prod: Prod) -> str:
    policy = _policy(prod, "Cpu/UpperPolicy")
    metric = {"PredefinedMetricType": "ALBRequestCountPerTarget"}
    policy["Properties"] |= {
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": {"TargetValue": 500, "PredefinedMetricSpecification": metric},
    }
    return prod.path(policy)


@plants("SCALING-205")
def a_dimension_of_another_service(prod: Prod) -> str:
    _scalable(prod)["Properties"]["ScalableDimension"] = "rds:cluster:ReadReplicaCount"
    return prod.path(_scalable(prod))


@plants("SCALING-206")
def a_service_scaled_by_its_arn(prod: Prod) -> str:
    parts = _scalable(prod)["Properties"]["ResourceId"]["Fn::Join"][1]
    parts[-1] = {"Ref": parts[-1]["Fn::GetAtt"][0]}
    return prod.path(_scalable(prod))


@plants("SCALING-207")
def an_exact_capacity_below_zero(prod: Prod) -> str:
    policy = _policy(prod, "Idle/LowerPolicy")
    policy["Properties"]["StepScalingPolicyConfiguration"]["AdjustmentType"] = "ExactCapacity"
    return prod.path(policy)
