"""A line for each request that Envoy answered, to be counted from: what a load balancer's metrics are made of.

Access logs are for people; this one is short, and whoever counts may cut it (`cut`), which loses no line.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from localcloud import layout
from localcloud.dataplane.envoy import admin
from localcloud.dataplane.envoy.configuration import Resource, typed

FLUSH_SECONDS = 1
"""Envoy keeps finished lines this long."""

_FIELDS = (
    "%START_TIME(%s.%3f)%",
    "%DURATION%",
    "%UPSTREAM_CLUSTER%",
    "%UPSTREAM_HOST%",
    "%RESPONSE_CODE%",
    "%RESPONSE_CODE_DETAILS%",
    # docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html, target_processing_time
    "%COMMON_DURATION(US_TX_END:US_RX_BEG:us)%",
    "%DOWNSTREAM_WIRE_BYTES_RECEIVED%",
    "%DOWNSTREAM_WIRE_BYTES_SENT%",
)


class Request(NamedTuple):
    """`owner` is whose access this was, `cluster` Envoy's name of the target group or origin, if there was one.

    Seconds since the epoch (`completed`) and seconds (`target_seconds`, None where no target answered); bytes with
    headers. `code` is 0 where the client left before there was an answer.
    """

    completed: float
    owner: str
    cluster: str | None
    target: str | None
    code: int
    details: str
    target_seconds: float | None
    received: int
    sent: int

    @property
    def answered_by_target(self) -> bool:
        """Whether the status code is the target's own, not Envoy's."""
        if self.details.startswith("downstream"):  # the client left: after the first words of an answer, or before
            return self.code != 0
        return self.details.startswith(("via_upstream", "upstream_reset_after_response_started"))


def path() -> Path:
    return layout.folder("dataplane", "envoy") / "requests.log"


def cut_path() -> Path:
    """Where `cut` puts the lines so far."""
    return path().with_suffix(".cut.log")


def access_log(owner: str) -> Resource:
    """An Envoy access log of `owner`'s requests, which has no tabs in it."""
    return {
        "name": "requests",
        "typed_config": typed(
            "extensions.access_loggers.file.v3.FileAccessLog",
            path=str(path()),
            log_format={"text_format_source": {"inline_string": "\t".join((owner, *_FIELDS)) + "\n"}},
        ),
    }


def parse(line: str) -> Request:
    """Raises ValueError for a line of another form."""
    owner, start, duration, cluster, target, code, details, seconds, received, sent = line.rstrip("\n").split("\t")
    return Request(
        completed=float(start) + int(duration) / 1000,
        owner=owner,
        cluster=None if cluster == "-" else cluster,
        target=None if target == "-" else target,
        code=int(code),
        details=details,
        target_seconds=None if seconds == "-" else int(seconds) / 1_000_000,
        received=int(received),
        sent=int(sent),
    )


def cut() -> None:
    """Have Envoy go on in a new file. What it was about to write still reaches the old one within FLUSH_SECONDS.

    Raises NotYetError when Envoy does not answer; then it begins the new file when it is started again.
    """
    path().rename(cut_path())
    admin.ask("envoy", "/reopen_logs", method="POST")
