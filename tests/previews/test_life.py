"""When a preview ends, and when people hear of it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from previews.life import State, preview_of
from tests.previews.given import NOW, PREFIX, TERMS, preview, stack


@pytest.mark.parametrize(
    ("age", "pushed", "kept", "over"),
    [
        (71.9, None, False, False),
        (72, None, False, True),
        (200, 71.9, False, False),  # a push counts anew
        (200, 72, False, True),
        (200, 72, True, False),
        (500, 335.9, True, False),
        (500, 336, True, True),  # kept, but not for ever
    ],
)
def test_a_life_is_counted_from_the_last_push(age: float, pushed: float | None, kept: bool, over: bool) -> None:
    assert preview(age=age, pushed=pushed, kept=kept).is_over(TERMS, NOW) is over


@pytest.mark.parametrize(("age", "warned"), [(59.9, False), (60, True), (71.9, True), (72, False)])
def test_people_are_warned_before_the_end(age: float, warned: bool) -> None:
    assert preview(age=age).is_ending_soon(TERMS, NOW) is warned


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("CREATE_IN_PROGRESS", State.STARTING),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", State.READY),
        ("UPDATE_ROLLBACK_COMPLETE", State.PUSH_FAILED),
        ("ROLLBACK_COMPLETE", State.FAILED),
        ("DELETE_FAILED", State.FAILED),
        ("UPDATE_ROLLBACK_FAILED", State.FAILED),
        ("DELETE_IN_PROGRESS", State.ENDING),
    ],
)
def test_a_status_says_how_it_is(status: str, state: State) -> None:
    assert preview(StackStatus=status).state is state


@pytest.mark.parametrize(
    "given",
    [
        stack(StackStatus="DELETE_COMPLETE"),
        stack(StackName="SpendSmart-Preview-Previews"),
        stack(StackName=PREFIX),
        stack(StackName="SpendSmart-Prod-Data"),
    ],
)
def test_other_stacks_are_no_previews(given: dict[str, object]) -> None:
    assert preview_of(given, prefix=PREFIX) is None


def test_a_stack_that_never_came_up_has_neither_outputs_nor_tags() -> None:
    found = preview(StackStatus="ROLLBACK_COMPLETE", Outputs=[], Tags=[])
    assert (found.url, found.commit, found.owner) == ("", "", "")
    assert found.expires(TERMS) == NOW - timedelta(hours=5) + timedelta(hours=72)
