"""CloudWatch metric alarms."""

from __future__ import annotations

import re
from collections.abc import Iterator

from preflight.assembly import Resource
from preflight.rule import Confidence, Fault, Severity, rule
from preflight.rules.presence import certain
from preflight.values import Node, boolean, entries, integer, target, text

ALARM = "AWS::CloudWatch::Alarm"
COMPOSITE = "AWS::CloudWatch::CompositeAlarm"
ACTIONS = ("AlarmActions", "OKActions", "InsufficientDataActions")

_PUT_ALARM = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html"
_PUT_COMPOSITE = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html"
_QUERY = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDataQuery.html"

_BAND_OPERATORS = ("LessThanLowerOrGreaterThanUpperThreshold", "LessThanLowerThreshold", "GreaterThanUpperThreshold")
_SCALING = ("AWS::ApplicationAutoScaling::ScalingPolicy", "AWS::AutoScaling::ScalingPolicy")


def _period(alarm: Resource) -> int | None:
    """The seconds of one evaluated period.

    Of a math alarm it is the watched query's own period, or else the finest one of the metrics below it.
    """
    queries = entries(alarm.get("Metrics"))
    if not queries:
        return integer(alarm.get("Period"))
    watched = [query for query in queries if boolean(query.get("ReturnData")) is not False]
    if len(watched) == 1:
        own = integer(watched[0].get("Period")) or integer(watched[0].get("MetricStat", "Period"))
        if own is not None:
            return own
    periods = [integer(query.get("MetricStat", "Period")) for query in queries if not query.get("MetricStat").absent]
    known = [period for period in periods if period is not None]
    return min(known) if known and len(known) == len(periods) else None


@rule(
    "CW-103",
    constraint=103,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="An alarm looks back one day at most, or seven days in periods of an hour or more",
    otherwise="PutMetricAlarm refuses the alarm.",
    remedy="Use fewer or shorter periods: Period × EvaluationPeriods up to 86400 s, or 604800 s from Period 3600 on.",
    source="https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html",
    types=(ALARM,),
)
def look_back(alarm: Resource) -> Iterator[Fault]:
    period, count = _period(alarm), integer(alarm.get("EvaluationPeriods"))
    if period is None or count is None:
        return
    most = 86_400 if period < 3600 else 604_800
    if period * count > most:
        yield Fault(at="EvaluationPeriods", message=f"{count} periods of {period} s: {period * count} s, over {most}")


@rule(
    "CW-103b",
    constraint=103,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="The datapoints that raise an alarm fit into its evaluation periods",
    otherwise="PutMetricAlarm refuses the alarm.",
    remedy="Set DatapointsToAlarm to EvaluationPeriods or less.",
    source="https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html",
    types=(ALARM,),
)
def datapoints(alarm: Resource) -> Iterator[Fault]:
    points, periods = integer(alarm.get("DatapointsToAlarm")), integer(alarm.get("EvaluationPeriods"))
    if points is not None and periods is not None and not 1 <= points <= periods:
        yield Fault(at="DatapointsToAlarm", message=f"{points} datapoints of {periods} periods")


@rule(
    "CW-104",
    constraint=104,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A math alarm has at most 10 metrics and 10 expressions",
    otherwise="PutMetricAlarm refuses the alarm.",
    remedy="Split the alarm and join the parts in a composite alarm, or publish the sum as a metric of its own.",
    source=_QUERY,
    types=(ALARM,),
)
def queries_of_alarm(alarm: Resource) -> Iterator[Fault]:
    queries = entries(alarm.get("Metrics"))
    for key in ("MetricStat", "Expression"):
        count = sum(query.get(key).present for query in queries)
        if count > 10:
            yield Fault(at="Metrics", message=f"{count} queries with {key}")


@rule(
    "CW-104b",
    constraint=104,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="One query of a math alarm returns data, the one that is watched",
    otherwise="PutMetricAlarm refuses the alarm.",
    remedy="Set ReturnData false on all others; left out, it is true.",
    source=_QUERY,
    types=(ALARM,),
)
def watched_query(alarm: Resource) -> Iterator[Fault]:
    band = alarm.get("ThresholdMetricId")
    queries = entries(alarm.get("Metrics"))
    if not queries or (not band.absent and text(band) is None):
        return
    watched = 0
    for query in queries:
        name = text(query.get("Id"))
        if not band.absent and (name is None or name == text(band)):
            continue  # the band itself may return its data too
        node = query.get("ReturnData")
        returns = True if node.absent else boolean(node)
        if returns is None:
            return
        watched += returns
    if watched != 1:
        yield Fault(at="Metrics", message=f"{watched} of {len(queries)} queries return data")


@rule(
    "CW-104c",
    constraint=104,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="The id of a query is unique, begins with a lowercase letter and has letters, digits and underscores",
    otherwise="PutMetricAlarm refuses the alarm.",
    remedy="Call the metrics m1, m2 and the expressions e1, e2.",
    source=_QUERY,
    types=(ALARM,),
)
def query_ids(alarm: Resource) -> Iterator[Fault]:
    seen: set[str] = set()
    for query in entries(alarm.get("Metrics")):
        name = text(query.get("Id"))
        if name is None:
            continue
        if not re.fullmatch(r"[a-z][A-Za-z0-9_]{0,254}", name):
            yield Fault(at=query.path("Id"), message=f"id {name[:80]!r}")
        if name in seen:
            yield Fault(at=query.path("Id"), message=f"a second query with the id {name[:80]!r}")
        seen.add(name)


