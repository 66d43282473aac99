"""Lambda: functions find a load balancer's listeners where they are on this machine, each run of one is measured, and
SNS calls them as AWS does: with retries, and with the destination of what failed."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc, sns

from localcloud import layout
from localcloud.emulator.corrections import replace

_LISTENER = re.compile(r"(https?://localhost):(\d+)")


def install() -> None:
    _translate_listeners()
    _measure_every_run()
    replace(sns, "_deliver_to_lambda", _deliver)


def _translate_listeners() -> None:
    stock = lambda_runtime.Worker._spawn

    def spawn(worker: Any) -> Any:
        given = worker.config
        variables = (given.get("Environment") or {}).get("Variables") or {}
        worker.config = {**given, "Environment": {"Variables": translated(variables)}}
        try:
            return stock(worker)
        finally:
            worker.config = given

    replace(lambda_runtime.Worker, "_spawn", spawn)


def _measure_every_run() -> None:
    """Upstream publishes AWS/Lambda for what Invoke waits for, and neither for retries nor for what events start."""
    emit, execute = lambda_svc._emit_lambda_metrics, lambda_svc._execute_function_dispatch

    def measured(func: Any, config: Any, event: Any, request_id: str, started: float) -> Any:
        result = execute(func, config, event, request_id, started)
        failed = isinstance(result, dict) and bool(result.get("error"))
        milliseconds = (time.time() - started) * 1000
        emit(config.get("FunctionName", "unknown"), duration_ms=milliseconds, error=failed, throttle=False)
        return result

    def throttles_alone(name: str, *, duration_ms: float, error: bool, throttle: bool) -> None:
        if throttle:
            emit(name, duration_ms=duration_ms, error=error, throttle=throttle)

    replace(lambda_svc, "_execute_function_dispatch", measured)
    replace(lambda_svc, "_emit_lambda_metrics", throttles_alone)


def _deliver(
    endpoint: str, envelope: str, _topic: str, subscription: str, _id: str, _raw: str, _attributes: Any
) -> None:
    """An asynchronous invocation, as SNS makes it; upstream's is made once, and lost when it fails."""
    func, config, _ = lambda_svc._get_func_record_for_ref(endpoint)
    if not func or not config:
        return  # deleted before its subscription
    record = {
        "EventVersion": "1.0",
        "EventSubscriptionArn": subscription,
        "EventSource": "aws:sns",
        "Sns": json.loads(envelope),
    }
    lambda_svc.invoke_async_with_retry(lambda_svc._execution_record_for_config(func, config), {"Records": [record]})


def translated(variables: Mapping[str, str]) -> dict[str, str]:
    """The variables with addresses of listeners as they are on this machine, as tasks get theirs (docs/adr/0001).

    Only a value that is exactly such an address is replaced, never a part of a value.
    """
    return {name: _translated(value) for name, value in variables.items()}


def _translated(value: str) -> str:
    found = _LISTENER.fullmatch(value)
    port = layout.ports().listener(int(found[2])) if found else None
    return f"{found[1]}:{port}" if found and port else value
