"""The metric that the number of workers follows."""

from __future__ import annotations

import json
from datetime import timedelta

from django.utils import timezone
from support import receipt

from receipts import backlog
from receipts.states import State


def test_the_metric_is_one_line_of_cloudwatchs_embedded_format(user, capsys) -> None:
    for state in (State.UPLOADED, State.QUEUED, State.EXTRACTING, State.NEEDS_REVIEW, State.AWAITING_UPLOAD):
        receipt(user, state=state)
    receipt(user, state=State.QUEUED, retry_at=timezone.now() + timedelta(minutes=1))  # not due yet
    backlog.publish()
    line = json.loads(capsys.readouterr().out)
    assert (line["QueueLength"], line["BacklogPerTask"]) == (3, 3)
    directive = line["_aws"]["CloudWatchMetrics"][0]
    assert directive["Namespace"] == "SpendSmart/test"
    assert directive["Dimensions"] == [[]]
    assert {metric["Name"] for metric in directive["Metrics"]} == {"QueueLength", "BacklogPerTask"}
    assert abs(line["_aws"]["Timestamp"] / 1000 - timezone.now().timestamp()) < 60
