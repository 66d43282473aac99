"""CloudWatch: metrics, statistics and alarms of `localcloud.emulator.cloudwatch` behind MiniStack's API.

MiniStack keeps the alarms' records and answers the calls about them; what it does not do (exact dimensions, periods,
M out of N, missing data, metric math, its own memory's bounds) is replaced.
"""

from __future__ import annotations

import copy
import json
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services import cloudwatch

from localcloud import layout
from localcloud.emulator import persistence, wire
from localcloud.emulator.cloudwatch import calls, composites, describing, publishing, reading
from localcloud.emulator.cloudwatch.actions import Actions, Outcome, Transition
from localcloud.emulator.cloudwatch.alarms import MetricAlarm
from localcloud.emulator.cloudwatch.engine import Change, Engine
from localcloud.emulator.cloudwatch.metrics import Aggregate, metric_of
from localcloud.emulator.cloudwatch.scaling_actions import is_policy
from localcloud.emulator.cloudwatch.store import MetricStore, Scope
from localcloud.emulator.corrections import replace

# What AWS answers for an alarm on one metric alone; upstream gives alarms on expressions defaults for them.
_OF_ONE_METRIC = ("MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Period", "Unit", "Dimensions")
_MORE = ("EvaluateLowSampleCountPercentile", "ThresholdMetricId")
_HISTORY_KEPT = 2000

Record = dict[str, Any]

# Evaluation and calls change alarms in threads of their own.
_guard = threading.RLock()
_suppressor_being_put: ContextVar[Record] = ContextVar("suppressor_being_put", default={})  # noqa: B039 - only read


class _Service:
    """The parts, wired to each other and to MiniStack's records."""

    def __init__(self) -> None:
        self.store = MetricStore(layout.folder("emulator", "state") / "metrics.sqlite")
        self.actions = Actions(done=_note_action)
        self.suppressions = composites.Suppressions(self._submit)
        self.engine = Engine(
            self.store,
            alarms=_all_metric_alarms,
            changed=self._change,
            stays=self._stay,
            ticked=self.suppressions.tick,
        )

    def start(self) -> None:
        """Evaluate from now on; the records that were saved must have been read."""
        self.actions.start()
        self.engine.start()

    def stop(self) -> None:
        self.engine.stop()

    def _change(self, change: Change) -> None:
        with request_scope(*change.scope):
            transition(change.alarm, change.state.value, change.reason, change.reason_data)

    def _stay(self, change: Change) -> None:
        """Scaling goes on for as long as an alarm lasts, by its latest values."""
        if any(is_policy(action) for action in change.alarm.get("AlarmActions") or ()):
            alarm = {**change.alarm, "StateReasonData": change.reason_data}
            state = change.state.value
            self.actions.submit(
                Transition(scope=change.scope, alarm=alarm, before=change.alarm, old_state=state, stays=True)
            )

    def changed(self, alarm: Record, before: Record) -> None:
        """Let an alarm of the region at hand do what follows from its new state."""
        self.suppressions.changed(alarm, before["StateValue"])
        self._submit(alarm, before, before["StateValue"])

    def _submit(self, alarm: Record, before: Record, old_state: str) -> None:
        self.actions.submit(Transition(scope=_scope(), alarm=copy.deepcopy(alarm), before=before, old_state=old_state))


_service: _Service | None = None


def service() -> _Service:
    """The running service; install() makes it."""
    if _service is None:
        raise RuntimeError("CloudWatch is used before install()")
    return _service


