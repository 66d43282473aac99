"""An alarm that says what it means, how bad it is, whose it is, why at this threshold, and what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Literal

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.acknowledgement import HIPAA_NIST, Decision, acknowledge
from infra.config import Environment
from infra.monitoring import description

RUNBOOKS = "docs/runbooks"
"""The folder of the repository with a page for each alarm."""


_PART = Decision(
    reason="It is a part of a composite alarm, which speaks for it: on its own it would say the same a second time, "
    "or what is no fault by itself. Its state and history are on the dashboards",
    owner="platform",
    reference="docs/adr/0040-two-stacks-of-alarms.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)


class Severity(StrEnum):
    """P0 wakes somebody, P1 is for working hours, P2 is for the week's look at cost."""

    P0 = "P0"
    P1 = "P1"
    P2 = "P2"


class Missing(StrEnum):
    """What no data means."""

    BAD = "breaching"
    GOOD = "notBreaching"
    SAME = "ignore"
    """The alarm stays as it is."""


_TREATMENTS = {
    Missing.BAD: cloudwatch.TreatMissingData.BREACHING,
    Missing.GOOD: cloudwatch.TreatMissingData.NOT_BREACHING,
    Missing.SAME: cloudwatch.TreatMissingData.IGNORE,
}

Comparison = Literal[">=", ">", "<=", "<"]
_OPERATORS: Mapping[Comparison, cloudwatch.ComparisonOperator] = {
    ">=": cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    ">": cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
    "<=": cloudwatch.ComparisonOperator.LESS_THAN_OR_EQUAL_TO_THRESHOLD,
    "<": cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
}


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """What every alarm says, whatever it looks at.

    `name` is lower case with hyphens, and the file in `docs/runbooks/` unless `runbook` names another. `users` is what
    people see of it. `causes` are alarms that, when they are red too, explain this one. `logs` is the service whose
    log lines show more: web, worker or beat. One that is not `spoken` is a part of a composite alarm, which speaks.
    """

    name: str
    severity: Severity
    owner: str
    says: str
    dashboard: str = "operations"
    runbook: str = ""
    logs: str = ""
    causes: Sequence[str] = ()
    spoken: bool = True


@dataclass(frozen=True, kw_only=True)
class AlarmProps:
    """`datapoints` of `periods` periods of the metric have to breach; `because` says why the threshold is what it is,
    and `missing_because` why no data means what it means."""

    meaning: Meaning
    metric: cloudwatch.IMetric
    comparison: Comparison
    threshold: float
    because: str
    periods: int
    datapoints: int
    missing: Missing
    missing_because: str


@dataclass(frozen=True, kw_only=True)
class CompositeProps:
    """`rule` over other alarms, told in words by `when`.

    While `quiet_during` is red, and for two minutes in which it may still turn red, nothing is said.
    """

    meaning: Meaning
    rule: cloudwatch.IAlarmRule
    when: str
    quiet_during: cloudwatch.IAlarm | None = None


QUIET_WAIT = cdk.Duration.seconds(120)
"""How long a composite alarm waits for its cause to turn red, too: causes need up to two periods of a minute."""

QUIET_AFTERWARDS = cdk.Duration.seconds(300)
"""How long it stays quiet once the cause is over: what the cause has brought about ends a little later."""


