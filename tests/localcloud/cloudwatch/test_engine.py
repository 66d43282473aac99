"""When alarms are evaluated, with a clock of the test's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from localcloud.emulator.cloudwatch.engine import Change, Engine
from localcloud.emulator.cloudwatch.metrics import Aggregate, metric_of
from localcloud.emulator.cloudwatch.store import MetricStore

_HERE = ("000000000000", "us-east-1")
_MINUTE = 1_800_000_000 // 60 * 60


class Stage:
    """An engine whose clock the test moves."""

    def __init__(self, path: Path) -> None:
        self.now = float(_MINUTE)
        self.store = MetricStore(path / "metrics.sqlite")
        self.records: list[dict[str, Any]] = []
        self.changes: list[tuple[float, str]] = []
        self.reasons: list[str] = []
        self.stays: list[float] = []
        self.engine = Engine(
            self.store,
            alarms=lambda: [(_HERE, record) for record in self.records],
            changed=self._changed,
            stays=lambda _change: self.stays.append(self.now - _MINUTE),
            clock=lambda: self.now,
        )

    def alarm(self, **members: Any) -> dict[str, Any]:
        record = {
            "AlarmName": f"alarm-{len(self.records)}",
            "StateValue": "INSUFFICIENT_DATA",
            "Namespace": "App",
            "MetricName": "Errors",
            "Statistic": "Sum",
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": 10.0,
            "ComparisonOperator": "GreaterThanThreshold",
            **members,
        }
        self.records.append(record)
        return record

    def put(self, value: float, second: float, *, count: float = 1.0, resolution: int = 60, **dimensions: str) -> None:
        listed = [{"Name": name, "Value": of} for name, of in dimensions.items()]
        metric = metric_of("App", "Errors", listed)
        self.store.put(
            _HERE, metric, Aggregate.of({value: count}), unit="Count", when=_MINUTE + second, resolution=resolution
        )

    def run(self, *, until: float) -> None:
        """Tick each second until that second."""
        while self.now < _MINUTE + until:
            self.now += 1
            self.engine.tick()

    def _changed(self, change: Change) -> None:
        change.alarm["StateValue"] = change.state.value
        self.changes.append((self.now - _MINUTE, change.state.value))
        self.reasons.append(change.reason)


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def test_a_minute_is_judged_seconds_after_its_end_and_not_before(stage: Stage) -> None:
    stage.alarm()
    stage.put(8, 10)
    stage.put(8, 50)
    stage.run(until=130)
    assert stage.changes == [(65, "ALARM")]


def test_an_alarm_goes_on_for_the_evaluation_range_and_then_has_no_data(stage: Stage) -> None:
    stage.alarm()
    stage.put(11, 0)
    stage.run(until=400)
    assert stage.changes == [(65, "ALARM"), (245, "INSUFFICIENT_DATA")]
    assert stage.reasons[-1] == "Insufficient Data: 1 datapoint was unknown."


def test_values_that_come_late_are_taken_within_seconds(stage: Stage) -> None:
    stage.alarm()
    stage.run(until=80)
    stage.put(11, 30)
    stage.run(until=90)
    assert stage.changes == [(81, "ALARM")]


def test_dimensions_are_exact(stage: Stage) -> None:
    stage.alarm(Dimensions=[{"Name": "Service", "Value": "web"}])
    stage.put(11, 0)
    stage.put(11, 0, Service="worker")
    stage.put(11, 0, Service="web", Zone="a")
    stage.run(until=70)
    assert stage.changes == []
    stage.put(11, 60, Service="web")
    stage.run(until=130)
    assert stage.changes == [(125, "ALARM")]


def test_missing_data_breach_only_once_there_was_an_alarm_to_miss_them(stage: Stage) -> None:
    record = stage.alarm(TreatMissingData="breaching", AlarmConfigurationUpdatedTimestamp=_MINUTE + 10)
    stage.alarm(TreatMissingData="notBreaching", AlarmConfigurationUpdatedTimestamp=_MINUTE + 10)
    stage.run(until=30)
    assert (record["StateValue"], stage.changes) == ("INSUFFICIENT_DATA", [(1, "OK")])
    stage.run(until=400)
    assert stage.changes[1:] == [(245, "ALARM")], "three periods, which are its evaluation range, later"
    stage.alarm(Period=3600, TreatMissingData="breaching", AlarmConfigurationUpdatedTimestamp=_MINUTE + 400)
    stage.run(until=800)
    assert stage.changes[2:] == [(725, "ALARM")], "five minutes later at most"


def test_a_unit_is_exact(stage: Stage) -> None:
    stage.alarm(Unit="Seconds")
    stage.put(11, 0)
    stage.run(until=70)
    assert stage.changes == []


def test_long_periods_end_every_minute(stage: Stage) -> None:
    stage.alarm(Period=300)
    stage.put(6, 0)
    stage.put(6, 120)
    stage.run(until=400)
    assert stage.changes[0] == (65, "OK"), "the five minutes up to the end of the first"
    assert stage.changes[1] == (185, "ALARM"), "those up to the end of the third"


def test_high_resolution_alarms_are_evaluated_every_ten_seconds(stage: Stage) -> None:
    stage.alarm(Period=10, EvaluationPeriods=2)
    for second in (0, 10, 20):
        stage.put(0 if second == 0 else 11, second, resolution=1)
    stage.run(until=40)
    assert stage.changes == [(12, "OK"), (32, "ALARM")]


def test_m_out_of_n_over_time(stage: Stage) -> None:
    stage.alarm(EvaluationPeriods=3, DatapointsToAlarm=2)
    for minute, value in enumerate((0, 11, 0, 11, 0, 0)):
        stage.put(value, 60 * minute)
    stage.run(until=400)
    assert stage.changes == [(65, "OK"), (245, "ALARM"), (305, "OK")]


def test_a_percentile_of_few_samples_changes_nothing_when_they_are_to_be_ignored(stage: Stage) -> None:
    stage.alarm(Statistic=None, ExtendedStatistic="p99", EvaluateLowSampleCountPercentile="ignore")
    stage.alarm(Statistic=None, ExtendedStatistic="p99")
    stage.put(11, 0, count=999)
    stage.run(until=70)
    assert [record["StateValue"] for record in stage.records] == ["INSUFFICIENT_DATA", "ALARM"]
    stage.put(11, 60, count=1000)
    stage.run(until=130)
    assert [record["StateValue"] for record in stage.records] == ["ALARM", "ALARM"]


def test_a_state_that_was_set_lasts_until_the_next_evaluation(stage: Stage) -> None:
    record = stage.alarm()
    stage.put(0, 0)
    stage.put(0, 60)
    stage.run(until=70)
    record["StateValue"] = "ALARM"
    stage.run(until=124)
    assert record["StateValue"] == "ALARM"
    stage.run(until=125)
    assert record["StateValue"] == "OK"


def test_an_alarm_put_again_is_evaluated_at_once(stage: Stage) -> None:
    stage.alarm()
    stage.put(11, 0)
    stage.run(until=70)
    stage.records = [{**stage.records[0], "Threshold": 20.0}]
    stage.run(until=71)
    assert stage.changes == [(65, "ALARM"), (71, "OK")]


def test_an_alarm_that_lasts_is_told_of_every_minute(stage: Stage) -> None:
    stage.alarm()
    stage.alarm(Period=10, Threshold=5.0)
    for second in range(0, 240, 10):
        stage.put(11 if second < 120 else 0, second, resolution=1)
    stage.run(until=70)
    assert (stage.changes[-1], stage.stays) == ((65, "ALARM"), [62])
    stage.run(until=250)
    assert stage.stays == [62, 122, 125]
    assert stage.changes[2:] == [(132, "OK"), (185, "OK")]


def test_values_that_no_alarm_looks_at_reach_the_file_within_seconds(stage: Stage, tmp_path: Path) -> None:
    stage.run(until=1)
    stage.put(11, 0)
    stage.run(until=6)
    elsewhere = MetricStore(tmp_path / "metrics.sqlite")
    found = elsewhere.read(_HERE, metric_of("App", "Errors", []), start=_MINUTE, end=_MINUTE + 60, period=60)
    assert [aggregate.total for aggregate in found.values()] == [11]


def test_what_cannot_be_evaluated_does_not_stop_the_others(stage: Stage) -> None:
    stage.alarm(ComparisonOperator="GreaterThanUpperThreshold")
    stage.alarm()
    stage.put(11, 0)
    stage.run(until=70)
    assert stage.changes == [(65, "ALARM")]


def test_an_alarm_on_metric_math_watches_the_one_that_returns_data(stage: Stage) -> None:
    def stat(identifier: str, service: str) -> dict[str, Any]:
        metric = {
            "Namespace": "App", "MetricName": "Errors", "Dimensions": [{"Name": "Service", "Value": service}],
        }  # fmt: skip
        return {"Id": identifier, "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}, "ReturnData": False}

    share = {"Id": "share", "Expression": "IF(all > 20, 100 * FILL(bad, 0) / all, 0)"}
    stage.alarm(Metrics=[share, stat("bad", "bad"), stat("all", "all")], TreatMissingData="notBreaching")
    for second, bad, everything in ((0, 10, 15), (60, 10, 30), (120, 3, 100)):
        stage.put(bad, second, Service="bad")
        stage.put(everything, second, Service="all")
    stage.run(until=190)
    assert stage.changes == [(1, "OK"), (125, "ALARM"), (185, "OK")]
    assert "[33.333333333333336 (" in stage.reasons[1]