def install() -> None:
    global _service
    _service = _Service()
    store = _service.store
    answered: dict[str, Callable[[Record], Record]] = {
        "PutMetricData": lambda asked: _put_metric_data(store, asked),
        "GetMetricStatistics": lambda asked: reading.get_metric_statistics(store, _scope(), asked),
        "GetMetricData": lambda asked: reading.get_metric_data(store, _scope(), asked),
        "ListMetrics": lambda asked: reading.list_metrics(store, _scope(), asked, time.time()),
        "SetAlarmState": _set_alarm_state,
        "DescribeAlarms": _describe_alarms,
        "DescribeAlarmsForMetric": lambda asked: describing.describe_alarms_for_metric(
            asked, cloudwatch._alarms.values()
        ),
    }
    for operation, call in answered.items():
        name = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in operation)
        replace(cloudwatch, name, calls.answering(operation, call))
    replace(cloudwatch, "_put_metric_alarm", _completing_alarms(cloudwatch._put_metric_alarm))
    replace(cloudwatch, "_put_composite_alarm", _with_suppressor(cloudwatch._put_composite_alarm))
    replace(cloudwatch, "_validate_alarm_tag_arn", _taking_dashboards(cloudwatch._validate_alarm_tag_arn))
    # Composite alarms and stack operations of upstream end here.
    replace(cloudwatch, "_dispatch_alarm_actions", _dispatch)
    replace(cloudwatch, "_record_history", _record_history)
    replace(cloudwatch, "_evaluate_alarm", lambda _alarm: None)
    replace(cloudwatch, "record_metric", _record_metric)


def transition(alarm: Record, state: str, reason: str, reason_data: str | None) -> None:
    """Give an alarm of the region at hand another state, with all that follows from it."""
    with _guard:
        _transition(alarm, state, reason, reason_data)


def _transition(alarm: Record, state: str, reason: str, reason_data: str | None) -> None:
    before = copy.deepcopy(alarm)
    now = time.time()
    alarm |= {"StateReason": reason, "StateReasonData": reason_data, "StateUpdatedTimestamp": now}
    if reason_data is None:
        del alarm["StateReasonData"]
    alarm["StateValue"] = state
    if before["StateValue"] != state:
        alarm["StateTransitionedTimestamp"] = now
        kind = "CompositeAlarm" if "AlarmRule" in alarm else "MetricAlarm"
        data = json.loads(reason_data) if reason_data and reason_data[:1] == "{" else None
        _record_history(alarm["AlarmName"], before["StateValue"], state, reason, kind, data)
        service().changed(alarm, before)
        cloudwatch._evaluate_parent_alarms(alarm)
    persistence.saver.touch("cloudwatch")


def _scope() -> Scope:
    return (get_account_id(), get_region())


def _all_metric_alarms() -> list[tuple[Scope, Record]]:
    return [((key[0], key[1]), alarm) for key, alarm in list(cloudwatch._alarms._data.items())]


def _put_metric_data(store: MetricStore, asked: Record) -> Record:
    publishing.publish(store, _scope(), asked.get("Namespace", ""), asked.get("MetricData") or [], time.time())
    return {}


def _describe_alarms(asked: Record) -> Record:
    return describing.describe_alarms(
        asked,
        metric_alarms=cloudwatch._alarms.values(),
        composite_alarms=cloudwatch._composite_alarms.values(),
        children=cloudwatch._composite_children,
    )


def _record_metric(
    namespace: str, metric_name: str, value: float, unit: str = "None", dimensions: dict[str, str] | None = None
) -> None:
    """What MiniStack's own services publish."""
    listed = [{"Name": name, "Value": of} for name, of in (dimensions or {}).items()]
    metric = metric_of(namespace, metric_name, listed)
    service().store.put(_scope(), metric, Aggregate.of({float(value): 1.0}), unit=unit, when=time.time())


def _set_alarm_state(asked: Record) -> Record:
    """Until the next evaluation (of a composite alarm: until one of its children changes)."""
    name = asked["AlarmName"]
    alarm = cloudwatch._alarms.get(name) or cloudwatch._composite_alarms.get(name)
    if not alarm:
        raise calls.CallError("ResourceNotFound", f"Alarm {name} not found", status=404)
    transition(alarm, asked["StateValue"], asked["StateReason"], asked.get("StateReasonData"))
    return {}


def _dispatch(alarm: Record, old_state: str, _new_state: str, _reason: str) -> None:
    alarm |= _suppressor_being_put.get()
    service().changed(alarm, {**alarm, "StateValue": old_state})


def _record_history(
    name: str, old_state: str, new_state: str, reason: str, kind: str = "MetricAlarm", reason_data: Any = None
) -> None:
    new = {"stateValue": new_state, "stateReason": reason}
    if reason_data is not None:
        new["stateReasonData"] = reason_data
    _append_history(
        name,
        kind,
        "StateUpdate",
        f"Alarm updated from {old_state} to {new_state}",
        {"version": "1.0", "oldState": {"stateValue": old_state}, "newState": new},
    )


