"""A rehearsal is judged by what it saw: each thing that must hold is broken once, and found."""

from __future__ import annotations

from dataclasses import replace

import pytest

from localcloud.rollout.judge import judge, most_affected
from localcloud.rollout.record import Record
from tests.localcloud.rollout.records import (
    ALARM,
    BACK,
    BEGAN,
    ENDED,
    NEW,
    OLD,
    SHIFTED,
    answer,
    bad,
    failed,
    good,
    rest,
    snapshot,
)


def broken(record: Record) -> set[str]:
    return {check.name for check in judge(record) if not check.holds}


def shielded() -> Record:
    """A version that a hook kept away from everybody."""
    record = bad()
    return replace(
        record,
        shielded=True,
        alarm_at=None,
        answers=tuple(each for each in record.answers if each.release == OLD),
        snapshots=tuple(
            snapshot(each.at, new=0, status="ROLLBACK_SUCCESSFUL", stage="POST_TEST_TRAFFIC_SHIFT")
            for each in record.snapshots
        ),
    )


@pytest.mark.parametrize("record", [good(), bad(), shielded()], ids=["good", "bad", "shielded"])
def test_a_rollout_that_goes_as_it_should_holds(record: Record) -> None:
    assert broken(record) == set()


@pytest.mark.parametrize(
    ("record", "found"),
    [
        (good(answers=(*good().answers, failed(ENDED, OLD))), "no request failed"),
        (
            good(answers=(*good().answers, answer(ENDED, "", status=0, good=False, error="ReadTimeout"))),
            "no request failed",
        ),
        (good(answers=()), "no request failed"),
        (good(lost=("one",), states={"extracted": 39, "absent": 1}), "no receipt is lost"),
        (good(promised=0, states={}), "no receipt is lost"),
        (good(answers=(*good().answers, answer(ENDED, OLD))), "the new version serves everything"),
        (
            good(rest=replace(good().rest, stack="UPDATE_ROLLBACK_COMPLETE")),
            "the new version serves everything",
        ),
        (good(rest=replace(good().rest, tasks=frozenset({"web:1", "web:2"}))), "one version is left"),
        (good(rest=replace(good().rest, weights={"blue": 10, "green": 90})), "one version is left"),
        (good(rest=replace(good().rest, targets={"blue": 2, "green": 2})), "one version is left"),
        (good(rest=replace(good().rest, template="web:1")), "one version is left"),
        (good(rest=replace(good().rest, stack="UPDATE_IN_PROGRESS")), "one version is left"),
        (bad(answers=(*bad().answers, answer(ENDED, NEW))), "it goes back by itself"),
        (bad(cli_error=""), "it goes back by itself"),
        (
            bad(rest=rest("web:2", stack="UPDATE_COMPLETE", deployment="SUCCESSFUL", loaded="green")),
            "it goes back by itself",
        ),
        (
            bad(snapshots=tuple(snapshot(each.at, new=each.weight("green")) for each in bad().snapshots)),
            "the failed release is named with the reason",
        ),
        (bad(new_release=""), "the failed release is named with the reason"),
        (bad(answers=(*bad().answers, failed(SHIFTED, OLD))), "no request failed on the old version"),
        (
            bad(answers=(*bad().answers, *(answer(SHIFTED + number / 10, NEW) for number in range(100)))),
            "no more than the canary's share met it",
        ),
        (bad(alarm_at=None), "back within 60 s of the alarm"),
        (bad(alarm_at=BACK - 65), "back within 60 s of the alarm"),
        (
            bad(answers=(*bad().answers, answer(ALARM + 61, "", status=503, good=False))),
            "back within 60 s of the alarm",
        ),
        (
            replace(shielded(), answers=(*shielded().answers, answer(SHIFTED, NEW))),
            "nobody met the new version",
        ),
        (replace(shielded(), snapshots=bad().snapshots), "nobody met the new version"),
    ],
)
def test_what_goes_wrong_is_found(record: Record, found: str) -> None:
    assert found in broken(record)


def test_hurt_requests_are_expected_where_the_platform_was_hurt() -> None:
    record = good(undisturbed=False, answers=(*good().answers, failed(SHIFTED, "")))
    assert broken(record) == set()


def test_a_blue_green_moves_everybody_at_once() -> None:
    everybody = tuple(answer(each.at, NEW) if SHIFTED <= each.at < BACK else each for each in bad().answers)
    assert "no more than the canary's share met it" in broken(bad(answers=everybody))
    assert broken(bad(answers=everybody, strategy="blue_green")) == set()


def stayed() -> Record:
    record = good(expects="stays", rest=rest("web:1", stack="UPDATE_COMPLETE", deployment="", loaded="green"))
    same = tuple(replace(snapshot(each.at, new=100), deployment=None) for each in record.snapshots)
    return replace(record, snapshots=same)


def test_weights_that_stay_hold_and_weights_that_move_do_not() -> None:
    assert broken(stayed()) == set()
    moved = (*stayed().snapshots, replace(snapshot(ENDED, new=0), deployment=None))
    assert broken(replace(stayed(), snapshots=moved)) == {"the listener's weights stay"}
    deployed = tuple(snapshot(each.at, new=100) for each in stayed().snapshots)
    assert broken(replace(stayed(), snapshots=deployed)) == {"the listener's weights stay"}


def test_the_canarys_share_has_room_for_chance_and_no_more() -> None:
    assert most_affected(1000, 10) == 128
    assert most_affected(0, 10) == 0
    assert most_affected(50, 100) == 50


def test_the_alarm_that_counts_is_named_by_its_time() -> None:
    said = next(check.said for check in judge(bad()) if check.name.startswith("back within"))
    assert f"{BACK - 1 - ALARM:.1f} s after the alarm" in said
    assert BEGAN < ALARM
