"""Cost anomaly detection of Cost Explorer, which MiniStack does not have: monitors and subscriptions.

There is no bill here, so no anomaly is ever found; what was asked for is kept and shown.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from ministack.core.responses import get_account_id, new_uuid

from localcloud.emulator import json_service, stores
from localcloud.emulator.json_service import Record

SERVICE = "ce"
_monitors = stores.store("anomaly_monitors", service=SERVICE)
_subscriptions = stores.store("anomaly_subscriptions", service=SERVICE)
_tags = stores.store("anomaly_tags", service=SERVICE)


def install() -> None:
    json_service.install(SERVICE, target_prefix="AWSInsightsIndexService", calls=_CALLS)


def _now() -> str:
    return datetime.now(tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _create(store: Any, asked: Record, *, kind: str, member: str, tags: list[Record]) -> Record:
    arn = f"arn:aws:ce::{get_account_id()}:anomaly{kind}/{new_uuid()}"
    store[arn] = {**asked, member: arn}
    _tags[arn] = tags
    return {member: arn}


def _find(store: Any, arn: str, code: str) -> Record:
    if arn not in store:
        raise json_service.ServiceError(code, f"{arn} does not exist")
    found: Record = store[arn]
    return found


def _listed(store: Any, wanted: list[str], code: str) -> list[Record]:
    return [_find(store, arn, code) for arn in wanted or list(store)]


def _create_monitor(data: Record) -> Record:
    asked = {**data["AnomalyMonitor"], "CreationDate": _now(), "LastUpdatedDate": _now()}
    return _create(_monitors, asked, kind="monitor", member="MonitorArn", tags=data.get("ResourceTags", []))


def _get_monitors(data: Record) -> Record:
    return {"AnomalyMonitors": _listed(_monitors, data.get("MonitorArnList", []), "UnknownMonitorException")}


def _update_monitor(data: Record) -> Record:
    found = _find(_monitors, data["MonitorArn"], "UnknownMonitorException")
    if "MonitorName" in data:
        found |= {"MonitorName": data["MonitorName"], "LastUpdatedDate": _now()}
    return {"MonitorArn": data["MonitorArn"]}


def _delete_monitor(data: Record) -> Record:
    _find(_monitors, data["MonitorArn"], "UnknownMonitorException")
    _monitors.pop(data["MonitorArn"])
    _tags.pop(data["MonitorArn"], None)
    return {}


def _create_subscription(data: Record) -> Record:
    asked = {**data["AnomalySubscription"], "AccountId": get_account_id()}
    return _create(
        _subscriptions, asked, kind="subscription", member="SubscriptionArn", tags=data.get("ResourceTags", [])
    )


def _get_subscriptions(data: Record) -> Record:
    found = _listed(_subscriptions, data.get("SubscriptionArnList", []), "UnknownSubscriptionException")
    return {"AnomalySubscriptions": found}


def _update_subscription(data: Record) -> Record:
    found = _find(_subscriptions, data["SubscriptionArn"], "UnknownSubscriptionException")
    found |= {name: value for name, value in data.items() if name != "SubscriptionArn"}
    return {"SubscriptionArn": data["SubscriptionArn"]}


def _delete_subscription(data: Record) -> Record:
    _find(_subscriptions, data["SubscriptionArn"], "UnknownSubscriptionException")
    _subscriptions.pop(data["SubscriptionArn"])
    _tags.pop(data["SubscriptionArn"], None)
    return {}


def _list_tags(data: Record) -> Record:
    return {"ResourceTags": _tags.get(data["ResourceArn"], [])}


_CALLS: dict[str, Callable[[Record], Record]] = {
    "CreateAnomalyMonitor": _create_monitor,
    "GetAnomalyMonitors": _get_monitors,
    "UpdateAnomalyMonitor": _update_monitor,
    "DeleteAnomalyMonitor": _delete_monitor,
    "CreateAnomalySubscription": _create_subscription,
    "GetAnomalySubscriptions": _get_subscriptions,
    "UpdateAnomalySubscription": _update_subscription,
    "DeleteAnomalySubscription": _delete_subscription,
    "ListTagsForResource": _list_tags,
}
