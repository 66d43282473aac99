"""Services: how they roll over, what they wait for, and by what they are scaled."""

from __future__ import annotations

import pytest

from tests.infra.synthesized import Assembly

SERVICE = "AWS::ECS::Service"


def test_nobody_says_how_many_tasks_run_but_autoscaling(assembly: Assembly) -> None:
    assert all("DesiredCount" not in service for service in assembly["Service"].properties(SERVICE))


def test_services_go_back_by_breaker_or_by_alarms(assembly: Assembly) -> None:
    """What shifts traffic is in `test_rollouts.py`."""
    shifts = assembly.environment in {"prod", "staging"}
    for name in ("Web", "Worker", "Beat"):
        service = assembly["Service"].one(SERVICE, containing=f"{name}Service")
        deployment = service["DeploymentConfiguration"]
        if shifts and name == "Web":
            assert "DeploymentCircuitBreaker" not in deployment, "it would do nothing"
            assert deployment["Alarms"]["Rollback"] is True
        else:
            assert deployment["DeploymentCircuitBreaker"] == {"Enable": True, "Rollback": True}
        single = name == "Beat"
        limits = (deployment["MinimumHealthyPercent"], deployment["MaximumPercent"])
        assert limits == ((0, 100) if single else (100, 200)), "two schedulers must never run"
        assert service["AvailabilityZoneRebalancing"] == ("DISABLED" if single else "ENABLED")
        assert service["PropagateTags"] == "SERVICE"
        assert service["EnableECSManagedTags"] is True
        assert service["NetworkConfiguration"]["AwsvpcConfiguration"]["AssignPublicIp"] == "DISABLED"
        assert "ServiceName" not in service
        assert "LaunchType" not in service


def test_services_wait_for_capacity_providers_and_for_what_their_roles_are_allowed(assembly: Assembly) -> None:
    template = assembly["Service"]
    (provider,) = template.all("AWS::ECS::ClusterCapacityProviderAssociations")
    for name, service in template.all(SERVICE).items():
        assert provider in service["DependsOn"], name
        assert any("ExecutionRoleDefaultPolicy" in needed for needed in service["DependsOn"]), name


def test_web_is_behind_the_load_balancer(prod: Assembly) -> None:
    web = prod["Service"].one(SERVICE, containing="WebService")
    (target,) = web["LoadBalancers"]
    assert (target["ContainerName"], target["ContainerPort"]) == ("web", 8000)
    assert "Blue" in target["TargetGroupArn"]["Fn::GetStackOutput"]["OutputName"]
    assert web["HealthCheckGracePeriodSeconds"] >= 30


@pytest.mark.parametrize(("environment_name", "base"), [("prod", 2), ("staging", 1), ("dev", 0)])
def test_workers_use_spot_beyond_a_base(synth, environment_name: str, base: int) -> None:
    worker = synth(environment_name)["Service"].one(SERVICE, containing="WorkerService")
    assert worker["CapacityProviderStrategy"] == [
        {"CapacityProvider": "FARGATE", "Base": base, "Weight": 0},
        {"CapacityProvider": "FARGATE_SPOT", "Weight": 1},
    ]
    assert worker["PlatformVersion"] == "1.4.0", "the first that offers Spot on arm64"


@pytest.mark.parametrize("service", ["Web", "Worker"])
def test_cpu_scales_out_at_70_and_in_at_30(prod: Assembly, service: str) -> None:
    template = prod["Service"]
    target = template.one("AWS::ApplicationAutoScaling::ScalableTarget", containing=f"{service}Service")
    assert (target["MinCapacity"], target["MaxCapacity"]) == (2, 12)
    upper = template.one("AWS::CloudWatch::Alarm", containing=f"{service}ServiceTaskCountTargetCpuUpper")
    lower = template.one("AWS::CloudWatch::Alarm", containing=f"{service}ServiceTaskCountTargetIdleLower")
    assert (upper["ComparisonOperator"], upper["Threshold"]) == ("GreaterThanOrEqualToThreshold", 70)
    assert (lower["ComparisonOperator"], lower["Threshold"]) == ("LessThanOrEqualToThreshold", 30)
    out, in_ = (
        template.one("AWS::ApplicationAutoScaling::ScalingPolicy", containing=f"{service}ServiceTaskCountTarget{name}")
        for name in ("CpuUpper", "IdleLower")
    )
    assert out["StepScalingPolicyConfiguration"]["StepAdjustments"] == [
        {"MetricIntervalLowerBound": 0, "MetricIntervalUpperBound": 15, "ScalingAdjustment": 1},
        {"MetricIntervalLowerBound": 15, "ScalingAdjustment": 4},
    ]
    assert in_["StepScalingPolicyConfiguration"]["StepAdjustments"] == [
        {"MetricIntervalUpperBound": 0, "ScalingAdjustment": -1}
    ]


def test_workers_scale_on_backlog_too(prod: Assembly) -> None:
    alarm = prod["Service"].one("AWS::CloudWatch::Alarm", containing="Backlog")
    assert (alarm["Namespace"], alarm["MetricName"], alarm["Threshold"]) == ("SpendSmart/prod", "BacklogPerTask", 20)
    assert "Dimensions" not in alarm


@pytest.mark.parametrize(("environment_name", "concurrency"), [("prod", 2), ("dev", 1)])
def test_workers_whose_places_are_taken_are_not_idle(synth, environment_name: str, concurrency: int) -> None:
    template = synth(environment_name)["Service"]
    alarm = template.one("AWS::CloudWatch::Alarm", containing="WorkerServiceTaskCountTargetIdleLower")
    taken = f"100 * backlog / {concurrency}"
    (math,) = [query for query in alarm["Metrics"] if "Expression" in query]
    assert math["Expression"] == f"IF(cpu > {taken}, cpu, {taken})"
