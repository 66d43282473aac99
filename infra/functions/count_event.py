"""Counts an event of AWS's as a metric, so that an alarm can see it: the rule says which kind it is."""

import os
from typing import Any

import boto3


def handler(event: dict[str, Any], _context: object) -> None:
    boto3.client("cloudwatch").put_metric_data(
        Namespace=os.environ["NAMESPACE"],
        MetricData=[
            {
                "MetricName": "Events",
                "Dimensions": [{"Name": "Kind", "Value": event["kind"]}],
                "Value": 1,
                "Unit": "Count",
            }
        ],
    )
