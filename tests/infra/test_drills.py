"""A drill for each alarm (`make drill NAME=alarms`), and that what is fed makes red what it is fed for.

That the drills work on the running platform is seen by running them: docs/alarm-drills.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from localcloud.drill.alarms.catalog import FAULTS, covered
from localcloud.drill.alarms.fault import Fault
from localcloud.drill.alarms.feeding import Feed, There, Value, data_for, fed_for, good_minutes_of, minutes_of
from localcloud.drill.deployed import Alarm
from localcloud.drill.titles import title_of
from localcloud.emulator.cloudwatch.alarms import MetricAlarm
from localcloud.emulator.cloudwatch.evaluation import State
from localcloud.emulator.cloudwatch.metrics import metric_of
from localcloud.emulator.cloudwatch.publishing import publish
from localcloud.emulator.cloudwatch.store import MetricStore
from tests.infra.alarms_of import AlarmOf, alarms_of
from tests.infra.synthesized import Assembly

LAST = 1_795_860_000 // 60 * 60
"""The end of a minute."""

SCOPE = ("000000000000", "us-east-1")
WITHOUT_DOMAIN = {"certificate-site-expires", "certificate-cdn-expires"}


def undrilled(alarms: Iterable[AlarmOf]) -> set[str]:
    return {title_of(alarm.name) for alarm in alarms} - covered()


def test_each_alarm_has_a_drill(assembly: Assembly) -> None:
    alarms = list(alarms_of(assembly))
    assert alarms, "nothing was looked at"
    assert undrilled(alarms) == set()


def test_an_alarm_without_a_drill_is_refused(prod: Assembly) -> None:
    new = AlarmOf(stack="Monitoring", logical_id="New", properties={"AlarmName": "SpendSmart-Prod-new"})
    assert undrilled([*alarms_of(prod), new]) == {"new"}


def test_no_drill_is_left_over(prod: Assembly, preview: Assembly) -> None:
    there = {title_of(alarm.name) for one in (prod, preview) for alarm in alarms_of(one)}
    assert covered() - there == WITHOUT_DOMAIN


def test_faults_wait_for_faults_that_there_are_and_not_for_one_another() -> None:
    done: set[str] = set()
    while ready := {f.name for f in FAULTS.values() if f.name not in done and {*f.after, *f.after_mending} <= done}:
        done |= ready
    assert done == set(FAULTS)


def test_what_pages_is_a_page(prod: Assembly) -> None:
    severities = {title_of(alarm.name): alarm.facts.get("severity") for alarm in alarms_of(prod)}
    pages = {fault.pages for fault in FAULTS.values() if fault.pages}
    assert pages == {"database-outage", "broker-outage"}
    assert {severities[page] for page in pages} == {"P0"}


def _feeds() -> Iterator[Fault]:
    return (fault for fault in FAULTS.values() if isinstance(fault.breakage, Feed))


def _deployed(assembly: Assembly) -> dict[str, Alarm]:
    """The template's alarms as DescribeAlarms would tell them; what is not known before has a text of its own."""
    found = {}
    for alarm in alarms_of(assembly):
        record = json.loads(json.dumps(alarm.properties), object_hook=_resolved)
        title = title_of(alarm.name)
        found[title] = Alarm(
            name=alarm.name, title=title, facts=alarm.facts, composite="AlarmRule" in record, state="OK", record=record
        )
    return found


def _resolved(value: dict[str, Any]) -> Any:
    return json.dumps(value) if len(value) == 1 and next(iter(value)) in ("Fn::GetAtt", "Ref", "Fn::Join") else value


def _state(store: MetricStore, alarm: Alarm, now: float, current: State = State.OK) -> State:
    read = MetricAlarm.read({"AlarmName": alarm.name, **alarm.record})
    return read.evaluate(store, SCOPE, read.window(now), current).state


def _nothing(_metric: Mapping[str, Any]) -> There:
    return There()


def _there(store: MetricStore, metric: Mapping[str, Any]) -> There:
    read = metric_of(metric["Namespace"], metric["MetricName"], metric.get("Dimensions") or ())
    found = store.read(SCOPE, read, start=0, end=2 * LAST, period=60).values()
    return There(sum(one.count for one in found), sum(one.total for one in found))


def _put(store: MetricStore, data: Iterable[tuple[str, Mapping[str, Any]]], now: float) -> None:
    for namespace, datum in data:
        publish(store, SCOPE, namespace, [{**datum, "Timestamp": datum["Timestamp"].timestamp()}], now)


