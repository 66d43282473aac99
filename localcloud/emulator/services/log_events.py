"""CloudWatch Logs: events are appended to a SQLite file as they come.

MiniStack saves all of them with every change of state: a busy hour later each save copies and writes some fifty
megabytes, and during a deployment there is one each second.
"""

from __future__ import annotations

import copy
import json
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ministack.core.responses import AccountRegionScopedDict, new_uuid
from ministack.services import cloudwatch_logs as logs

from localcloud import layout
from localcloud.emulator.corrections import replace

Record = dict[str, Any]

_ID = "_events"
"""In a stream's record: what its events are filed under. Names are used again after a deletion, this is not."""

_SCHEMA = "CREATE TABLE IF NOT EXISTS events (number INTEGER PRIMARY KEY, stream TEXT, event TEXT)"


class LogEventStore:
    """The events of all streams, in the order in which they came. Safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self._guard = threading.Lock()
        self._pending: list[tuple[str, str]] = []
        self._file = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        # A killed process loses nothing that was written; a power cut may.
        self._file.executescript(f"PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; {_SCHEMA};")

    def append(self, stream: str, events: Sequence[Record]) -> None:
        with self._guard:
            self._pending += ((stream, json.dumps(event)) for event in events)

    def flush(self) -> None:
        """Write what was appended."""
        with self._guard:
            pending, self._pending = self._pending, []
            if pending:
                self._file.execute("BEGIN")
                self._file.executemany("INSERT INTO events (stream, event) VALUES (?, ?)", pending)
                self._file.execute("COMMIT")

    def read(self) -> Iterator[tuple[str, Record]]:
        """Every event with its stream."""
        for stream, event in self._file.execute("SELECT stream, event FROM events ORDER BY number"):
            yield stream, json.loads(event)

    def forget_all_but(self, streams: set[str]) -> None:
        """Delete the events of streams that there are no more."""
        known = {stream for (stream,) in self._file.execute("SELECT DISTINCT stream FROM events")}
        self._file.executemany("DELETE FROM events WHERE stream = ?", [(gone,) for gone in known - streams])


def install() -> None:
    store = LogEventStore(layout.folder("emulator", "state") / "log_events.sqlite")
    replace(logs, "_append_log_events", _storing(logs._append_log_events, store))
    replace(logs, "get_state", lambda: _state(store))
    replace(logs, "load_persisted_state", _loading(logs.load_persisted_state, store))


def _storing(stock: Callable[[Record, Sequence[Record]], None], store: LogEventStore) -> Callable[..., None]:
    def append(stream: Record, events: Sequence[Record]) -> None:
        stock(stream, events)
        store.append(stream.setdefault(_ID, new_uuid()), events)
        for event in events:
            # A second copy of the event, which Logs Insights makes for itself when it finds one.
            logs._log_records.pop(event.get("eventId"), None)

    return append


def _state(store: LogEventStore) -> Record:
    """MiniStack's state without the events. What refers to them is copied first: an event without a stream is dropped
    at the next start, a stream without its events would stay empty."""
    groups = AccountRegionScopedDict()
    for key, group in logs._log_groups.all_items():
        streams = {name: {**stream, "events": []} for name, stream in list(group["streams"].items())}
        groups._data[key] = {**copy.deepcopy({**group, "streams": {}}), "streams": streams}
    store.flush()
    return {"log_groups": groups, **{name: copy.deepcopy(getattr(logs, f"_{name}")) for name in _REST}}


_REST = (
    "destinations",
    "resource_policies",
    "log_group_policies",
    "metric_filters",
    "queries",
    "delivery_sources",
    "delivery_destinations",
    "deliveries",
)


def _loading(stock: Callable[[Any], None], store: LogEventStore) -> Callable[[Any], None]:
    def load(data: Any) -> None:
        stock(data)
        streams = {stream[_ID]: stream for stream in _streams() if _ID in stream}
        store.forget_all_but(set(streams))
        for identifier, event in store.read():
            streams[identifier]["events"].append(event)
        for stream in streams.values():
            stream["events"].sort(key=logs._event_timestamp)

    return load


def _streams() -> Iterator[Record]:
    for group in logs._log_groups.all_values():
        yield from group["streams"].values()
