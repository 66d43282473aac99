"""Brings data into CloudWatch; while the API does not answer they wait."""

from __future__ import annotations

import logging
import threading
from collections import defaultdict, deque

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from localcloud import aws
from localcloud.metrics.datum import Datum

_log = logging.getLogger(__name__)

_BATCH = 100
"""Data of one call, well below PutMetricData's 1,000 and 1 MB even where each has its 150 values."""

_MOST_WAITING = 50_000
"""Data kept for an API that does not answer: some hours; the oldest go first."""


class Publisher:
    """`add` may be called from any thread, `send` from one."""

    def __init__(self) -> None:
        self._waiting: deque[Datum] = deque(maxlen=_MOST_WAITING)
        self._lock = threading.Lock()
        self.away = False
        """Whether the API did not answer the last time."""

    def add(self, data: list[Datum]) -> None:
        with self._lock:
            self._waiting.extend(data)

    def send(self) -> list[Datum]:
        """Put what waits; what was put. The rest waits on when the API does not answer."""
        with self._lock:
            waiting, self._waiting = list(self._waiting), deque(maxlen=_MOST_WAITING)
        sent: list[Datum] = []
        groups: dict[tuple[str, str], list[Datum]] = defaultdict(list)
        for datum in waiting:
            groups[(datum.region, datum.namespace)].append(datum)
        batches = [data[start : start + _BATCH] for data in groups.values() for start in range(0, len(data), _BATCH)]
        for number, batch in enumerate(batches):
            try:
                _put(batch)
            except (ClientError, ParamValidationError) as error:
                # Refused data are refused again: better a gap than a queue behind it.
                _log.error("%s in %s: %s", batch[0].namespace, batch[0].region, error)
            except (BotoCoreError, OSError) as error:
                if not self.away:
                    _log.warning("CloudWatch does not answer: %s", error)
                self.away = True
                self.add([datum for left in batches[number:] for datum in left])
                return sent
            else:
                self.away = False
                sent += batch
        return sent


def _put(batch: list[Datum]) -> None:
    """Data of one region and namespace."""
    requests = [request for datum in batch for request in datum.requests()]
    aws.client("cloudwatch", batch[0].region).put_metric_data(Namespace=batch[0].namespace, MetricData=requests)
