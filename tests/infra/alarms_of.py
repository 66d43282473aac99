"""Alarms of synthesized templates, and what their descriptions say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.infra.synthesized import Assembly

METRIC, COMPOSITE = "AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"


@dataclass(frozen=True, kw_only=True)
class AlarmOf:
    """`facts` are the `key: value` lines of the description."""

    stack: str
    logical_id: str
    properties: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.properties.get("AlarmName", self.logical_id))

    @property
    def facts(self) -> dict[str, str]:
        lines = str(self.properties.get("AlarmDescription", "")).splitlines()[1:]
        return dict(line.split(": ", 1) for line in lines if ": " in line)

    @property
    def runbook(self) -> str:
        """The file's name without its folder; empty where the description names none."""
        return self.facts.get("runbook", "").rsplit("/", 1)[-1]

    @property
    def for_machines(self) -> bool:
        """Scaling policies and rollouts act on it by themselves, and nobody is told."""
        actions = self.properties.get("AlarmActions", [])
        scaling = bool(actions) and all("Policy" in str(action) for action in actions)
        return scaling or (self.stack == "Observability" and "-rollout-" in self.name and not actions)


def alarms_of(assembly: Assembly) -> Iterator[AlarmOf]:
    for name, template in assembly.templates.items():
        for kind in (METRIC, COMPOSITE):
            for logical_id, resource in template.all(kind).items():
                yield AlarmOf(stack=name, logical_id=logical_id, properties=resource["Properties"])
