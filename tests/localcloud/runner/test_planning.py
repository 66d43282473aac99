from __future__ import annotations

import pytest

from localcloud.runner.planning import (
    Plan,
    ProviderShare,
    RunningTask,
    ServiceState,
    breaker_threshold,
    pause,
    plan,
    provider,
)


def tasks(*kinds: str) -> tuple[RunningTask, ...]:
    """`new`, `old`, `new-sick`, `old-sick`, `new-protected`."""
    return tuple(
        RunningTask(
            arn=f"{kind}{number}",
            current=kind.startswith("new"),
            healthy=not kind.endswith("sick"),
            protected=kind.endswith("protected"),
        )
        for number, kind in enumerate(kinds)
    )


def test_a_new_service_starts_all_its_tasks() -> None:
    assert plan(ServiceState(desired=3, tasks=())) == Plan(start=3)


def test_a_steady_service_is_left_alone() -> None:
    assert plan(ServiceState(desired=2, tasks=tasks("new", "new"), rollout="COMPLETED")) == Plan()


def test_a_lost_task_is_replaced() -> None:
    assert plan(ServiceState(desired=2, tasks=tasks("new"), rollout="COMPLETED")) == Plan(start=1)


def test_a_rolling_update_starts_new_ones_before_it_stops_old_ones() -> None:
    assert plan(ServiceState(desired=2, tasks=tasks("old", "old"))) == Plan(start=2)
    assert plan(ServiceState(desired=2, tasks=tasks("old", "old", "new-sick", "new-sick"))) == Plan()
    half = plan(ServiceState(desired=2, tasks=tasks("old", "old", "new", "new-sick")))
    assert half == Plan(stop=("old0",))
    assert plan(ServiceState(desired=2, tasks=tasks("old", "old", "new", "new"))) == Plan(stop=("old0", "old1"))


def test_a_service_that_may_never_have_two_tasks_stops_the_old_one_first() -> None:
    alone = {"desired": 1, "minimum_percent": 0, "maximum_percent": 100}
    assert plan(ServiceState(tasks=tasks("old"), **alone)) == Plan(stop=("old0",))
    assert plan(ServiceState(tasks=(), **alone)) == Plan(start=1)


def test_a_deployment_is_complete_when_all_new_tasks_are_healthy_and_no_old_one_is_left() -> None:
    assert plan(ServiceState(desired=2, tasks=tasks("new", "new"))) == Plan(completed=True)
    assert not plan(ServiceState(desired=2, tasks=tasks("new", "new-sick"))).completed
    assert not plan(ServiceState(desired=2, tasks=tasks("new", "new", "old"))).completed
    assert plan(ServiceState(desired=0, tasks=())).completed


def test_the_circuit_breaker_opens_at_its_threshold_and_only_during_a_deployment() -> None:
    failing = ServiceState(desired=2, tasks=(), failures=3, breaker=True)
    assert plan(failing) == Plan(failed=True)
    assert not plan(ServiceState(desired=2, tasks=(), failures=2, breaker=True)).failed
    assert not plan(ServiceState(desired=2, tasks=(), failures=9, breaker=False)).failed
    assert not plan(ServiceState(desired=2, tasks=(), failures=9, breaker=True, rollout="COMPLETED")).failed


@pytest.mark.parametrize(("desired", "threshold"), [(1, 3), (6, 3), (7, 4), (100, 50), (1000, 200)])
def test_the_threshold_is_half_the_desired_count_within_bounds(desired: int, threshold: int) -> None:
    assert breaker_threshold(desired) == threshold


def test_scaling_in_spares_protected_tasks() -> None:
    state = ServiceState(desired=1, tasks=tasks("new-protected", "new", "new-sick"), rollout="COMPLETED")
    assert set(plan(state).stop) == {"new1", "new-sick2"}
    both = ServiceState(desired=0, tasks=tasks("new-protected"), rollout="COMPLETED")
    assert plan(both).stop == ()


def test_a_failed_deployment_starts_nothing_and_what_ran_before_runs_on() -> None:
    state = ServiceState(desired=2, tasks=tasks("old", "old", "new-sick"), rollout="FAILED")
    assert plan(state) == Plan(stop=("new-sick2",))


def test_a_protected_task_outlives_its_deployment_which_waits_for_it() -> None:
    state = ServiceState(
        desired=1, tasks=(*tasks("new"), RunningTask(arn="p", current=False, healthy=True, protected=True))
    )
    assert plan(state) == Plan()


def test_tasks_spread_over_capacity_providers_by_base_and_weight() -> None:
    strategy = [ProviderShare(name="FARGATE", base=2, weight=1), ProviderShare(name="FARGATE_SPOT", weight=3)]
    taken: list[str] = []
    for _ in range(10):
        taken.append(provider(strategy, taken) or "")
    assert taken[:2] == ["FARGATE", "FARGATE"]
    assert (taken.count("FARGATE"), taken.count("FARGATE_SPOT")) == (4, 6)
    assert provider([ProviderShare(name="FARGATE_SPOT", weight=1), ProviderShare(name="FARGATE")], []) == "FARGATE_SPOT"
    assert provider([], []) is None


def test_failing_starts_come_ever_less_often() -> None:
    assert [pause(streak) for streak in range(9)] == [0, 1, 2, 4, 8, 16, 32, 60, 60]
