"""The way of a deployment, without a cloud."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from localcloud.emulator.service_deployments.planner import (
    DONE,
    HEARING,
    STAGE_LIMIT,
    STAY,
    Action,
    Counts,
    Hooks,
    Move,
    Seen,
    Tasks,
    counts,
    decide,
    way_back,
    way_forward,
)
from localcloud.emulator.service_deployments.strategy import Step, longest_bake, strategy
from localcloud.emulator.service_deployments.traffic import weights

CANARY = {
    "strategy": "CANARY",
    "bakeTimeInMinutes": 10,
    "canaryConfiguration": {"canaryPercent": 10.0, "canaryBakeTimeInMinutes": 5},
}
WELL = Seen(
    now=100.0, since=100.0, source=Tasks(wanted=2, healthy=2, live=2), target=Tasks(wanted=2, healthy=2, live=2)
)


def stages(moves: tuple[Move, ...]) -> list[str]:
    found: list[str] = []
    for move in moves:
        if not found or found[-1] != move.stage:
            found.append(move.stage)
    return found


def at(moves: tuple[Move, ...], action: Action, number: int = 0) -> Move:
    return [move for move in moves if move.action is action][number]


def shares(moves: tuple[Move, ...]) -> list[float]:
    return [move.percent for move in moves if move.action is Action.SHIFT_PRODUCTION]


def test_a_canary_passes_the_stages_in_ecs_order() -> None:
    assert stages(way_forward(strategy(CANARY))) == [
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
    assert stages(way_forward(strategy(CANARY), others=True))[0] == "RECONCILE_SERVICE"


@pytest.mark.parametrize(
    ("configuration", "expected"),
    [
        ({"strategy": "BLUE_GREEN"}, [Step(percent=100)]),
        (CANARY, [Step(percent=10, bake=300), Step(percent=100)]),
        ({"strategy": "CANARY"}, [Step(percent=5, bake=600), Step(percent=100)]),
        (
            {"strategy": "LINEAR", "linearConfiguration": {"stepPercent": 40.0, "stepBakeTimeInMinutes": 1}},
            [Step(percent=40, bake=60), Step(percent=80, bake=60), Step(percent=100)],
        ),
        (
            {"strategy": "LINEAR", "linearConfiguration": {"stepPercent": 50.0, "stepBakeTimeInMinutes": 1}},
            [Step(percent=50, bake=60), Step(percent=100)],
        ),
    ],
)
def test_steps_of_the_strategies(configuration: dict[str, Any], expected: list[Step]) -> None:
    found = strategy(configuration)
    assert list(found.steps) == expected
    assert shares(way_forward(found)) == [step.percent for step in expected]
    assert longest_bake(configuration) == max(
        900 if "bakeTimeInMinutes" not in configuration else 600, expected[0].bake
    )


def test_a_first_deployment_has_nothing_to_shift_from() -> None:
    moves = way_forward(strategy(CANARY), first=True)
    assert shares(moves) == [100]
    assert not [move for move in moves if move.action is Action.BAKE]
    assert not [move for move in way_forward(strategy(CANARY), first=True, tested=False) if move.seconds]
    assert "POST_TEST_TRAFFIC_SHIFT" in stages(moves)


def test_green_is_started_after_the_first_hooks_and_blue_ends_last() -> None:
    moves = way_forward(strategy(CANARY))
    by_stage = {move.stage: counts(moves[: number + 1], desired=3) for number, move in enumerate(moves)}
    assert by_stage["PRE_SCALE_UP"] == Counts(source=3, target=0, keep_others=True)
    assert by_stage["SCALE_UP"] == by_stage["BAKE_TIME"] == Counts(source=3, target=3, keep_others=True)
    assert by_stage["CLEAN_UP"] == Counts(source=0, target=3, keep_others=True)


def test_scaling_during_a_deployment_is_for_both_revisions() -> None:
    moves = way_forward(strategy(CANARY))
    assert counts(moves[:6], desired=7) == Counts(source=7, target=7, keep_others=True)


def test_a_step_waits_for_its_receivers_health() -> None:
    shift = at(way_forward(strategy(CANARY)), Action.SHIFT_PRODUCTION, 1)
    assert decide(shift, WELL) == DONE
    dead = replace(WELL, target=Tasks(wanted=2, healthy=1, live=2))
    assert decide(shift, dead) == STAY


def test_a_bake_takes_its_time_and_ends_with_healthy_tasks() -> None:
    bake = at(way_forward(strategy(CANARY)), Action.BAKE)
    assert decide(bake, replace(WELL, now=399.0)) == STAY
    assert decide(bake, replace(WELL, now=400.0)) == DONE
    assert decide(bake, replace(WELL, now=400.0, target=Tasks(wanted=2, live=2))) == STAY


def test_nobody_tests_before_the_listener_shows_green() -> None:
    awaited = at(way_forward(strategy(CANARY)), Action.AWAIT_TEST)
    assert decide(awaited, replace(WELL, arrived=False)) == STAY
    assert decide(awaited, WELL) == DONE
    assert decide(awaited, replace(WELL, arrived=False, now=WELL.since + HEARING)) == DONE


def test_hooks_hold_a_deployment_and_fail_it() -> None:
    hooks = at(way_forward(strategy(CANARY)), Action.CALL_HOOKS)
    assert decide(hooks, replace(WELL, hooks=Hooks(succeeded=False))) == STAY
    assert decide(hooks, WELL) == DONE
    failed = replace(WELL, hooks=Hooks(succeeded=False, failure="smoke test"))
    assert decide(hooks, failed).failure == "smoke test"
    assert decide(hooks, failed, rolling_back=True) == DONE


def test_an_alarm_fails_a_deployment_from_its_start_to_the_end_of_its_bake() -> None:
    moves = way_forward(strategy(CANARY))
    for move in moves:
        decision = decide(move, replace(WELL, alarms=("errors",)))
        assert bool(decision.failure and decision.by_alarm) == (move.stage != "CLEAN_UP"), move
    assert not decide(way_back()[0], replace(WELL, alarms=("errors",)), rolling_back=True).failure


def test_a_rollback_moves_production_traffic_first_and_stops_green_last() -> None:
    moves = way_back()
    assert (moves[0].action, moves[0].percent) == (Action.SHIFT_PRODUCTION, 0)
    assert moves[-1].action is Action.RETIRE_TARGET
    early = counts(moves[:1], desired=2, rolling_back=True, scaled_up=True)
    assert early == Counts(source=2, target=2, keep_others=True)
    assert counts(moves, desired=2, rolling_back=True, scaled_up=True) == Counts(source=2, target=0, keep_others=False)
    assert counts(moves[:1], desired=2, rolling_back=True).target == 0


@pytest.mark.parametrize(
    ("source", "target", "moves"),
    [(2, 2, True), (1, 2, True), (0, 2, False), (0, 0, True)],
)
def test_traffic_goes_back_at_once_unless_only_green_can_serve(source: int, target: int, moves: bool) -> None:
    seen = replace(WELL, source=Tasks(wanted=2, healthy=source), target=Tasks(wanted=2, healthy=target))
    assert decide(way_back()[0], seen, rolling_back=True) == (DONE if moves else STAY)


def test_a_service_scaled_to_zero_is_deployed() -> None:
    nothing = Seen(now=0.0, since=0.0, source=Tasks(), target=Tasks())
    waits = [
        move for move in way_forward(strategy({**CANARY, "bakeTimeInMinutes": 0})) if decide(move, nothing) == STAY
    ]
    assert [move.stage for move in waits] == ["PRODUCTION_TRAFFIC_SHIFT"]  # the canary's bake


def test_no_stage_lasts_for_ever() -> None:
    scale_up = at(way_forward(strategy(CANARY)), Action.SCALE_UP)
    stuck = replace(WELL, target=Tasks(wanted=2), now=WELL.since + STAGE_LIMIT + 1)
    assert "SCALE_UP did not end within 24 hours" in decide(scale_up, stuck).failure


@pytest.mark.parametrize(
    ("percent", "expected"), [(10.0, (10, 90)), (0.0, (0, 100)), (100.0, (100, 0)), (0.5, (5, 995))]
)
def test_weights_of_a_rule(percent: float, expected: tuple[int, int]) -> None:
    assert tuple(weights("green", "blue", percent).values()) == expected
