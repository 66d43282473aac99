"""Metrics as lines on standard output, in CloudWatch's embedded metric format: no call, no permission, no agent.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json
import time

from django.conf import settings


def publish(**counts: float) -> None:
    """One line with these counts, without dimensions, in the namespace `SpendSmart/<environment>`."""
    directive = {
        "Namespace": f"SpendSmart/{settings.ENVIRONMENT}",
        "Dimensions": [[]],
        "Metrics": [{"Name": name, "Unit": "Count"} for name in counts],
    }
    line = {"_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}, **counts}
    print(json.dumps(line), flush=True)
