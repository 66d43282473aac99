"""Records of rehearsals that never were: two minutes, second by second, of a rollout that goes as it should."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from localcloud.rollout.load.answers import Answer
from localcloud.rollout.record import Event, Record, Rest
from localcloud.rollout.snapshot import Deployment, Group, Snapshot

BEGAN, SHIFTED, ALARM, BACK, ENDED = 1000.0, 1030.0, 1070.0, 1080.0, 1120.0
OLD, NEW = "a" * 64, "b" * 64
PER_SECOND = 20


def answer(at: float, release: str, **changes: Any) -> Answer:
    made = Answer(at=at, action="list", status=200, good=True, seconds=0.05, release=release)
    return replace(made, **changes)


def failed(at: float, release: str) -> Answer:
    return answer(at, release, status=500, good=False, error="Server error.")


def snapshot(at: float, *, new: int, status: str = "IN_PROGRESS", stage: str = "PRODUCTION_TRAFFIC_SHIFT") -> Snapshot:
    deployment = Deployment(
        arn="arn:aws:ecs:us-east-1:000000000000:service-deployment/c/s/1",
        status=status,
        stage=stage,
        reason="alarm spendsmart-dev-rollout-5xx detected" if status.startswith("ROLLBACK") else "",
        created_at=BEGAN + 15,
        alarms=("spendsmart-dev-rollout-5xx",),
    )
    return Snapshot(
        at=at,
        primary="web:2",
        running={"web:1": 2, "web:2": 2},
        desired=2,
        groups=(
            Group(name="blue", weight=100 - new, healthy=2, targets=2),
            Group(name="green", weight=new, healthy=2, targets=2),
        ),
        deployment=deployment,
        alarms={"spendsmart-dev-rollout-5xx": "ALARM" if ALARM <= at < BACK else "OK"},
    )


def rest(task_definition: str, *, stack: str, deployment: str, loaded: str) -> Rest:
    def on(value: int) -> dict[str, int]:
        return {name: value if name == loaded else 0 for name in ("blue", "green")}

    return Rest(
        tasks=frozenset({task_definition}),
        service=task_definition,
        template=task_definition,
        stack=stack,
        healthy=on(2),
        targets=on(2),
        weights=on(100),
        deployment=deployment,
    )


def _seconds() -> range:
    return range(int(BEGAN), int(ENDED))


def good(**changes: Any) -> Record:
    """A canary that took over: a tenth for forty seconds, then everything."""

    def weight(at: float) -> int:
        return 0 if at < SHIFTED else 10 if at < ALARM else 100

    def release(at: int, number: int) -> str:
        return NEW if number * 100 / PER_SECOND < weight(at) else OLD

    made = Record(
        scenario="good",
        says="a good version",
        strategy="canary",
        expects="takes over",
        shielded=False,
        undisturbed=True,
        alarmed=True,
        canary_percent=10,
        old_release=OLD,
        new_release=NEW,
        old_task_definition="web:1",
        began=BEGAN,
        deployed=BEGAN + 15,
        ended=ENDED,
        answers=tuple(
            answer(at + number / PER_SECOND, release(at, number)) for at in _seconds() for number in range(PER_SECOND)
        ),
        snapshots=tuple(snapshot(at, new=weight(at)) for at in _seconds()),
        events=(Event(at=BEGAN + 15, text="cdk deploy of a good version"),),
        promised=40,
        states={"extracted": 38, "needs_review": 2},
        lost=(),
        rest=rest("web:2", stack="UPDATE_COMPLETE", deployment="SUCCESSFUL", loaded="green"),
    )
    return replace(made, **changes)


def bad(**changes: Any) -> Record:
    """A canary that failed a fifth of its tenth, until an alarm sent it back."""

    def weight(at: float) -> int:
        return 10 if SHIFTED <= at < BACK else 0

    def status(at: float) -> str:
        return "IN_PROGRESS" if at < ALARM else "ROLLBACK_IN_PROGRESS" if at < BACK else "ROLLBACK_SUCCESSFUL"

    def one(at: int, number: int) -> Answer:
        moment = at + number / PER_SECOND
        if number * 100 / PER_SECOND >= weight(at):
            return answer(moment, OLD)
        return failed(moment, NEW) if at % 3 == 0 and number == 0 else answer(moment, NEW)

    made = replace(
        good(),
        scenario="bad-5xx",
        says="a version that answers 20 % of requests with 500",
        expects="goes back",
        answers=tuple(one(at, number) for at in _seconds() for number in range(PER_SECOND)),
        snapshots=tuple(snapshot(at, new=weight(at), status=status(at)) for at in _seconds()),
        events=(Event(at=BEGAN + 15, text="cdk deploy"), Event(at=ALARM, text="alarm spendsmart-dev-rollout-5xx")),
        rest=rest("web:1", stack="UPDATE_ROLLBACK_COMPLETE", deployment="ROLLBACK_SUCCESSFUL", loaded="blue"),
        alarm_at=ALARM,
        cli_error="cdk deploy failed",
    )
    return replace(made, **changes)