@dataclass(kw_only=True)
class Alarms:
    """Makes the alarms of one environment, and knows them by name.

    Severities that the environment does not have are left out; `by_name` holds what was made.
    """

    scope: Construct
    environment: Environment
    topics: Mapping[Severity, sns.ITopic]
    by_name: dict[str, cloudwatch.AlarmBase] = field(default_factory=dict)
    meanings: dict[str, Meaning] = field(default_factory=dict)

    def add(self, props: AlarmProps, *, always: bool = False) -> None:
        """Make an alarm on a metric; `always` is for one that no environment goes without, whatever its severities.

        Raises ValueError for a name that is taken or a text that does not fit.
        """
        meaning = props.meaning
        if not (always or self._wanted(meaning)):
            return
        alarm = cloudwatch.Alarm(
            self.scope,
            _construct_id(meaning.name),
            alarm_name=self.full_name(meaning.name),
            alarm_description=self._describe(
                meaning,
                {
                    "threshold": f"{props.comparison} {props.threshold:g}: {props.because}",
                    "missing": f"{props.missing.value}: {props.missing_because}",
                },
            ),
            metric=props.metric,
            comparison_operator=_OPERATORS[props.comparison],
            threshold=props.threshold,
            evaluation_periods=props.periods,
            datapoints_to_alarm=props.datapoints,
            treat_missing_data=_TREATMENTS[props.missing],
        )
        self._made(meaning, alarm)

    def add_composite(self, props: CompositeProps) -> None:
        """Make an alarm on alarms. Raises ValueError as `add` does."""
        meaning = props.meaning
        if not self._wanted(meaning):
            return
        quiet = props.quiet_during
        alarm = cloudwatch.CompositeAlarm(
            self.scope,
            _construct_id(meaning.name),
            composite_alarm_name=self.full_name(meaning.name),
            alarm_description=self._describe(meaning, {"when": props.when}),
            alarm_rule=props.rule,
            actions_suppressor=quiet,
            actions_suppressor_wait_period=QUIET_WAIT if quiet else None,
            actions_suppressor_extension_period=QUIET_AFTERWARDS if quiet else None,
        )
        self._made(meaning, alarm)

    def any_of(self, *names: str) -> cloudwatch.IAlarmRule | None:
        """True while one of these is red; None when the environment has none of them."""
        rules = [self._red(name) for name in names if name in self.by_name]
        return cloudwatch.AlarmRule.any_of(*rules) if rules else None

    def all_of(self, *names: str) -> cloudwatch.IAlarmRule | None:
        """True while all of these are red; None when the environment lacks one of them."""
        if not all(name in self.by_name for name in names):
            return None
        return cloudwatch.AlarmRule.all_of(*(self._red(name) for name in names))

    def full_name(self, name: str) -> str:
        """An alarm's name in the account: `SpendSmart-Prod-web-errors`."""
        return f"{prefix(self.environment)}{name}"

    def spoken(self, severity: Severity) -> list[str]:
        """The names of those that tell somebody."""
        return [name for name, one in self.meanings.items() if one.spoken and one.severity == severity]

    def _red(self, name: str) -> cloudwatch.IAlarmRule:
        return cloudwatch.AlarmRule.from_alarm(self.by_name[name], cloudwatch.AlarmState.ALARM)

    def _wanted(self, meaning: Meaning) -> bool:
        return meaning.severity.value in self.environment.alarms.severities

    def _describe(self, meaning: Meaning, facts: Mapping[str, str]) -> str:
        region = self.environment.regions.primary
        runbook = f"{self.environment.alarms.runbooks}/{meaning.runbook or meaning.name}.md"
        return description.render(
            meaning.says,
            {
                "severity": meaning.severity.value,
                "owner": meaning.owner,
                **facts,
                **({"causes": ", ".join(meaning.causes)} if meaning.causes else {}),
                **({"logs": meaning.logs} if meaning.logs else {}),
                "runbook": runbook,
                "dashboard": dashboard_url(self.environment, meaning.dashboard, region=region),
            },
        )

    def _made(self, meaning: Meaning, alarm: cloudwatch.AlarmBase) -> None:
        if meaning.name in self.by_name:
            raise ValueError(f"there are two alarms {meaning.name}")
        self.by_name[meaning.name] = alarm
        self.meanings[meaning.name] = meaning
        if meaning.spoken:
            tell = actions.SnsAction(self.topics[meaning.severity])
            alarm.add_alarm_action(tell)
            alarm.add_ok_action(tell)
        elif isinstance(alarm, cloudwatch.Alarm):
            acknowledge(alarm, "CloudWatchAlarmAction", packs=HIPAA_NIST, decision=_PART)


def prefix(environment: Environment) -> str:
    """What the names of all alarms and dashboards of an environment begin with."""
    return f"SpendSmart-{environment.name.capitalize()}-"


def dashboard_url(environment: Environment, name: str, *, region: str) -> str:
    return (
        f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}"
        f"#dashboards/dashboard/{prefix(environment)}{name}"
    )


def _construct_id(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("-"))
