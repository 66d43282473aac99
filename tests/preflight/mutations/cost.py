"""Faults in budgets and cost anomaly detection, which prod does not have yet."""

from __future__ import annotations

from typing import Any

from tests.preflight.prod import Prod, plants


def _monitor(prod: Prod, logical_id: str = "Spending", **properties: Any) -> str:
    kinds = {"MonitorName": logical_id, "MonitorType": "DIMENSIONAL", "MonitorDimension": "SERVICE", **properties}
    return prod.path(prod.add("Service", logical_id, {"Type": "AWS::CE::AnomalyMonitor", "Properties": kinds}))


def _subscription(prod: Prod, **properties: Any) -> str:
    given = {"Frequency": "DAILY", "Threshold": 100, **properties}
    return prod.path(prod.add("Service", "Anomalies", {"Type": "AWS::CE::AnomalySubscription", "Properties": given}))


def _budget(prod: Prod, *subscribers: str, **data: Any) -> str:
    limit = {"Amount": 500, "Unit": "USD"}
    notified = [{"SubscriptionType": kind, "Address": f"{kind}-{n}"} for n, kind in enumerate(subscribers)]
    properties = {
        "Budget": {"BudgetType": "COST", "TimeUnit": "MONTHLY", "BudgetLimit": limit, **data},
        "NotificationsWithSubscribers": [{"Notification": {"Threshold": 80}, "Subscribers": notified}],
    }
    return prod.path(prod.add("Service", "Budget", {"Type": "AWS::Budgets::Budget", "Properties": properties}))


@plants("COST-116", constraint=116)
def two_service_monitors(prod: Prod) -> str:
    _monitor(prod)
    return _monitor(prod, "SpendingAgain")


@plants("COST-116b", constraint=116)
def a_service_monitor(prod: Prod) -> str:
    return _monitor(prod)


@plants("COST-117", constraint=117)
def immediate_alerts_by_email(prod: Prod) -> str:
    return _subscription(prod, Frequency="IMMEDIATE", Subscribers=[{"Type": "EMAIL", "Address": "a@example.com"}])


@plants("COST-117b", constraint=117)
def two_thresholds(prod: Prod) -> str:
    return _subscription(prod, ThresholdExpression="{}")


@plants("COST-117c", constraint=117)
def a_threshold_over_services(prod: Prod) -> str:
    expression = '{"Dimensions": {"Key": "SERVICE", "MatchOptions": ["EQUALS"], "Values": ["Amazon S3"]}}'
    return _subscription(prod, ThresholdExpression=expression)


@plants("COST-118", constraint=118)
def a_budget_with_a_colon(prod: Prod) -> str:
    return _budget(prod, BudgetName="spendsmart:prod")


@plants("COST-118b", constraint=118)
def a_named_budget(prod: Prod) -> str:
    return _budget(prod, "EMAIL", BudgetName="spendsmart-prod")


@plants("COST-201")
def a_monitor_of_tags_without_a_tag(prod: Prod) -> str:
    return _monitor(prod, MonitorDimension="TAG")


@plants("COST-202")
def a_budget_by_the_week(prod: Prod) -> str:
    return _budget(prod, "EMAIL", TimeUnit="WEEKLY")


@plants("COST-203")
def a_budget_to_two_topics(prod: Prod) -> str:
    return _budget(prod, "SNS", "SNS")


@plants("COST-204")
def a_budget_with_two_limits(prod: Prod) -> str:
    return _budget(prod, "EMAIL", PlannedBudgetLimits={"1767225600": {"Amount": 500, "Unit": "USD"}})


@plants("COST-117", constraint=117)
def weekly_alerts_to_a_topic(prod: Prod) -> str:
    subscriber = {"Type": "SNS", "Address": "arn:aws:sns:us-east-1:000000000000:costs"}
    return _subscription(prod, Frequency="WEEKLY", Subscribers=[subscriber])


@plants("COST-117c", constraint=117)
def a_threshold_in_words(prod: Prod) -> str:
    return _subscription(prod, ThresholdExpression="more than 100 dollars")


@plants("COST-118", constraint=118)
def a_budget_by_a_long_name(prod: Prod) -> str:
    return _budget(prod, BudgetName="b" * 101)


@plants("COST-203")
def a_budget_to_eleven_people(prod: Prod) -> str:
    return _budget(prod, *["EMAIL"] * 11)


@plants("COST-204")
def a_budget_without_a_limit(prod: Prod) -> str:
    path = _budget(prod, "EMAIL")
    del prod.resource("Service", "AWS::Budgets::Budget")["Properties"]["Budget"]["BudgetLimit"]
    return path
