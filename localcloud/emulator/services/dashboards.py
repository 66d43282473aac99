"""CloudWatch's dashboards carry tags, as alarms do: upstream knows tags of alarms alone."""

from __future__ import annotations

from typing import Any

from ministack.services import cloudwatch

from localcloud.emulator.corrections import replace


def install() -> None:
    stock = cloudwatch._validate_alarm_tag_arn

    def validate(arn: str, **how: Any) -> Any:
        kind, _, name = arn.rsplit(":", 1)[-1].partition("/")
        return None if kind == "dashboard" and name in cloudwatch._dashboards else stock(arn, **how)

    replace(cloudwatch, "_validate_alarm_tag_arn", validate)
