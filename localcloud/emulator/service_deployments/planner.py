"""The way of a deployment through its lifecycle stages: pure functions of where it stands and what is seen.

A deployment is a row of moves (`way_forward`), a rollback another (`way_back`). `decide` says whether the move at hand
is done. Stages and their order:
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/blue-green-deployment-how-it-works.html
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/canary-deployment.html

Where the documents are silent, this holds: a step of traffic waits until the revision that receives it is healthy, so
that nothing is sent to tasks that died meanwhile; a rollback does not wait for more than half of the old revision's
tasks to be healthy, nor for any when the new one has none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

from localcloud.emulator.service_deployments.strategy import Strategy

Stage = Literal[
    "RECONCILE_SERVICE",
    "PRE_SCALE_UP",
    "SCALE_UP",
    "POST_SCALE_UP",
    "TEST_TRAFFIC_SHIFT",
    "POST_TEST_TRAFFIC_SHIFT",
    "PRODUCTION_TRAFFIC_SHIFT",
    "POST_PRODUCTION_TRAFFIC_SHIFT",
    "BAKE_TIME",
    "CLEAN_UP",
]

HEARING = 60.0
"""Seconds after which a load balancer that still does not act on a changed rule is waited for no longer."""

STAGE_LIMIT = 24 * 3600.0
"""Seconds a lifecycle stage may last (blue-green-deployment-how-it-works, "Deployment lifecycle stages")."""


class Action(Enum):
    """What a move does. RETIRE_* stop a revision's tasks, `OTHERS` are of deployments that were overtaken."""

    CALL_HOOKS = "CALL_HOOKS"
    SCALE_UP = "SCALE_UP"
    SHIFT_TEST = "SHIFT_TEST"
    AWAIT_TEST = "AWAIT_TEST"
    SHIFT_PRODUCTION = "SHIFT_PRODUCTION"
    BAKE = "BAKE"
    RETIRE_OTHERS = "RETIRE_OTHERS"
    RETIRE_SOURCE = "RETIRE_SOURCE"
    RETIRE_TARGET = "RETIRE_TARGET"


@dataclass(frozen=True, kw_only=True)
class Move:
    """One move. `percent` is the target revision's share of traffic in shifts, `seconds` the time to BAKE or, at most,
    to AWAIT, `point` the stage whose hooks are called."""

    stage: Stage
    action: Action
    percent: float = 0.0
    seconds: float = 0.0
    point: str = ""


@dataclass(frozen=True, kw_only=True)
class Tasks:
    """A revision's tasks: how many are wanted, run and are healthy, or have not ended."""

    wanted: int = 0
    healthy: int = 0
    live: int = 0

    @property
    def steady(self) -> bool:
        return self.healthy >= self.wanted


@dataclass(frozen=True, kw_only=True)
class Hooks:
    """The hooks of the move at hand: whether all have succeeded, and what the first failed one says."""

    succeeded: bool = True
    failure: str = ""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What there is to see. `since` is the time in seconds at which the move at hand began, `alarms` are those that
    went into ALARM during the deployment; a service's first revision has no `source`. `arrived` says that the load
    balancer sends all test traffic to the target."""

    now: float
    since: float
    target: Tasks
    source: Tasks | None = None
    others: Tasks = field(default_factory=Tasks)
    hooks: Hooks = field(default_factory=Hooks)
    alarms: tuple[str, ...] = ()
    arrived: bool = True


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Whether the move is done, or why the deployment failed (`failure`; `by_alarm` when an alarm was the cause)."""

    done: bool = False
    failure: str = ""
    by_alarm: bool = False


STAY, DONE = Decision(), Decision(done=True)


def way_forward(
    strategy: Strategy, *, first: bool = False, others: bool = False, tested: bool = True
) -> tuple[Move, ...]:
    """The moves of a deployment; of a service's first, there is nothing to shift from and so nothing to bake.

    `others` says that more than one revision is active, because a deployment was overtaken:
    RECONCILE_SERVICE "only happens when you start a new service deployment with more than 1 service revision in an
    ACTIVE state" (API reference of ServiceDeployment, lifecycleStage). `tested` says that there is a test listener:
    whoever tests through it once its shift is over is to reach the new revision.
    """
    return (
        *(_reconciliation() if others else ()),
        _hooks("PRE_SCALE_UP"),
        Move(stage="SCALE_UP", action=Action.SCALE_UP),
        _hooks("POST_SCALE_UP"),
        Move(stage="TEST_TRAFFIC_SHIFT", action=Action.SHIFT_TEST, percent=100.0),
        *((Move(stage="TEST_TRAFFIC_SHIFT", action=Action.AWAIT_TEST, seconds=HEARING),) if tested else ()),
        _hooks("TEST_TRAFFIC_SHIFT"),
        _hooks("POST_TEST_TRAFFIC_SHIFT"),
        *_production(strategy, first=first),
        _hooks("POST_PRODUCTION_TRAFFIC_SHIFT"),
        *(() if first else (Move(stage="BAKE_TIME", action=Action.BAKE, seconds=strategy.bake),)),
        Move(stage="CLEAN_UP", action=Action.RETIRE_SOURCE),
    )