@rule(
    "CW-104d",
    constraint=104,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="An alarm has at most 5 actions for each state",
    otherwise="PutMetricAlarm or PutCompositeAlarm refuses the alarm.",
    remedy="Send to one topic and let it fan out.",
    source=_PUT_ALARM,
    types=(ALARM, COMPOSITE),
)
def actions(alarm: Resource) -> Iterator[Fault]:
    for key in ACTIONS:
        count = len(certain(alarm.get(key)))
        if count > 5:
            yield Fault(at=key, message=f"{count} actions")


@rule(
    "CW-104e",
    constraint=104,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Each query of a math alarm has either an expression or a metric",
    otherwise="PutMetricAlarm refuses the alarm.",
    remedy="Give Expression or MetricStat, not both.",
    source=_QUERY,
    types=(ALARM,),
)
def expression_or_metric(alarm: Resource) -> Iterator[Fault]:
    for query in entries(alarm.get("Metrics")):
        expression, metric = query.get("Expression"), query.get("MetricStat")
        if expression.absent and metric.absent:
            yield Fault(at=str(query), message="neither Expression nor MetricStat")
        elif expression.present and metric.present:
            yield Fault(at=str(query), message="both Expression and MetricStat")


@rule(
    "CW-201",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A period is 1, 5, 10, 20 or 30 seconds or a multiple of 60",
    otherwise="PutMetricAlarm refuses the alarm.",
    remedy="Use 60, or 10, 20 or 30 for a high-resolution metric.",
    source=_QUERY,
    types=(ALARM,),
)
def periods(alarm: Resource) -> Iterator[Fault]:
    yield from _odd_period(alarm.get("Period"), (10, 20, 30))
    for query in entries(alarm.get("Metrics")):
        yield from _odd_period(query.get("Period"), (1, 5, 10, 20, 30))
        yield from _odd_period(query.get("MetricStat", "Period"), (1, 5, 10, 20, 30))


def _odd_period(node: Node, short: tuple[int, ...]) -> Iterator[Fault]:
    period = integer(node)
    if period is not None and period not in short and (period < 60 or period % 60):
        yield Fault(at=str(node), message=f"a period of {period} s")


@rule(
    "CW-202",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="An alarm on one metric has its namespace, its period and one statistic",
    otherwise="PutMetricAlarm refuses the alarm.",
    remedy="Give Namespace, Period, and either Statistic or ExtendedStatistic.",
    source=_PUT_ALARM,
    types=(ALARM,),
)
def single_metric(alarm: Resource) -> Iterator[Fault]:
    if not alarm.get("MetricName").present:
        return
    for key in ("Namespace", "Period"):
        if alarm.get(key).absent:
            yield Fault(at=key, message=f"no {key}")
    plain, extended = alarm.get("Statistic"), alarm.get("ExtendedStatistic")
    if plain.absent and extended.absent:
        yield Fault(at="Statistic", message="neither Statistic nor ExtendedStatistic")


@rule(
    "CW-203",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="An anomaly alarm compares with a band, any other one with a threshold",
    otherwise="PutMetricAlarm refuses the alarm.",
    remedy="With ThresholdMetricId, name the id of the ANOMALY_DETECTION_BAND expression and use an operator of "
    "bands; without, give Threshold and another operator.",
    source=_PUT_ALARM,
    types=(ALARM,),
)
def band(alarm: Resource) -> Iterator[Fault]:
    operator, node = text(alarm.get("ComparisonOperator")), alarm.get("ThresholdMetricId")
    if node.absent:
        if operator in _BAND_OPERATORS:
            yield Fault(at="ThresholdMetricId", message=f"operator {operator} without a band")
        if alarm.get("Threshold").absent and alarm.get("EvaluationCriteria").absent:
            yield Fault(at="Threshold", message="no threshold")
    if not node.present:
        return
    if operator is not None and operator not in _BAND_OPERATORS:
        yield Fault(at="ComparisonOperator", message=f"operator {operator} with a band")
    queries = entries(alarm.get("Metrics"))
    ids = [text(query.get("Id")) for query in queries]
    if text(node) is not None and None not in ids and queries and text(node) not in ids:
        yield Fault(at=str(node), message=f"no query has the id {text(node)}")


@rule(
    "CW-204",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Anomaly and composite alarms do not scale anything",
    otherwise="CloudWatch refuses the alarm.",
    remedy="Let a metric alarm with a fixed threshold call the scaling policy.",
    source=_PUT_COMPOSITE,
    types=(ALARM, COMPOSITE),
)
def scaling_actions(alarm: Resource) -> Iterator[Fault]:
    if alarm.type == ALARM and not alarm.get("ThresholdMetricId").present:
        return
    for key in ACTIONS:
        for action in entries(alarm.get(key)):
            written = action.value if isinstance(action.value, str) else ""
            refused = ":autoscaling:" in written or (alarm.type == COMPOSITE and ":automate:" in written)
            if refused or target(action, *_SCALING):
                yield Fault(at=str(action), message="an action that alarms of this kind cannot take")