@pytest.mark.parametrize("fault", list(_feeds()), ids=lambda fault: fault.name)
def test_what_is_fed_makes_it_red_and_is_over_by_itself(fault: Fault, prod: Assembly, tmp_path: Path) -> None:
    feed, alarms, now = fault.breakage, _deployed(prod), LAST + 10.0
    assert isinstance(feed, Feed)
    store = MetricStore(tmp_path / "metrics.sqlite")
    _put(store, fed_for(feed, alarms, last=LAST, there=lambda _alarm, metric: _there(store, metric)), now)
    fed = [alarms[title] for title in feed.bad if title in alarms]
    assert fed or fault.name in WITHOUT_DOMAIN
    for alarm in fed:
        assert _state(store, alarm, now) is State.ALARM, alarm.title
        if feed.minutes > 1:  # somebody else has to notice: a composite alarm, which waits for two minutes
            assert _state(store, alarm, now + 60 * (feed.minutes - 1)) is State.ALARM, alarm.title
    later = LAST + 60 * feed.minutes
    for title, values in feed.good.items():
        if title in alarms:
            at = good_minutes_of(alarms[title], values, last=later)
            data = data_for(alarms[title], values, at=at, there=lambda metric: _there(store, metric))
            _put(store, data, later + 10.0)
    for alarm in fed:
        after = later + 60 * 16 + 10
        assert _state(store, alarm, after, State.ALARM) is not State.ALARM, alarm.title


@pytest.mark.parametrize("title", ["check-failing", "firewall-blocks-alb", "openai-spend-day", "replication-failed"])
def test_an_alarm_that_is_over_stays_over_where_nothing_else_publishes(
    title: str, prod: Assembly, tmp_path: Path
) -> None:
    alarms, store = _deployed(prod), MetricStore(tmp_path / "metrics.sqlite")
    feed = FAULTS[title].breakage
    assert isinstance(feed, Feed)
    alarm, there = alarms[title], partial(_there, store)
    _put(store, fed_for(feed, alarms, last=LAST, there=lambda _alarm, metric: there(metric)), LAST + 10.0)
    later = LAST + 60 * feed.minutes
    at = good_minutes_of(alarm, feed.good[title], last=later)
    _put(store, data_for(alarm, feed.good[title], at=at, there=there), later + 10.0)
    states = [_state(store, alarm, LAST + 60.0 * minute + 10, State.OK) for minute in range(60)]
    changes = [state for state, before in zip(states[1:], states, strict=False) if state is not before]
    assert changes == [State.OK]


def test_what_is_fed_makes_it_red_in_a_second_drill_too(prod: Assembly, tmp_path: Path) -> None:
    """Values of a drill are there for a week: those of a next one decide all the same."""
    alarms, store, last = _deployed(prod), MetricStore(tmp_path / "metrics.sqlite"), LAST

    def there(_alarm: Alarm | None, metric: Mapping[str, Any]) -> There:
        return _there(store, metric)

    for fault in 2 * list(_in_order()):
        feed = fault.breakage
        assert isinstance(feed, Feed)
        _put(store, fed_for(feed, alarms, last=last, there=there), last + 10.0)
        for title in feed.bad.keys() & alarms.keys():
            assert _state(store, alarms[title], last + 10.0) is State.ALARM, title
        last += 60 * feed.minutes
        for title in feed.good.keys() & alarms.keys():
            at = good_minutes_of(alarms[title], feed.good[title], last=last)
            _put(store, data_for(alarms[title], feed.good[title], at=at, there=partial(there, None)), last + 10.0)
        last += 20 * 60


def _in_order() -> Iterator[Fault]:
    """Those that are fed, each after those that it waits for."""
    done: set[str] = set()
    while ready := [f for f in FAULTS.values() if f.name not in done and {*f.after, *f.after_mending} <= done]:
        done |= {fault.name for fault in ready}
        yield from (fault for fault in ready if isinstance(fault.breakage, Feed))


def test_minutes_are_those_that_the_alarm_looks_at() -> None:
    def alarm(*, period: int, periods: int, datapoints: int = 0) -> Alarm:
        record = {"Period": period, "EvaluationPeriods": periods, "DatapointsToAlarm": datapoints}
        return Alarm(name="x", title="x", facts={}, composite=False, state="OK", record=record)

    def minutes(found: list[int]) -> list[int]:
        return [(at - LAST) // 60 for at in found]

    assert minutes(minutes_of(alarm(period=60, periods=3), last=LAST, stay=1)) == [-3, -2, -1, 0]
    assert minutes(minutes_of(alarm(period=300, periods=2), last=LAST, stay=1)) == [-9, -4]
    assert minutes(minutes_of(alarm(period=300, periods=2), last=LAST, stay=4)) == [-6, -1]
    assert minutes(minutes_of(alarm(period=3600, periods=1), last=LAST, stay=2)) == [-58]
    assert minutes(minutes_of(alarm(period=60, periods=30, datapoints=1), last=LAST, stay=2)) == [-30, -29, -28]
    assert minutes(minutes_of(alarm(period=300, periods=4, datapoints=2), last=LAST, stay=1)) == [-19, -14]


def test_a_metric_without_a_value_is_refused(prod: Assembly) -> None:
    alarm = _deployed(prod)["readings-given-up"]
    with pytest.raises(KeyError, match="Extractions"):
        list(data_for(alarm, {}, at=[LAST], there=_nothing))


def test_metrics_are_the_alarms_own(prod: Assembly) -> None:
    alarm = _deployed(prod)["database-cpu"]
    [(namespace, datum)] = list(data_for(alarm, {"CPUUtilization": Value(95)}, at=[LAST], there=_nothing))
    metric = metric_of(namespace, datum["MetricName"], datum["Dimensions"])
    assert metric in MetricAlarm.read({"AlarmName": alarm.name, **alarm.record}).metrics
    assert isinstance(datum["Timestamp"], datetime)
