"""Faults of rollouts that shift traffic. Each puts a small sound canary in place of prod's first."""

from __future__ import annotations

from typing import Any

from tests.preflight.prod import PREFIX, Prod, plants

_LISTENER_RULE = "AWS::ElasticLoadBalancingV2::ListenerRule"
_BALANCING_POLICY = "AmazonECSInfrastructureRolePolicyForLoadBalancers"


def canary(prod: Prod) -> dict[str, Any]:
    """The web service as a sound canary: alarm, hook, roles, and both of the ingress's rules and target groups."""
    service = prod.resource("Service", "AWS::ECS::Service", path="/Web/")
    for name, statement in (("Infrastructure", None), ("HookInvoke", "lambda:InvokeFunction")):
        prod.add("Service", f"{name}Role", _role(statement))
    prod.add("Service", "Hook", _function("{'hookStatus': 'SUCCEEDED'}"))
    alarm = {"AlarmName": "spendsmart-web-errors", "MetricName": "HTTPCode_Target_5XX_Count"}
    prod.add("Service", "WebErrors", {"Type": "AWS::CloudWatch::Alarm", "Properties": alarm})
    service["DependsOn"].append("WebErrors")
    service["Properties"]["DeploymentConfiguration"] = {
        "Strategy": "CANARY",
        "BakeTimeInMinutes": 10,
        "CanaryConfiguration": {"CanaryPercent": 10, "CanaryBakeTimeInMinutes": 5},
        "Alarms": {"AlarmNames": ["spendsmart-web-errors"], "Enable": True, "Rollback": True},
        "LifecycleHooks": [
            {
                "HookTargetArn": {"Fn::GetAtt": ["Hook", "Arn"]},
                "RoleArn": {"Fn::GetAtt": ["HookInvokeRole", "Arn"]},
                "LifecycleStages": ["POST_TEST_TRAFFIC_SHIFT"],
            }
        ],
    }
    service["Properties"]["LoadBalancers"][0]["AdvancedConfiguration"] = {
        "AlternateTargetGroupArn": _output(prod, "AWS::ElasticLoadBalancingV2::TargetGroup", "/Green"),
        "ProductionListenerRule": _output(prod, _LISTENER_RULE, "/ProductionRule"),
        "TestListenerRule": _output(prod, _LISTENER_RULE, "/TestRule"),
        "RoleArn": {"Fn::GetAtt": ["InfrastructureRole", "Arn"]},
    }
    return service


def _role(action: str | None) -> dict[str, Any]:
    trust = {"Statement": [_allow("sts:AssumeRole") | {"Principal": {"Service": "ecs.amazonaws.com"}}]}
    properties: dict[str, Any] = {"AssumeRolePolicyDocument": trust}
    if action:
        document = {"Statement": [_allow(action) | {"Resource": "*"}]}
        properties["Policies"] = [{"PolicyName": "Invoke", "PolicyDocument": document}]
    else:
        properties["ManagedPolicyArns"] = [f"arn:aws:iam::aws:policy/{_BALANCING_POLICY}"]
    return {"Type": "AWS::IAM::Role", "Properties": properties}


def _allow(action: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action}


def _function(result: str) -> dict[str, Any]:
    code = {"ZipFile": f"def handler(event, context): return {result}"}
    return {"Type": "AWS::Lambda::Function", "Properties": {"Code": code, "Handler": "index.handler"}}


def _output(prod: Prod, kind: str, path: str) -> dict[str, Any]:
    """A reference from the service's stack to a resource of the ingress's."""
    logical_id = prod.logical_id(prod.resource("Ingress", kind, path=path))
    prod.template("Ingress")["Outputs"][f"Ref{logical_id}"] = {"Value": {"Ref": logical_id}}
    return {"Fn::GetStackOutput": {"StackName": f"{PREFIX}Ingress", "OutputName": f"Ref{logical_id}"}}


def _configuration(prod: Prod) -> dict[str, Any]:
    return canary(prod)["Properties"]["DeploymentConfiguration"]  # type: ignore[no-any-return]


def _advanced(service: dict[str, Any]) -> dict[str, Any]:
    return service["Properties"]["LoadBalancers"][0]["AdvancedConfiguration"]  # type: ignore[no-any-return]


def _rule(prod: Prod, name: str) -> dict[str, Any]:
    return prod.resource("Ingress", _LISTENER_RULE, path=f"/{name}")


def _groups(rule: dict[str, Any]) -> list[dict[str, Any]]:
    return rule["Properties"]["Actions"][0]["ForwardConfig"]["TargetGroups"]  # type: ignore[no-any-return]


def _web(prod: Prod) -> str:
    return prod.path(prod.resource("Service", "AWS::ECS::Service", path="/Web/"))


