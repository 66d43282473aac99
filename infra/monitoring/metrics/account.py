"""What AWS reports about the network, the firewalls, logs, certificates and functions."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import aws_cloudwatch as cloudwatch

from infra.monitoring.metrics.statistic import DAY, MINUTE, expression, metric


def nat_bytes_out(gateways: Sequence[str], seconds: int = DAY) -> cloudwatch.IMetric:
    """Bytes that tasks sent to the internet and got from there, through all NAT gateways."""
    parts = {
        f"{short}{number}": metric(
            "AWS/NATGateway", name, statistic="Sum", seconds=seconds, dimensions={"NatGatewayId": gateway}
        )
        for number, gateway in enumerate(gateways, start=1)
        for short, name in (("out", "BytesOutToDestination"), ("back", "BytesInFromDestination"))
    }
    return expression(f"SUM([{','.join(parts)}])", label="bytes through NAT", seconds=seconds, metrics=parts)


def log_bytes(seconds: int = DAY) -> cloudwatch.Metric:
    """Bytes written to all log groups of the account and region."""
    return metric("AWS/Logs", "IncomingBytes", statistic="Sum", seconds=seconds, label="bytes of logs")


def blocked_requests(acl: str, region: str | None, seconds: int = 5 * MINUTE) -> cloudwatch.Metric:
    """Requests that a web ACL has turned away; `region` is None for one of CloudFront's.

    https://docs.aws.amazon.com/waf/latest/developerguide/waf-metrics.html
    """
    return metric(
        "AWS/WAFV2",
        "BlockedRequests",
        statistic="Sum",
        seconds=seconds,
        label=f"{acl}: blocked",
        dimensions={"WebACL": acl, "Rule": "ALL", **({"Region": region} if region else {})},
    )


def certificate_days_left(certificate_arn: str) -> cloudwatch.Metric:
    """Days until a certificate expires; ACM says so once a day."""
    return metric(
        "AWS/CertificateManager",
        "DaysToExpiry",
        statistic="Minimum",
        seconds=DAY,
        label="days left",
        dimensions={"CertificateArn": certificate_arn},
    )


def function_errors(function: str, seconds: int = 5 * MINUTE) -> cloudwatch.Metric:
    return metric(
        "AWS/Lambda",
        "Errors",
        statistic="Sum",
        seconds=seconds,
        label="failed runs",
        dimensions={"FunctionName": function},
    )


def replication_failures(*, source: str, destination: str, rule: str, seconds: int = 15 * MINUTE) -> cloudwatch.Metric:
    """Objects that S3 gave up copying.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/repl-metrics.html
    """
    return metric(
        "AWS/S3",
        "OperationsFailedReplication",
        statistic="Sum",
        seconds=seconds,
        label="objects not copied",
        dimensions={"SourceBucket": source, "DestinationBucket": destination, "RuleId": rule},
    )