def way_back() -> tuple[Move, ...]:
    """The moves of a rollback: traffic first. Hooks of the two shifts are called again.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/lambda-lifecycle-hooks.html
    """
    return (
        Move(stage="PRODUCTION_TRAFFIC_SHIFT", action=Action.SHIFT_PRODUCTION, percent=0.0),
        Move(stage="TEST_TRAFFIC_SHIFT", action=Action.SHIFT_TEST, percent=0.0),
        _hooks("PRODUCTION_TRAFFIC_SHIFT"),
        _hooks("TEST_TRAFFIC_SHIFT"),
        Move(stage="CLEAN_UP", action=Action.RETIRE_OTHERS),
        Move(stage="CLEAN_UP", action=Action.RETIRE_TARGET),
    )


def _reconciliation() -> tuple[Move, ...]:
    stage: Stage = "RECONCILE_SERVICE"
    return (
        Move(stage=stage, action=Action.SHIFT_PRODUCTION, percent=0.0),
        Move(stage=stage, action=Action.SHIFT_TEST, percent=0.0),
        Move(stage=stage, action=Action.RETIRE_OTHERS),
        _hooks(stage),
    )


def _production(strategy: Strategy, *, first: bool) -> tuple[Move, ...]:
    """Hooks of PRE_PRODUCTION_TRAFFIC_SHIFT and PRODUCTION_TRAFFIC_SHIFT are called at each step."""
    stage: Stage = "PRODUCTION_TRAFFIC_SHIFT"
    moves: list[Move] = []
    for step in strategy.steps[-1:] if first else strategy.steps:
        moves += [
            Move(stage=stage, action=Action.CALL_HOOKS, point="PRE_PRODUCTION_TRAFFIC_SHIFT"),
            Move(stage=stage, action=Action.SHIFT_PRODUCTION, percent=step.percent),
            _hooks(stage),
        ]
        if step.percent < 100:
            moves.append(Move(stage=stage, action=Action.BAKE, seconds=step.bake))
    return tuple(moves)


def _hooks(stage: Stage) -> Move:
    return Move(stage=stage, action=Action.CALL_HOOKS, point=stage)


def decide(move: Move, seen: Seen, *, rolling_back: bool = False) -> Decision:
    """Whether the move at hand is done. Alarms count from the start of the deployment to the end of its bake time.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html
    """
    if seen.alarms and not rolling_back and move.stage != "CLEAN_UP":
        return Decision(failure=f"CloudWatch alarm in ALARM: {', '.join(seen.alarms)}", by_alarm=True)
    if seen.now - seen.since > STAGE_LIMIT:
        return Decision(failure=f"lifecycle stage {move.stage} did not end within {STAGE_LIMIT / 3600:.0f} hours")
    if move.action is Action.CALL_HOOKS:
        return _after_hooks(seen.hooks, rolling_back=rolling_back)
    return DONE if _is_done(move, seen) else STAY


def _after_hooks(hooks: Hooks, *, rolling_back: bool) -> Decision:
    if hooks.failure:
        # The traffic is back already: a hook cannot stop that.
        return DONE if rolling_back else Decision(failure=hooks.failure)
    return DONE if hooks.succeeded else STAY


def _is_done(move: Move, seen: Seen) -> bool:
    match move.action:
        case Action.SCALE_UP:
            return seen.target.steady
        case Action.SHIFT_TEST | Action.SHIFT_PRODUCTION:
            return may_shift(move, seen)
        case Action.AWAIT_TEST:
            return seen.arrived or seen.now - seen.since >= move.seconds
        case Action.BAKE:
            return seen.now - seen.since >= move.seconds and seen.target.steady
        case Action.RETIRE_SOURCE:
            return seen.source is None or seen.source.live == 0
        case Action.RETIRE_TARGET:
            return seen.target.live == 0
        case Action.RETIRE_OTHERS:
            return seen.others.live == 0
        case _:
            raise AssertionError(move)


def may_shift(move: Move, seen: Seen) -> bool:
    """Whether the revision that is to receive traffic can take it."""
    if move.percent:
        return seen.target.steady
    losing = seen.target.healthy + seen.others.healthy
    return seen.source is None or 2 * seen.source.healthy >= seen.source.wanted or losing == 0


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Tasks wanted of each revision; the others keep theirs until they are to be retired."""

    source: int
    target: int
    keep_others: bool


def counts(done_or_at: Sequence[Move], *, desired: int, rolling_back: bool = False, scaled_up: bool = False) -> Counts:
    """Tasks wanted of each revision after and at these moves of the way.

    In a rollback `scaled_up` says that the target revision had been started.
    """
    actions = {move.action for move in done_or_at}
    if rolling_back:
        target = desired if scaled_up and Action.RETIRE_TARGET not in actions else 0
        return Counts(source=desired, target=target, keep_others=Action.RETIRE_OTHERS not in actions)
    return Counts(
        source=0 if Action.RETIRE_SOURCE in actions else desired,
        target=desired if Action.SCALE_UP in actions else 0,
        keep_others=Action.RETIRE_OTHERS not in actions,
    )
