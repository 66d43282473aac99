"""ECS, scaling, logs, alarms, functions and parameters."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from localcloud.readback.compare import differences
from localcloud.readback.reader import Client, only, reads, tags_list
from localcloud.readback.values import Pattern

Wanted = Mapping[str, Any]


def _ecs_tags(tags: list[Any]) -> list[dict[str, str]]:
    return [{"Key": tag["key"], "Value": tag["value"]} for tag in tags]


@reads("AWS::ECS::Cluster", renamed={"ClusterSettings": "settings"})
def cluster(client: Client, ref: str, _wanted: Wanted) -> dict[str, Any]:
    asked = client("ecs").describe_clusters(clusters=[ref], include=["SETTINGS", "CONFIGURATIONS", "TAGS"])
    found = only(asked["clusters"])
    return {**found, "tags": _ecs_tags(found.get("tags", []))}


@reads("AWS::ECS::ClusterCapacityProviderAssociations")
def capacity_providers(client: Client, _ref: str, wanted: Wanted) -> dict[str, Any]:
    found = only(client("ecs").describe_clusters(clusters=[wanted["Cluster"]])["clusters"])
    return {**found, "Cluster": wanted["Cluster"]}


@reads("AWS::ECS::TaskDefinition")
def task_definition(client: Client, ref: str, _wanted: Wanted) -> dict[str, Any]:
    found = client("ecs").describe_task_definition(taskDefinition=ref, include=["TAGS"])
    return {**found["taskDefinition"], "tags": _ecs_tags(found.get("tags", []))}


@reads("AWS::ECS::Service")
def service(client: Client, ref: str, wanted: Wanted) -> dict[str, Any]:
    cluster_name = wanted["Cluster"]
    asked = client("ecs").describe_services(cluster=cluster_name, services=[ref], include=["TAGS"])
    found = only(asked["services"])
    return {**found, "Cluster": cluster_name, "tags": _ecs_tags(found.get("tags", []))}


@reads("AWS::ApplicationAutoScaling::ScalableTarget")
def scalable_target(client: Client, ref: str, _wanted: Wanted) -> dict[str, Any]:
    resource, dimension, namespace = ref.split("|")
    scaling = client("application-autoscaling")
    asked = scaling.describe_scalable_targets(
        ServiceNamespace=namespace, ResourceIds=[resource], ScalableDimension=dimension
    )
    found = only(asked["ScalableTargets"])
    tags = scaling.list_tags_for_resource(ResourceARN=found["ScalableTargetARN"])["Tags"]
    return {**found, "Tags": tags_list(tags)}


@reads("AWS::ApplicationAutoScaling::ScalingPolicy")
def scaling_policy(client: Client, ref: str, wanted: Wanted) -> dict[str, Any]:
    namespace = str(wanted.get("ServiceNamespace") or wanted["ScalingTargetId"].split("|")[2])
    asked = client("application-autoscaling").describe_scaling_policies(ServiceNamespace=namespace)
    found = only([each for each in asked["ScalingPolicies"] if each["PolicyARN"] == ref])
    place = "|".join((found["ResourceId"], found["ScalableDimension"], found["ServiceNamespace"]))
    return {**found, "ScalingTargetId": place}


@reads("AWS::Logs::LogGroup")
def log_group(client: Client, ref: str, _wanted: Wanted) -> dict[str, Any]:
    logs = client("logs")
    groups = logs.describe_log_groups(logGroupNamePrefix=ref)["logGroups"]
    found = only([group for group in groups if group["logGroupName"] == ref])
    arn = found["arn"].removesuffix(":*")
    return {**found, "Tags": tags_list(logs.list_tags_for_resource(resourceArn=arn)["tags"])}


@reads("AWS::Logs::DeliverySource", renamed={"ResourceArn": "ResourceArns"}, shaped={"ResourceArn": lambda arn: [arn]})
def delivery_source(client: Client, ref: str, _wanted: Wanted) -> dict[str, Any]:
    found = client("logs").get_delivery_source(name=ref)["deliverySource"]
    return {**found, "Tags": tags_list(found.get("tags", {}))}


@reads(
    "AWS::Logs::DeliveryDestination",
    renamed={"DestinationResourceArn": "deliveryDestinationConfiguration.destinationResourceArn"},
)
def delivery_destination(client: Client, ref: str, _wanted: Wanted) -> dict[str, Any]:
    found = client("logs").get_delivery_destination(name=ref)["deliveryDestination"]
    return {**found, "Tags": tags_list(found.get("tags", {}))}


@reads("AWS::Logs::Delivery")
def delivery(client: Client, ref: str, _wanted: Wanted) -> dict[str, Any]:
    found = client("logs").get_delivery(id=ref)["delivery"]
    return {**found, "Tags": tags_list(found.get("tags", {}))}


@reads("AWS::CloudWatch::Alarm")
def alarm(client: Client, ref: str, _wanted: Wanted) -> dict[str, Any]:
    watch = client("cloudwatch")
    found = only(watch.describe_alarms(AlarmNames=[ref], AlarmTypes=["MetricAlarm"])["MetricAlarms"])
    return {**found, "Tags": watch.list_tags_for_resource(ResourceARN=found["AlarmArn"])["Tags"]}


@reads("AWS::CloudWatch::CompositeAlarm")
def composite_alarm(client: Client, ref: str, _wanted: Wanted) -> dict[str, Any]:
    watch = client("cloudwatch")
    found = only(watch.describe_alarms(AlarmNames=[ref], AlarmTypes=["CompositeAlarm"])["CompositeAlarms"])
    return {**found, "Tags": watch.list_tags_for_resource(ResourceARN=found["AlarmArn"])["Tags"]}


@reads("AWS::Lambda::Function", unreadable={"Code": "shown as a download link; the asset's hash is in its name"})
def function(client: Client, ref: str, _wanted: Wanted) -> dict[str, Any]:
    awslambda = client("lambda")
    found = awslambda.get_function(FunctionName=ref)
    return {**found["Configuration"], "Tags": tags_list(found.get("Tags", {}))}


@reads("AWS::Lambda::EventInvokeConfig")
def event_invoke_config(client: Client, _ref: str, wanted: Wanted) -> dict[str, Any]:
    found = client("lambda").get_function_event_invoke_config(
        FunctionName=wanted["FunctionName"], Qualifier=wanted["Qualifier"]
    )
    return {**found, "FunctionName": wanted["FunctionName"], "Qualifier": wanted["Qualifier"]}


@reads("AWS::Lambda::Permission")
def permission(client: Client, _ref: str, wanted: Wanted) -> dict[str, Any]:
    function_name = str(wanted["FunctionName"]) if not isinstance(wanted["FunctionName"], Pattern) else ""
    awslambda = client("lambda")
    names = [function_name] if function_name else [each["FunctionName"] for each in _functions(awslambda)]
    for name in names:
        try:
            document = json.loads(awslambda.get_policy(FunctionName=name)["Policy"])
        except awslambda.exceptions.ResourceNotFoundException:
            continue
        for statement in document["Statement"]:
            shown = _permission(statement)
            if next(differences({k: v for k, v in wanted.items() if k != "FunctionName"}, shown, ""), None) is None:
                return {**shown, "FunctionName": statement["Resource"]}
    raise LookupError(f"no function's policy has a statement like {dict(wanted)}")


def _functions(awslambda: Any) -> list[Any]:
    return [each for page in awslambda.get_paginator("list_functions").paginate() for each in page["Functions"]]


def _permission(statement: Mapping[str, Any]) -> dict[str, Any]:
    """A statement of a function's policy in the words of AddPermission."""
    principal = statement["Principal"]
    conditions = statement.get("Condition", {})
    return {
        "Action": statement["Action"],
        "Principal": next(iter(principal.values())) if isinstance(principal, Mapping) else principal,
        "SourceArn": next(iter(conditions.get("ArnLike", {}).values()), None),
        "SourceAccount": next(iter(conditions.get("StringEquals", {}).values()), None),
    }


