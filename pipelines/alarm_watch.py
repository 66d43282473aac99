"""One alarm in the tooling account that is red while an alarm of a stage's account is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.acknowledgement import HIPAA_NIST, Decision, acknowledge, acknowledge_wildcard
from infra.retention import retention
from infra.small_function import RUNTIME, acknowledge_limits
from pipelines.bootstrap import role_arn
from pipelines.builds import Workshop

_METRICS = Decision(
    reason="cloudwatch:PutMetricData knows no resources (Service Authorization Reference); a condition allows "
    "the namespace SpendSmart/Delivery and no other",
    owner="platform",
    reference="docs/pipeline.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)
_NEXT_MINUTE = Decision(
    reason="The next minute asks again, and no answer for three minutes turns the alarm red, which closes "
    "production: nothing of value is in the call that a queue could keep",
    owner="platform",
    reference="docs/pipeline.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)
_GATE = Decision(
    reason="The delivery pipeline reads it before and after a release (condition CloudWatchAlarm) and holds or "
    "takes back the release; people hear of the stage's own alarms, which this one repeats",
    owner="platform",
    reference="docs/pipeline.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)
_CODE = Path(__file__).parent / "functions" / "watch_alarms.py"
_NAMESPACE = "SpendSmart/Delivery"
_METRIC = "RedAlarms"


@dataclass(frozen=True, kw_only=True)
class WatchProps:
    """Alarms by name, and where they are."""

    alarms: Sequence[str]
    account: str
    region: str


class AlarmWatch(Construct):
    """CodePipeline's rule CloudWatchAlarm looks into its own account only; this carries the answer over each minute.

    No answer is a red one: `alarm` treats missing data as breaching.
    """

    def __init__(self, scope: Construct, construct_id: str, *, workshop: Workshop, props: WatchProps) -> None:
        super().__init__(scope, construct_id)
        lookup = role_arn(self, "lookup", account=props.account, region=props.region)
        group = logs.LogGroup(
            self, "Logs", retention=retention(workshop.log_retention_days), encryption_key=workshop.key
        )
        function = lambda_.Function(
            self,
            "Function",
            description="Counts the red alarms of a stage",
            runtime=RUNTIME,
            architecture=lambda_.Architecture.ARM_64,
            handler="index.handler",
            code=lambda_.Code.from_inline(_CODE.read_text()),
            memory_size=128,
            timeout=cdk.Duration.seconds(30),
            retry_attempts=0,  # the next minute asks again
            role=self._role(group, lookup),
            log_group=group,
            environment={
                "ALARMS": json.dumps(list(props.alarms)),
                "ROLE_ARN": lookup,
                "STAGE_REGION": props.region,
                "NAMESPACE": _NAMESPACE,
                "METRIC": _METRIC,
            },
        )
        acknowledge_limits(function, undelivered=_NEXT_MINUTE, outside_vpc=True)
        events.Rule(
            self,
            "EachMinute",
            description="Look at the stage's alarms",
            schedule=events.Schedule.rate(cdk.Duration.minutes(1)),
            targets=[targets.LambdaFunction(function)],
        )
        self.alarm = cloudwatch.Alarm(
            self,
            "Red",
            alarm_description=f"One of {', '.join(props.alarms)} is red in {props.account}, or nobody can tell. "
            "docs/runbooks/p0.md",
            metric=cloudwatch.Metric(
                namespace=_NAMESPACE, metric_name=_METRIC, statistic="Maximum", period=cdk.Duration.minutes(1)
            ),
            threshold=0,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=3,
            datapoints_to_alarm=1,
            treat_missing_data=cloudwatch.TreatMissingData.BREACHING,
        )
        acknowledge(self.alarm, "CloudWatchAlarmAction", packs=HIPAA_NIST, decision=_GATE)

    def _role(self, group: logs.ILogGroup, lookup: str) -> iam.Role:
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            description="Looks at the alarms of a stage",
        )
        group.grant_write(role)
        role.add_to_policy(iam.PolicyStatement(actions=["sts:AssumeRole"], resources=[lookup]))
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["cloudwatch:PutMetricData"],
                resources=["*"],  # the action knows no resources, only a namespace
                conditions={"StringEquals": {"cloudwatch:namespace": _NAMESPACE}},
            )
        )
        acknowledge_wildcard(role, "*", decision=_METRICS)
        return role
