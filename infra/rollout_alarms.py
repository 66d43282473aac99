"""Alarms that send a release back while it is rolled out. ECS knows them by their names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from constructs import Construct

from infra.acknowledgement import HIPAA_NIST, Decision, acknowledge
from infra.config import models

_ECS_ACTS = Decision(
    reason="ECS acts on it: it watches the alarm by name during a rollout and sends the release back "
    "(deploymentConfiguration.alarms). Between rollouts the alarms for people look at the same metrics, and "
    "speak",
    owner="platform",
    reference="docs/adr/0030-rollouts-by-ecs.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)

_RUNBOOK = "docs/runbooks/rollback-of-code.md"
_MINUTE = cdk.Duration.minutes(1)
_LOAD_BALANCER = "AWS/ApplicationELB"


@dataclass(frozen=True, kw_only=True)
class RolloutAlarmsProps:
    """`load_balancer`, `blue` and `green` are full names as CloudWatch has them (`app/…`, `targetgroup/…`)."""

    environment: str
    config: models.Rollout
    load_balancer: str
    blue: str
    green: str
    database: str
    max_connections: int


@dataclass(frozen=True, kw_only=True)
class RolloutAlarmNames:
    """Physical names, which another stack can know beforehand."""

    environment: str

    def name(self, what: str) -> str:
        return f"spendsmart-{self.environment}-rollout-{what}"

    @property
    def web(self) -> list[str]:
        """What a rollout of the web tasks is watched by."""
        return [
            self.name(what)
            for what in ("errors", "latency", "latency-ratio", "unhealthy", "stopped-tasks", "connections")
        ]

    @property
    def background(self) -> list[str]:
        """What a rollout of workers and scheduler is watched by, beside the circuit breaker."""
        return [self.name("connections")]


class RolloutAlarms(Construct):
    """One look a minute. Nothing to look at is no alarm: a target group without traffic has no metrics.

    Which of the target groups holds the new release changes with every rollout, so both are looked at, each on its own.
    A share of the two together would hide a canary that fails behind nine times its traffic.
    """

    def __init__(self, scope: Construct, construct_id: str, *, props: RolloutAlarmsProps) -> None:
        super().__init__(scope, construct_id)
        self._props = props
        self._names = RolloutAlarmNames(environment=props.environment)
        self._errors()
        self._latency()
        self._latency_ratio()
        self._unhealthy()
        self._stopped_tasks()
        self._connections()

    def _errors(self) -> None:
        config = self._props.config
        shares = [
            f"IF(FILL({group}Requests, 0) >= {config.min_requests}, "
            f"100 * FILL({group}Errors, 0) / FILL({group}Requests, 1), 0)"
            for group in ("blue", "green")
        ]
        self._alarm(
            "Errors",
            "errors",
            f"{config.errors_percent:g} % of the answers of a target group are 5xx",
            metric=self._both(
                f"MAX([{', '.join(shares)}])",
                Requests=("RequestCount", "Sum"),
                Errors=("HTTPCode_Target_5XX_Count", "Sum"),
            ),
            threshold=config.errors_percent,
        )

    def _latency(self) -> None:
        config = self._props.config
        times = [
            f"IF(FILL({group}Requests, 0) >= {config.min_requests}, FILL({group}P99, 0), 0)"
            for group in ("blue", "green")
        ]
        self._alarm(
            "Latency",
            "latency",
            f"The slowest hundredth of a target group's answers takes {config.p99_seconds:g} s",
            metric=self._both(
                f"MAX([{', '.join(times)}])", Requests=("RequestCount", "Sum"), P99=("TargetResponseTime", "p99")
            ),
            threshold=config.p99_seconds,
        )

    def _latency_ratio(self) -> None:
        config = self._props.config
        enough = " AND ".join(f"FILL({group}Requests, 0) >= {config.min_requests}" for group in ("blue", "green"))
        slower, faster = "MAX([blueP99, greenP99])", "MIN([blueP99, greenP99])"
        self._alarm(
            "LatencyRatio",
            "latency-ratio",
            f"One target group's slowest hundredth takes {config.p99_ratio:g} times as long as the other's",
            metric=self._both(
                f"IF({enough} AND {slower} >= {config.p99_floor_seconds:g}, {slower} / {faster}, 0)",
                Requests=("RequestCount", "Sum"),
                P99=("TargetResponseTime", "p99"),
            ),
            threshold=config.p99_ratio,
        )

    def _unhealthy(self) -> None:
        """A target that has just started may be unhealthy for a while."""
        self._alarm(
            "Unhealthy",
            "unhealthy",
            "A target stays unhealthy",
            metric=self._both(
                "MAX([FILL(blueHosts, 0), FILL(greenHosts, 0)])", Hosts=("UnHealthyHostCount", "Maximum")
            ),
            threshold=1,
            minutes=self._props.config.alarm_minutes + 1,
        )

    def _stopped_tasks(self) -> None:
        """Tasks that end by themselves, cannot start, or fail their health checks: again within five minutes.

        The circuit breaker counts such tasks in rolling updates only. In the others ECS would go on starting new ones
        for up to 24 hours. One that ends once may be an accident of the release that runs.
        """
        family = f"spendsmart-{self._props.environment}-web"
        stack = cdk.Stack.of(self)
        revisions = stack.format_arn(service="ecs", resource="task-definition", resource_name=f"{family}:")
        rule = events.Rule(
            self,
            "TaskStopped",
            rule_name=f"{family}-task-failed",
            description=f"A task of {family} failed",
            event_pattern=events.EventPattern(
                source=["aws.ecs"],
                detail_type=["ECS Task State Change"],
                detail={
                    "lastStatus": ["STOPPED"],
                    "taskDefinitionArn": [{"prefix": revisions}],
                    "$or": [
                        {"stopCode": ["EssentialContainerExited", "TaskFailedToStart"]},
                        {"stoppedReason": [{"prefix": "Task failed"}]},
                    ],
                },
            ),
        )
        self._alarm(
            "StoppedTasks",
            "stopped-tasks",
            "Web tasks keep failing",
            metric=cloudwatch.Metric(
                namespace="AWS/Events",
                metric_name="TriggeredRules",
                dimensions_map={"RuleName": rule.rule_name},
                statistic="Sum",
                period=_MINUTE,
            ),
            threshold=1,
            minutes=5,
            datapoints=2,
        )

    def _connections(self) -> None:
        percent, most = self._props.config.connections_percent, self._props.max_connections
        self._alarm(
            "Connections",
            "connections",
            f"{percent} % of the database's {most} connections are open",
            metric=cloudwatch.Metric(
                namespace="AWS/RDS",
                metric_name="DatabaseConnections",
                dimensions_map={"DBInstanceIdentifier": self._props.database},
                statistic="Maximum",
                period=_MINUTE,
            ),
            threshold=int(most * percent / 100),
        )

    def _both(self, expression: str, **metrics: tuple[str, str]) -> cloudwatch.MathExpression:
        """Metrics (name and statistic) of both target groups, called `blue<key>` and `green<key>` in the expression."""
        groups = {"blue": self._props.blue, "green": self._props.green}
        return cloudwatch.MathExpression(
            expression=expression,
            period=_MINUTE,
            using_metrics={
                f"{group}{key}": cloudwatch.Metric(
                    namespace=_LOAD_BALANCER,
                    metric_name=name,
                    dimensions_map={"LoadBalancer": self._props.load_balancer, "TargetGroup": full_name},
                    statistic=statistic,
                    period=_MINUTE,
                )
                for group, full_name in groups.items()
                for key, (name, statistic) in metrics.items()
            },
        )

    def _alarm(
        self,
        construct_id: str,
        what: str,
        description: str,
        *,
        metric: cloudwatch.IMetric,
        threshold: float,
        minutes: int | None = None,
        datapoints: int | None = None,
    ) -> None:
        alarm = cloudwatch.Alarm(
            self,
            construct_id,
            alarm_name=self._names.name(what),
            alarm_description=f"{description}: a rollout goes back. {_RUNBOOK}",
            metric=metric,
            threshold=threshold,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            evaluation_periods=minutes or self._props.config.alarm_minutes,
            datapoints_to_alarm=datapoints,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        acknowledge(alarm, "CloudWatchAlarmAction", packs=HIPAA_NIST, decision=_ECS_ACTS)
