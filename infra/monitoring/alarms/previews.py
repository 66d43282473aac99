"""What previews leave behind."""

from __future__ import annotations

from infra.monitoring.alarm import AlarmProps, Alarms, Meaning, Missing, Severity
from infra.monitoring.metrics.application import ApplicationMetrics

_SWEEPS = 4


def add(alarms: Alarms, metrics: ApplicationMetrics) -> None:
    """In every environment that carries previews, whatever severities it has otherwise."""
    alarms.add(
        AlarmProps(
            meaning=Meaning(
                name="previews-orphaned",
                severity=Severity.P2,
                owner="platform",
                says="Previews, or parts of some, are still there after their end, or nothing sweeps them up.",
            ),
            metric=metrics.orphaned_previews(),
            comparison=">=",
            threshold=1,
            because="a sweep deletes what it finds; what four in a row could not delete needs somebody",
            periods=_SWEEPS,
            datapoints=_SWEEPS,
            missing=Missing.BAD,
            missing_because="every sweep tells, be it zero: silence is a sweeper that does not run",
        ),
        always=True,
    )