@reads("AWS::SSM::Parameter")
def parameter(client: Client, ref: str, _wanted: Wanted) -> dict[str, Any]:
    ssm = client("ssm")
    found = dict(ssm.get_parameter(Name=ref)["Parameter"])
    described = ssm.describe_parameters(ParameterFilters=[{"Key": "Name", "Values": [ref]}])["Parameters"]
    tags = ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=ref)["TagList"]
    # Templates write the tags of parameters as a map.
    return {**only(described), **found, "Tags": {tag["Key"]: tag["Value"] for tag in tags}}


@reads("AWS::SNS::Topic", unreadable={"Subscription": "compared as subscriptions"})
def topic(client: Client, ref: str, _wanted: Wanted) -> dict[str, Any]:
    sns = client("sns")
    found = sns.get_topic_attributes(TopicArn=ref)["Attributes"]
    return {**found, "TopicName": ref.rsplit(":", 1)[-1], "Tags": sns.list_tags_for_resource(ResourceArn=ref)["Tags"]}


@reads("AWS::SNS::Subscription")
def subscription(client: Client, ref: str, wanted: Wanted) -> dict[str, Any]:
    sns = client("sns")
    found = sns.list_subscriptions_by_topic(TopicArn=wanted["TopicArn"])["Subscriptions"]
    if not ref.startswith("arn:"):
        # Until its address confirms it, a subscription has no ARN of its own.
        return dict(only([each for each in found if each["Endpoint"] == wanted["Endpoint"]]))
    attributes = sns.get_subscription_attributes(SubscriptionArn=ref)["Attributes"]
    return {**attributes, **only([each for each in found if each["SubscriptionArn"] == ref])}


