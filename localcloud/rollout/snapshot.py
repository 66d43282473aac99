"""The state of a rollout at one moment, as the AWS API tells it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """A service deployment (DescribeServiceDeployments), in ECS's words. Times are Unix times."""

    arn: str
    status: str
    stage: str
    reason: str
    created_at: float
    finished_at: float | None = None
    rollback_at: float | None = None
    rollback_reason: str = ""
    alarms: tuple[str, ...] = ()
    triggered: tuple[str, ...] = ()

    @property
    def over(self) -> bool:
        return self.status in {"SUCCESSFUL", "STOPPED", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED"}


@dataclass(frozen=True, kw_only=True)
class Group:
    """A target group: its weight in the production rule, and how many of its targets are healthy."""

    name: str
    weight: int
    healthy: int
    targets: int


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """`at` is Unix time. `running` counts running tasks by task definition ("family:revision"), `primary` is the one
    that the service is at or on its way to; `alarms` holds the state of each deployment alarm."""

    at: float
    primary: str
    running: dict[str, int]
    desired: int
    groups: tuple[Group, ...]
    deployment: Deployment | None = None
    alarms: dict[str, str] = field(default_factory=dict)

    def weight(self, group: str) -> int:
        """Percent of the requests that the group gets."""
        total = sum(each.weight for each in self.groups)
        return round(100 * sum(each.weight for each in self.groups if each.name == group) / total) if total else 0

    @property
    def serving(self) -> str:
        """The target group that gets most of the requests."""
        return max(self.groups, key=lambda group: group.weight).name if self.groups else ""
