"""CloudWatch: alarms on metric math keep their metrics."""

from __future__ import annotations

from typing import Any

from ministack.services import cloudwatch

from localcloud.emulator import wire
from localcloud.emulator.corrections import replace

# What AWS answers for an alarm on one metric alone; upstream gives alarms on expressions defaults for them.
_OF_ONE_METRIC = ("MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Period", "Unit", "Dimensions")
_MORE = ("EvaluateLowSampleCountPercentile", "ThresholdMetricId")


def install() -> None:
    stock = cloudwatch._put_metric_alarm

    def put_metric_alarm(parameters: Any, data: Any, is_cbor: bool, is_json: bool = False) -> Any:
        answer = stock(parameters, data, is_cbor, is_json)
        if answer[0] < 300:
            asked = data if is_cbor or is_json else wire.read_query_input("cloudwatch", "PutMetricAlarm", parameters)
            _complete(cloudwatch._alarms[asked["AlarmName"]], asked)
        return answer

    # Upstream drops Metrics, and answers empty members that were never given.
    replace(cloudwatch, "_put_metric_alarm", put_metric_alarm)


def _complete(alarm: dict[str, Any], asked: dict[str, Any]) -> None:
    alarm |= {name: asked[name] for name in ("Metrics", *_MORE) if name in asked}
    gone = _OF_ONE_METRIC if "Metrics" in asked else ("Statistic",) if "ExtendedStatistic" in asked else ()
    for name in [*gone, *(name for name, value in alarm.items() if value is None)]:
        alarm.pop(name, None)