def _note_action(outcome: Outcome) -> None:
    alarm = outcome.transition.alarm
    data = {
        "actionState": "Failed" if outcome.error else "Succeeded",
        "stateUpdateTimestamp": int(alarm["StateUpdatedTimestamp"] * 1000),
        "notificationResource": outcome.action,
        "error": outcome.error,
    }
    kind = "CompositeAlarm" if "AlarmRule" in alarm else "MetricAlarm"
    summary = (
        f"Failed to execute action {outcome.action}. Received error: {outcome.error}"
        if outcome.error
        else f"Successfully executed action {outcome.action}"
    )
    with request_scope(*outcome.transition.scope):
        _append_history(alarm["AlarmName"], kind, "Action", summary, data)


def _append_history(name: str, kind: str, item: str, summary: str, data: Record) -> None:
    entries = cloudwatch._history_entries()
    entries.append(
        {
            "AlarmName": name,
            "AlarmType": kind,
            "Timestamp": cloudwatch._ts_iso(time.time()),
            "HistoryItemType": item,
            "HistorySummary": summary,
            "HistoryData": json.dumps(data),
        }
    )
    del entries[:-_HISTORY_KEPT]
    persistence.saver.touch("cloudwatch")


def _taking_dashboards(stock: Callable[..., Any]) -> Callable[..., Any]:
    """Upstream lets only alarms have tags."""

    def validate(arn: str, is_json: bool = False, is_cbor: bool = False) -> Any:
        dashboard = cloudwatch._dashboards.get(arn.rpartition(":dashboard/")[2])
        if dashboard and dashboard["DashboardArn"] == arn:
            return None
        return stock(arn, is_json=is_json, is_cbor=is_cbor)

    return validate


def _completing_alarms(stock: Callable[..., Any]) -> Callable[..., Any]:
    """Upstream drops Metrics, answers empty members that were never given, and takes what cannot be evaluated."""

    def put_metric_alarm(parameters: Any, data: Any, is_cbor: bool, is_json: bool = False) -> Any:
        asked = data if is_cbor or is_json else wire.read_query_input("cloudwatch", "PutMetricAlarm", parameters)
        if problem := _problem(asked):
            return cloudwatch._error("ValidationError", problem, 400, use_json=is_json, use_cbor=is_cbor)
        answer = stock(parameters, data, is_cbor, is_json)
        if answer[0] < 300:
            _complete(cloudwatch._alarms[asked["AlarmName"]], asked)
        return answer

    return put_metric_alarm


def _with_suppressor(stock: Callable[..., Any]) -> Callable[..., Any]:
    """Upstream drops the suppressor, and evaluates a new rule before it returns."""

    def put_composite_alarm(parameters: Any, data: Any, is_cbor: bool, is_json: bool = False) -> Any:
        asked = data if is_cbor or is_json else wire.read_query_input("cloudwatch", "PutCompositeAlarm", parameters)
        if problem := composites.problem(asked):
            return cloudwatch._error("ValidationError", problem, 400, use_json=is_json, use_cbor=is_cbor)
        suppressor = {name: asked[name] for name in composites.SUPPRESSOR if asked.get(name) is not None}
        token = _suppressor_being_put.set(suppressor)
        try:
            with _guard:
                answer = stock(parameters, data, is_cbor, is_json)
                if answer[0] < 300:
                    cloudwatch._composite_alarms[asked["AlarmName"]] |= suppressor
        finally:
            _suppressor_being_put.reset(token)
        return answer

    return put_composite_alarm


def _problem(asked: Record) -> str | None:
    try:
        MetricAlarm.read(asked)
    except KeyError as error:
        return f"The parameter {error.args[0]} is required."
    except ValueError as error:
        return str(error)
    return None


def _complete(alarm: Record, asked: Record) -> None:
    alarm |= {name: asked[name] for name in ("Metrics", *_MORE) if name in asked}
    gone = _OF_ONE_METRIC if "Metrics" in asked else ("Statistic",) if "ExtendedStatistic" in asked else ()
    for name in [*gone, *(name for name, value in alarm.items() if value is None)]:
        alarm.pop(name, None)
