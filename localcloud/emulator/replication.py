"""S3's replication as something that takes time. MiniStack copies as it writes; S3 does it afterwards.

A drill says how many seconds that is (replication_delay.py); otherwise copies are made at once. What is not copied yet
is PENDING, and gone when its region is lost. Buckets of RDS's own are left out: nobody could tell how far they are.
"""

from __future__ import annotations

import contextvars
import copy
import heapq
import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from ministack.services import s3

from localcloud import backup_store, regions
from localcloud.emulator import replication_delay
from localcloud.emulator.persistence import saver

_log = logging.getLogger(__name__)


def _delay_of(bucket: str) -> float:
    """Seconds that the copies of a bucket take."""
    of_rds = bucket in {backup_store.bucket(region) for region in regions.ALL}
    return 0.0 if of_rds else replication_delay.get()


@dataclass(order=True, frozen=True)
class _Copy:
    due: float
    number: int
    bucket: str = field(compare=False)
    make: Callable[[], None] = field(compare=False)


class Queue:
    """Copies in the order they are due, made by a thread; it starts with the first."""

    def __init__(self) -> None:
        self._waiting: list[_Copy] = []
        self._numbers = count()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def put(self, bucket: str, seconds: float, make: Callable[[], None]) -> None:
        """Have a copy out of a bucket made, in the account and region of the request at hand."""
        scoped = contextvars.copy_context()
        with self._changed:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="localcloud-replication", daemon=True)
                self._thread.start()
            due = time.monotonic() + seconds
            heapq.heappush(self._waiting, _Copy(due, next(self._numbers), bucket, lambda: scoped.run(make)))
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._waiting or self._waiting[0].due > time.monotonic():
                    self._changed.wait(self._waiting[0].due - time.monotonic() if self._waiting else None)
                due = heapq.heappop(self._waiting)
            if _is_lost(due.bucket):
                continue
            try:
                due.make()
            except Exception:  # noqa: BLE001 - one copy that fails must not end all others
                _log.exception("%s: a copy could not be made", due.bucket)


_queue = Queue()


def _is_lost(bucket: str) -> bool:
    known = s3._buckets.get(bucket) or {}
    return (known.get("region") or regions.ALL[0]) in regions.lost()


def later(stock: Callable[..., None], bucket: str, key: str, obj: Any, data: Any, tags: Any) -> bool:
    """Have `stock` copy an object when it is time; False where that is now."""
    seconds = _delay_of(bucket)
    if not seconds or s3._replication_rule_for(bucket, key, tags)[0] is None:
        return False
    original = copy.deepcopy(obj)  # its content leaves the memory once it is on the disk
    obj["replication_status"] = "PENDING"

    def make() -> None:
        stock(bucket, key, original, data, tags)
        _tell(bucket, key, obj, original, tags or {})

    _queue.put(bucket, seconds, make)
    return True


def marker_later(stock: Callable[[str, str], None], bucket: str, key: str) -> bool:
    """The same for a delete marker."""
    seconds = _delay_of(bucket)
    if seconds:
        _queue.put(bucket, seconds, lambda: stock(bucket, key))
    return bool(seconds)


def _tell(bucket: str, key: str, obj: Any, copied: Mapping[str, Any], tags: Mapping[str, str]) -> None:
    """What the original is told once it has been copied."""
    versions = s3._object_versions.get((bucket, key)) or []
    for record in (obj, *(each for each in versions if each["version_id"] == obj.get("version_id"))):
        record["replication_status"] = copied["replication_status"]
    if "_replica" in copied:
        obj["_replica"] = copied["_replica"]
        if tags:
            name, version, _ = copied["_replica"]
            s3._object_tags[(name, key, version)] = dict(tags)
    saver.touch("s3")
