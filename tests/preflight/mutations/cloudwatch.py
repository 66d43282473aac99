"""Faults in alarms, dashboards and log groups."""

from __future__ import annotations

from typing import Any

from tests.preflight.prod import Prod, plants


def _alarm(prod: Prod, **properties: Any) -> str:
    alarm = prod.resource("Service", "AWS::CloudWatch::Alarm", path="/Web/")
    alarm["Properties"] |= properties
    return prod.path(alarm)


def _without(prod: Prod, *keys: str) -> None:
    alarm = prod.resource("Service", "AWS::CloudWatch::Alarm", path="/Web/")
    for key in keys:
        del alarm["Properties"][key]


def _metric(name: str, **more: Any) -> dict[str, Any]:
    metric = {"Namespace": "SpendSmart/prod", "MetricName": name}
    return {"Id": name, "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}, "ReturnData": False, **more}


def _math(prod: Prod, *queries: dict[str, Any]) -> str:
    _without(prod, "MetricName", "Namespace", "Period", "Statistic", "Dimensions")
    return _alarm(prod, Metrics=list(queries))


def _composite(prod: Prod, rule: str, **properties: Any) -> str:
    alarm = {"Type": "AWS::CloudWatch::CompositeAlarm", "Properties": {"AlarmRule": rule, **properties}}
    return prod.path(prod.add("Service", "Composite", alarm))


def _dashboard(prod: Prod, name: str, body: Any) -> str:
    properties = {"DashboardName": name, "DashboardBody": body}
    return prod.path(prod.add("Service", "Board", {"Type": "AWS::CloudWatch::Dashboard", "Properties": properties}))


@plants("CW-103", constraint=103)
def a_look_back_of_more_than_a_day(prod: Prod) -> str:
    return _alarm(prod, Period=600, EvaluationPeriods=145)


@plants("CW-103b", constraint=103)
def more_datapoints_than_periods(prod: Prod) -> str:
    return _alarm(prod, DatapointsToAlarm=4)


@plants("CW-104", constraint=104)
def eleven_metrics(prod: Prod) -> str:
    return _math(prod, *(_metric(f"m{number}") for number in range(11)), {"Id": "sum", "Expression": "SUM(METRICS())"})


@plants("CW-104b", constraint=104)
def two_watched_queries(prod: Prod) -> str:
    return _math(prod, _metric("m1", ReturnData=True), {"Id": "twice", "Expression": "m1 * 2"})


@plants("CW-104c", constraint=104)
def a_capital_id(prod: Prod) -> str:
    return _math(prod, _metric("m1"), {"Id": "Twice", "Expression": "m1 * 2"})


@plants("CW-104d", constraint=104)
def six_actions(prod: Prod) -> str:
    return _alarm(prod, OKActions=[f"arn:aws:sns:us-east-1:000000000000:team-{number}" for number in range(6)])


@plants("CW-104e", constraint=104)
def a_query_of_both_kinds(prod: Prod) -> str:
    return _math(prod, _metric("m1", ReturnData=True, Expression="m1 * 2"))


@plants("CW-201")
def a_period_of_a_minute_and_a_half(prod: Prod) -> str:
    return _alarm(prod, Period=90)


@plants("CW-202")
def no_statistic(prod: Prod) -> str:
    _without(prod, "Statistic")
    return _alarm(prod)


@plants("CW-203")
def a_band_operator_without_a_band(prod: Prod) -> str:
    return _alarm(prod, ComparisonOperator="GreaterThanUpperThreshold")


@plants("CW-204")
def scaling_by_anomaly(prod: Prod) -> str:
    _without(prod, "Threshold")
    return _alarm(prod, ThresholdMetricId="ad1")


@plants("CW-105", constraint=105)
def a_rule_over_101_alarms(prod: Prod) -> str:
    return _composite(prod, " OR ".join(f'ALARM("alarm-{number}")' for number in range(101)))


@plants("CW-105b", constraint=105)
def a_composite_beside_its_child(prod: Prod) -> str:
    _alarm(prod, AlarmName="web-cpu")
    return _composite(prod, 'ALARM("web-cpu")')


@plants("CW-206")
def a_suppressor_without_a_wait(prod: Prod) -> str:
    return _composite(prod, 'ALARM("web-cpu")', ActionsSuppressor="deploying", ActionsSuppressorExtensionPeriod=60)


@plants("CW-106", constraint=106)
def a_dashboard_with_a_dot(prod: Prod) -> str:
    return _dashboard(prod, "spendsmart.prod", "{}")


@plants("CW-106b", constraint=106)
def a_dashboard_cut_short(prod: Prod) -> str:
    parts = ['{"widgets":[{"type":"text","properties":{"markdown":"', {"Ref": "AWS::Region"}, '"}}]']
    return _dashboard(prod, "spendsmart-prod", {"Fn::Join": ["", parts]})


@plants("CW-103", constraint=103)
def a_look_back_of_a_week_and_an_hour(prod: Prod) -> str:
    return _alarm(prod, Period=3600, EvaluationPeriods=169)


@plants("CW-103", constraint=103)
def a_formula_over_two_days(prod: Prod) -> str:
    path = _math(prod, _metric("m1"), {"Id": "twice", "Expression": "m1 * 2"})
    _alarm(prod, EvaluationPeriods=1441)
    return path


@plants("CW-104", constraint=104)
def eleven_expressions(prod: Prod) -> str:
    formulas = [{"Id": f"e{number}", "Expression": "m1 * 2", "ReturnData": number == 0} for number in range(11)]
    return _math(prod, _metric("m1"), *formulas)


@plants("CW-104b", constraint=104)
def no_watched_query(prod: Prod) -> str:
    return _math(prod, _metric("m1"))


@plants("CW-104c", constraint=104)
def two_queries_of_one_id(prod: Prod) -> str:
    return _math(prod, _metric("m1"), _metric("m1", ReturnData=True))


@plants("CW-203")
def a_band_of_another_name(prod: Prod) -> str:
    _without(prod, "Threshold")
    band = {"Id": "ad1", "Expression": "ANOMALY_DETECTION_BAND(m1, 2)"}
    path = _math(prod, _metric("m1", ReturnData=True), band)
    _alarm(prod, ThresholdMetricId="ad2", ComparisonOperator="GreaterThanUpperThreshold")
    return path


@plants("CW-204")
def scaling_by_a_composite_alarm(prod: Prod) -> str:
    policy = prod.resource("Service", "AWS::ApplicationAutoScaling::ScalingPolicy")
    return _composite(prod, "TRUE", AlarmActions=[{"Ref": prod.logical_id(policy)}])


@plants("CW-105", constraint=105)
def a_rule_of_ten_thousand_characters(prod: Prod) -> str:
    return _composite(prod, f'ALARM("{"a" * 10_234}")')


@plants("CW-106b", constraint=106)
def a_dashboard_of_501_widgets(prod: Prod) -> str:
    return _dashboard(prod, "spendsmart-prod", '{"widgets":[' + ",".join(["{}"] * 501) + "]}")


@plants("CW-106b", constraint=106)
def a_dashboard_that_is_a_list(prod: Prod) -> str:
    return _dashboard(prod, "spendsmart-prod", "[]")