@plants("ECS-1", constraint=1)
def the_green_group_in_no_rule(prod: Prod) -> str:
    canary(prod)
    for name in ("ProductionRule", "TestRule"):
        _groups(_rule(prod, name)).pop()
    return prod.path(_rule(prod, "ProductionRule"))


@plants("ECS-1b", constraint=1)
def the_production_rule_as_test_rule(prod: Prod) -> str:
    advanced = _advanced(canary(prod))
    advanced["TestListenerRule"] = advanced["ProductionListenerRule"]
    return _web(prod)


@plants("ECS-1c", constraint=1)
def weight_on_both_groups(prod: Prod) -> str:
    canary(prod)
    _groups(_rule(prod, "ProductionRule"))[1]["Weight"] = 50
    return prod.path(_rule(prod, "ProductionRule"))


@plants("ECS-1d", constraint=1)
def traffic_to_a_group_of_somebody_else(prod: Prod) -> str:
    canary(prod)
    prod.add("Ingress", "Legacy", {"Type": "AWS::ElasticLoadBalancingV2::TargetGroup", "Properties": {}})
    _groups(_rule(prod, "ProductionRule"))[0]["TargetGroupArn"] = {"Ref": "Legacy"}
    return prod.path(_rule(prod, "ProductionRule"))


@plants("ECS-1e", constraint=1)
def the_listener_for_its_rule(prod: Prod) -> str:
    listener = _output(prod, "AWS::ElasticLoadBalancingV2::Listener", "ProductionListener")
    _advanced(canary(prod))["ProductionListenerRule"] = listener
    return _web(prod)


@plants("ECS-1f", constraint=1)
def a_canary_without_an_advanced_configuration(prod: Prod) -> str:
    del canary(prod)["Properties"]["LoadBalancers"][0]["AdvancedConfiguration"]
    return _web(prod)


@plants("ECS-1g", constraint=1)
def blue_for_green(prod: Prod) -> str:
    service = canary(prod)
    _advanced(service)["AlternateTargetGroupArn"] = service["Properties"]["LoadBalancers"][0]["TargetGroupArn"]
    return _web(prod)


@plants("ECS-2", constraint=2)
def the_rule_in_the_services_stack(prod: Prod) -> str:
    service = canary(prod)
    properties = {"Actions": [{"Type": "forward", "TargetGroupArn": _advanced(service)["AlternateTargetGroupArn"]}]}
    rule = prod.add("Service", "Rule", {"Type": _LISTENER_RULE, "Properties": properties})
    _advanced(service)["ProductionListenerRule"] = {"Ref": "Rule"}
    return prod.path(rule)


@plants("ECS-3", constraint=3)
def a_pipeline_that_reverts_drift(prod: Prod) -> str:
    return prod.path(_pipeline(prod, "npx cdk deploy --all --revert-drift"))


@plants("ECS-25", constraint=25)
def a_pipeline_that_does_not_wait(prod: Prod) -> str:
    return prod.path(_pipeline(prod, "npx cdk deploy SpendSmart-Prod-Service --express"))


def _pipeline(prod: Prod, command: str) -> dict[str, Any]:
    source = {"Type": "NO_SOURCE", "BuildSpec": f'{{"phases": {{"build": {{"commands": ["{command}"]}}}}}}'}
    return prod.add("Service", "Deploy", {"Type": "AWS::CodeBuild::Project", "Properties": {"Source": source}})


@plants("ECS-4", constraint=4)
def sign_in_before_the_forward(prod: Prod) -> str:
    canary(prod)
    rule = _rule(prod, "ProductionRule")
    rule["Properties"]["Actions"].insert(0, {"Type": "authenticate-cognito", "Order": 1})
    return prod.path(rule)


@plants("ECS-5", constraint=5)
def a_canary_with_a_circuit_breaker_alone(prod: Prod) -> str:
    configuration = _configuration(prod)
    del configuration["Alarms"], configuration["LifecycleHooks"]
    configuration["DeploymentCircuitBreaker"] = {"Enable": True, "Rollback": True}
    return _web(prod)


@plants("ECS-5b", constraint=5)
def a_canary_with_a_circuit_breaker_too(prod: Prod) -> str:
    _configuration(prod)["DeploymentCircuitBreaker"] = {"Enable": True, "Rollback": True}
    return _web(prod)


@plants("ECS-5c", constraint=5)
def a_canary_without_a_guard(prod: Prod) -> str:
    configuration = _configuration(prod)
    configuration["Alarms"]["Rollback"] = False
    configuration["LifecycleHooks"] = []
    return _web(prod)


