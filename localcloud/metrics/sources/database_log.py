"""The export of PostgreSQL's log to CloudWatch Logs: metric filters on it count deadlocks and slow statements.

docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_LogAccess.Concepts.PostgreSQL.html: one group for an instance.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from localcloud import aws, layout
from localcloud.dataplane import paths
from localcloud.metrics import position
from localcloud.metrics.datum import Datum
from localcloud.metrics.position import Position
from localcloud.metrics.rds import Instance

_MOST_EVENTS = 1000
"""Of one call; API reference, PutLogEvents: 10,000 and 1 MB."""

_LONGEST = 900
"""Characters of an event: the calls stay below 1 MB."""

# An entry begins with the data plane's log_line_prefix; its other lines are indented or part of a statement.
_BEGINNING = re.compile(r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC:")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """`moment` in milliseconds since the epoch."""

    moment: int
    text: str


def entries(lines: Iterator[str]) -> Iterator[Entry]:
    """Whole entries; what comes before the first one, a server's words before it reads its configuration, is none."""
    moment, text = 0, ""
    for line in lines:
        begins = _BEGINNING.match(line)
        if begins:
            if text:
                yield Entry(moment=moment, text=text)
            moment = int(datetime.fromisoformat(begins[1]).replace(tzinfo=UTC).timestamp() * 1000)
            text = line.rstrip("\n")
        elif text:
            text += "\n" + line.rstrip("\n")
    if text:
        yield Entry(moment=moment, text=text)


class DatabaseLog:
    """Sends what is new. The position is noted after it was sent: who dies in between sends it twice, as RDS may."""

    every = 2.0
    delay = 0.0

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._log = paths.log(f"rds-{instance.identifier}")
        self._noted = layout.folder("metrics") / f"log-{instance.identifier}.json"
        self._client = aws.client("logs", instance.region)
        self._group = f"/aws/rds/instance/{instance.identifier}/postgresql"
        self._stream = f"{instance.identifier}.0"
        self._position = position.read(self._noted)

    @property
    def name(self) -> str:
        return f"rds-{self._instance.identifier}: log"

    def sample(self) -> None:
        """Raises botocore's errors when the API does not answer."""
        if not self._log.exists():
            return
        begin = self._position.in_file(self._log)
        with self._log.open("rb") as file:
            inode = os.fstat(file.fileno()).st_ino
            file.seek(begin)
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        if not whole:
            return
        found = list(entries(iter(whole.decode(errors="replace").splitlines(keepends=True))))
        for start in range(0, len(found), _MOST_EVENTS):
            self._put(found[start : start + _MOST_EVENTS])
        self._position = Position(inode=inode, offset=begin + len(whole))
        position.write(self._noted, self._position)

    def finish(self, minute: int) -> Iterator[list[Datum]]:  # noqa: ARG002 - a log has no minutes
        return iter(())

    def _put(self, found: list[Entry]) -> None:
        events = [{"timestamp": each.moment, "message": each.text[:_LONGEST]} for each in found]
        try:
            self._client.put_log_events(logGroupName=self._group, logStreamName=self._stream, logEvents=events)
        except self._client.exceptions.ResourceNotFoundException:
            self._make_stream()
            self._client.put_log_events(logGroupName=self._group, logStreamName=self._stream, logEvents=events)

    def _make_stream(self) -> None:
        """RDS makes the group, too, where nobody has."""
        try:
            self._client.create_log_stream(logGroupName=self._group, logStreamName=self._stream)
        except self._client.exceptions.ResourceNotFoundException:
            self._client.create_log_group(logGroupName=self._group)
            self._client.create_log_stream(logGroupName=self._group, logStreamName=self._stream)