@reads("AWS::SNS::TopicPolicy")
def topic_policy(client: Client, _ref: str, wanted: Wanted) -> dict[str, Any]:
    found = client("sns").get_topic_attributes(TopicArn=wanted["Topics"][0])["Attributes"]
    return {"Topics": wanted["Topics"], "PolicyDocument": found["Policy"]}


@reads("AWS::Events::Rule")
def rule(client: Client, ref: str, _wanted: Wanted) -> dict[str, Any]:
    events = client("events")
    bus, _, name = ref.rpartition("|")
    where = {"EventBusName": bus} if bus else {}
    found = dict(events.describe_rule(Name=name, **where))
    return {
        **found,
        "Targets": events.list_targets_by_rule(Rule=name, **where)["Targets"],
        "Tags": events.list_tags_for_resource(ResourceARN=found["Arn"])["Tags"],
    }


@reads("AWS::Budgets::Budget")
def budget(client: Client, ref: str, _wanted: Wanted) -> dict[str, Any]:
    budgets = client("budgets")
    account = client("sts").get_caller_identity()["Account"]
    notifications = budgets.describe_notifications_for_budget(AccountId=account, BudgetName=ref)["Notifications"]
    return {
        "Budget": budgets.describe_budget(AccountId=account, BudgetName=ref)["Budget"],
        "NotificationsWithSubscribers": [
            {
                "Notification": notification,
                "Subscribers": budgets.describe_subscribers_for_notification(
                    AccountId=account, BudgetName=ref, Notification=notification
                )["Subscribers"],
            }
            for notification in notifications
        ],
    }


@reads("AWS::CloudWatch::Dashboard")
def dashboard(client: Client, ref: str, _wanted: Wanted) -> dict[str, Any]:
    watch = client("cloudwatch")
    found = dict(watch.get_dashboard(DashboardName=ref))
    return {**found, "Tags": watch.list_tags_for_resource(ResourceARN=found["DashboardArn"])["Tags"]}


@reads("AWS::Logs::MetricFilter")
def metric_filter(client: Client, ref: str, wanted: Wanted) -> dict[str, Any]:
    found = client("logs").describe_metric_filters(logGroupName=wanted["LogGroupName"])["metricFilters"]
    return dict(only([each for each in found if each["filterName"] == wanted.get("FilterName", ref)]))


@reads("AWS::Logs::QueryDefinition")
def query_definition(client: Client, ref: str, _wanted: Wanted) -> dict[str, Any]:
    found = client("logs").describe_query_definitions()["queryDefinitions"]
    return dict(only([each for each in found if each["queryDefinitionId"] == ref]))


def _anomaly_tags(client: Client, ref: str) -> dict[str, Any]:
    return {"ResourceTags": client("ce").list_tags_for_resource(ResourceArn=ref)["ResourceTags"]}


@reads("AWS::CE::AnomalyMonitor", shaped={"MonitorSpecification": json.loads})
def anomaly_monitor(client: Client, ref: str, _wanted: Wanted) -> dict[str, Any]:
    found = only(client("ce").get_anomaly_monitors(MonitorArnList=[ref])["AnomalyMonitors"])
    return {**found, **_anomaly_tags(client, ref)}


@reads("AWS::CE::AnomalySubscription", shaped={"ThresholdExpression": json.loads})
def anomaly_subscription(client: Client, ref: str, _wanted: Wanted) -> dict[str, Any]:
    found = only(client("ce").get_anomaly_subscriptions(SubscriptionArnList=[ref])["AnomalySubscriptions"])
    return {**found, **_anomaly_tags(client, ref)}


@reads("Custom::", unreadable={"ServiceToken": "names the function that made the resource"})
def custom(_client: Client, _ref: str, wanted: Wanted) -> dict[str, Any]:
    # What a custom resource did is known to its function alone; that it is there was seen in the stack.
    return dict(wanted)