@plants("ECS-6", constraint=6)
def an_alarm_that_refers_back(prod: Prod) -> str:
    service = canary(prod)
    alarm = prod.resource("Service", "AWS::CloudWatch::Alarm", path="WebErrors")
    name = {"Fn::GetAtt": [prod.logical_id(service), "Name"]}
    alarm["Properties"]["Dimensions"] = [{"Name": "ServiceName", "Value": name}]
    service["Properties"]["DeploymentConfiguration"]["Alarms"]["AlarmNames"] = [{"Ref": "WebErrors"}]
    return _web(prod)


@plants("ECS-6b", constraint=6)
def a_service_that_does_not_wait_for_its_alarm(prod: Prod) -> str:
    canary(prod)["DependsOn"].remove("WebErrors")
    return _web(prod)


@plants("ECS-8", constraint=8)
def a_canary_of_a_twentieth_of_a_per_cent(prod: Prod) -> str:
    _configuration(prod)["CanaryConfiguration"]["CanaryPercent"] = 10.05
    return _web(prod)


@plants("ECS-8b", constraint=8)
def a_canary_that_is_linear(prod: Prod) -> str:
    _configuration(prod)["Strategy"] = "LINEAR"
    return _web(prod)


@plants("ECS-9", constraint=9)
def a_rollout_longer_than_its_stack_operation(prod: Prod) -> str:
    configuration = _configuration(prod)
    configuration["BakeTimeInMinutes"] = configuration["CanaryConfiguration"]["CanaryBakeTimeInMinutes"] = 1000
    return _web(prod)


@plants("ECS-10", constraint=10)
def a_canary_by_default(prod: Prod) -> str:
    del _configuration(prod)["CanaryConfiguration"]
    return _web(prod)


@plants("ECS-11", constraint=11)
def a_hook_while_baking(prod: Prod) -> str:
    _configuration(prod)["LifecycleHooks"][0]["LifecycleStages"] = ["BAKE_TIME"]
    return _web(prod)


@plants("ECS-11b", constraint=11)
def a_hook_without_a_function(prod: Prod) -> str:
    del _configuration(prod)["LifecycleHooks"][0]["HookTargetArn"]
    return _web(prod)


@plants("ECS-13", constraint=13)
def a_hook_that_returns_nothing(prod: Prod) -> str:
    canary(prod)
    function = prod.resource("Service", "AWS::Lambda::Function", path="-Service/Hook/")
    function["Properties"] = _function("None")["Properties"]
    return prod.path(function)


@plants("ECS-14", constraint=14)
def a_service_that_does_not_wait_for_its_hooks_policy(prod: Prod) -> str:
    canary(prod)
    role = prod.resource("Service", "AWS::IAM::Role", path="-Service/HookInvokeRole")
    policy = role["Properties"].pop("Policies")[0] | {"Roles": [{"Ref": "HookInvokeRole"}]}
    prod.add("Service", "HookInvoke", {"Type": "AWS::IAM::Policy", "Properties": policy})
    return _web(prod)


@plants("ECS-14b", constraint=14)
def a_hook_that_nobody_may_invoke(prod: Prod) -> str:
    canary(prod)
    role = prod.resource("Service", "AWS::IAM::Role", path="-Service/HookInvokeRole")
    del role["Properties"]["Policies"]
    return prod.path(role)


@plants("ECS-14c", constraint=14)
def a_hooks_role_for_lambda(prod: Prod) -> str:
    return _misdirect(prod, "HookInvokeRole", "lambda.amazonaws.com")


@plants("ECS-15", constraint=15)
def an_infrastructure_role_for_tasks(prod: Prod) -> str:
    return _misdirect(prod, "InfrastructureRole", "ecs-tasks.amazonaws.com")


def _misdirect(prod: Prod, name: str, principal: str) -> str:
    canary(prod)
    role = prod.resource("Service", "AWS::IAM::Role", path=f"-Service/{name}")
    role["Properties"]["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["Service"] = principal
    return prod.path(role)


@plants("ECS-15b", constraint=15)
def an_infrastructure_role_that_may_nothing(prod: Prod) -> str:
    canary(prod)
    role = prod.resource("Service", "AWS::IAM::Role", path="-Service/InfrastructureRole")
    role["Properties"]["ManagedPolicyArns"] = []
    return prod.path(role)


@plants("ECS-15c", constraint=15)
def no_infrastructure_role(prod: Prod) -> str:
    del _advanced(canary(prod))["RoleArn"]
    return _web(prod)


@plants("ECS-17", constraint=17)
def a_long_time_without_scaling_in(prod: Prod) -> str:
    _configuration(prod)["BakeTimeInMinutes"] = 240
    return _web(prod)
