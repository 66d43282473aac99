"""State that outlives a kill -9: changes are written within a second; MiniStack itself writes on a clean stop only."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import parse_qs

from ministack import app as ministack_app
from ministack.core import persistence as stock

from localcloud.emulator import cloudformation, stores

_log = logging.getLogger(__name__)

_INTERVAL_SECONDS = 1.0
_IN_FLIGHT_SECONDS = 3.0
"""Between two rounds that write everything during a stack operation: each takes a third of a second of a core."""
_SLOW_INTERVAL_SECONDS = 15.0
# Called all the time, worth little after a crash, and their state is large: what these wrote waits for the round
# that writes everything.
_TELEMETRY = frozenset({"PutLogEvents", "PutMetricData"})
_READING = (
    "Describe",
    "List",
    "Get",
    "Head",
    "BatchGet",
    "Lookup",
    "Filter",
    "Search",
    "Validate",
    "Decrypt",
    "Estimate",
)


class Saver:
    """Writes the state of the services that were written to."""

    def __init__(self) -> None:
        self._changed: set[str] = set()
        self._guard = threading.Lock()
        self._writing = threading.Lock()
        self._stopped = threading.Event()
        self._slow_due = 0.0
        self._thread = threading.Thread(target=self._run, name="localcloud-persistence", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def touch(self, *state_keys: str) -> None:
        with self._guard:
            self._changed.update(state_keys)

    def touch_all(self) -> None:
        self.touch(*ministack_app._build_persistence_save_dict())

    def stop(self) -> None:
        """Stop the thread and write what is left."""
        if not self._thread.ident:
            return  # stopped before the state was read: there is nothing to write yet
        self._stopped.set()
        self._thread.join()
        self._slow_due = 0.0
        self.save()

    def save(self) -> None:
        with self._writing:
            now = time.monotonic()
            with self._guard:
                due, self._changed = self._changed, set()
                if now >= self._slow_due:
                    # Services write to each other unseen (a bucket's notification to EventBridge): all, now and then.
                    due |= ministack_app._build_persistence_save_dict().keys()
                    self._slow_due = now + _SLOW_INTERVAL_SECONDS
            known = ministack_app._build_persistence_save_dict()
            for key in due & known.keys():
                try:
                    stock.save_state(key, _state(known[key]))
                except RuntimeError:
                    # A store changed size while it was copied: the next round has it.
                    self.touch(key)

    def _run(self) -> None:
        was_in_flight, next_round = False, 0.0
        while not self._stopped.wait(_INTERVAL_SECONDS):
            # Once more after the end: what was written last still said that the operation was going on.
            in_flight = cloudformation.operation_in_flight()
            if (was_in_flight and not in_flight) or (in_flight and time.monotonic() >= next_round):
                self.touch_all()
                next_round = time.monotonic() + _IN_FLIGHT_SECONDS
            was_in_flight = in_flight
            try:
                self.save()
            except Exception:  # noqa: BLE001
                # A full disk must not end the thread: later rounds may succeed.
                _log.exception("state could not be written")


def _state(get_state: Any) -> Any:
    for _ in range(5):
        try:
            return get_state()
        except RuntimeError:
            time.sleep(0.02)
    return get_state()


saver = Saver()


def install() -> Saver:
    """Note the services that are written to; saving starts once what was saved before has been read."""
    modules_keys: dict[str, list[str]] = {}
    for key, module in ministack_app._state_map.items():
        modules_keys.setdefault(module, []).append(key)
    for service, config in ministack_app.SERVICE_REGISTRY.items():
        if service not in ministack_app.SERVICE_HANDLERS:
            continue
        keys = [
            key for module in (config["module"], *config.get("sub_modules", ())) for key in modules_keys.get(module, [])
        ]
        keys += stores.state_keys(service)
        # A stack operation writes to any service, in part directly, past the service's own calls.
        touch = saver.touch_all if service == "cloudformation" else partial(saver.touch, *keys)
        ministack_app.SERVICE_HANDLERS[service] = _noting(ministack_app.SERVICE_HANDLERS[service], touch)
    return saver


def _noting(handler: Any, touch: Callable[[], None]) -> Any:
    async def handle(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
        answer = await handler(method, path, headers, body, query)
        operation = _operation(method, path, headers, body, query)
        if not operation.startswith(_READING) and operation not in _TELEMETRY:
            touch()
        return answer

    return handle


def _operation(method: str, path: str, headers: Any, body: bytes, query: Any) -> str:
    """The API operation's name in any of AWS's protocols; for REST the HTTP method stands for it ("Get", "Put")."""
    if target := headers.get("x-amz-target"):
        return str(target).rsplit(".", 1)[-1]
    if "Action" in query:
        return str(query["Action"][0])
    if "/operation/" in path:
        return path.rsplit("/", 1)[-1]
    if body.startswith(b"Action=") or b"&Action=" in body[:4096]:
        return parse_qs(body.decode(errors="replace")).get("Action", [""])[0]
    return method.capitalize()
