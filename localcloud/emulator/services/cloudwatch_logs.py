"""CloudWatch Logs: events become metrics, by metric filters and the embedded metric format."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from typing import Any

from ministack.core.responses import error_response_json, get_account_id, get_region
from ministack.services import cloudwatch_logs as logs

from localcloud.emulator.cloudwatch import log_metrics, log_patterns
from localcloud.emulator.cloudwatch.log_metrics import Figure, MetricFilters
from localcloud.emulator.cloudwatch.log_patterns import LogEvent, PatternError
from localcloud.emulator.corrections import replace
from localcloud.emulator.services import cloudwatch

_log = logging.getLogger(__name__)

_filters = MetricFilters()

Record = dict[str, Any]


def install() -> None:
    # Upstream keeps metric filters and never applies them.
    replace(logs, "_put_log_events", _measuring(logs._put_log_events))
    replace(logs, "_put_metric_filter", _checking(logs._put_metric_filter, "metric filter pattern"))
    # Upstream looks for the words of a pattern in any order.
    replace(logs, "_compile_filter_pattern", _matching)
    replace(logs, "_filter_log_events", _checking(logs._filter_log_events, "filter pattern"))


def _measuring(stock: Callable[[Record], Any]) -> Callable[[Record], Any]:
    def put_log_events(data: Record) -> Any:
        answer = stock(data)
        if answer[0] < 300:
            try:
                _publish(_figures(data["logGroupName"], data.get("logEvents") or []))
            except Exception:  # noqa: BLE001 - the events are stored: whoever sent them is to go on
                _log.exception("metrics of %s", data["logGroupName"])
        return answer

    return put_log_events


def _figures(group: str, events: list[Record]) -> Iterator[Figure]:
    filters = [record for (name, _), record in logs._metric_filters.items() if name == group]
    if not filters and not any(log_metrics.is_embedded(event["message"]) for event in events):
        return
    read = [(LogEvent.of(event["message"]), event["timestamp"] / 1000) for event in events]
    for event, when in read:
        yield from log_metrics.embedded(event, when)
    for record in filters:
        yield from _filters.figures(record, read)


def _publish(figures: Iterator[Figure]) -> None:
    store, scope = cloudwatch.service().store, (get_account_id(), get_region())
    for figure in figures:
        if abs(time.time() - figure.when) <= log_metrics.OLDEST_SECONDS:
            store.put(
                scope, figure.metric, figure.values, unit=figure.unit, when=figure.when, resolution=figure.resolution
            )


def _checking(stock: Callable[[Record], Any], what: str) -> Callable[[Record], Any]:
    def checked(data: Record) -> Any:
        try:
            log_patterns.compiled(data.get("filterPattern") or "")
        except PatternError as error:
            return error_response_json("InvalidParameterException", f"Invalid {what}. {error}", 400)
        return stock(data)

    return checked


def _matching(pattern: str) -> Callable[[str], bool]:
    matches = log_patterns.compiled(pattern)
    return lambda message: matches(LogEvent.of(message)) is not None
