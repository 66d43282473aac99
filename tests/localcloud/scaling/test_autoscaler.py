"""Cooldowns and several policies, by what AWS's documentation says of them."""

from __future__ import annotations

from localcloud.scaling.autoscaler import Autoscaler, Invocation
from localcloud.scaling.steps import AdjustmentType, StepAdjustment
from tests.localcloud.scaling.policies import in_, out

OUT = out((0, 15, 2), (15, None, 3))
IN = in_()


def scaler(desired: int = 4) -> Autoscaler:
    return Autoscaler(desired=desired, minimum=2, maximum=12)


def test_the_documentations_example_of_a_cooldown() -> None:
    """ "The alarm triggers again during the cooldown period but at a more aggressive step adjustment of 3, the previous
    increase of 2 is considered part of the current capacity. Therefore, only 1 is added." """
    it = scaler()
    it.invoke(0, [Invocation(policy=OUT, value=75)])
    assert it.desired == 6
    it.fulfilled(60)
    it.invoke(120, [Invocation(policy=OUT, value=90)])
    assert it.desired == 7


def test_the_same_step_again_adds_nothing_until_the_cooldown_has_passed() -> None:
    it = scaler()
    it.invoke(0, [Invocation(policy=OUT, value=75)])
    it.fulfilled(60)
    it.invoke(359, [Invocation(policy=OUT, value=75)])
    assert it.desired == 6
    it.invoke(360, [Invocation(policy=OUT, value=75)])
    assert it.desired == 8


def test_a_cooldown_begins_when_the_tasks_run() -> None:
    """ "After Application Auto Scaling successfully scales out [...], it starts to calculate the cooldown time." """
    it = scaler()
    it.invoke(0, [Invocation(policy=OUT, value=75)])
    it.invoke(3000, [Invocation(policy=OUT, value=75)])
    assert it.desired == 6, "the tasks of the first activity do not run yet"


def test_what_was_added_in_a_cooldown_counts_as_a_whole() -> None:
    it = scaler()
    for value in (75, 90, 90, 90):
        it.invoke(0, [Invocation(policy=OUT, value=value)])
    assert it.desired == 7, "never more than the most aggressive step"


def test_scale_in_is_blocked_until_its_cooldown_has_passed() -> None:
    it = scaler(8)
    it.invoke(0, [Invocation(policy=IN, value=10)])
    it.fulfilled(30)
    it.invoke(329, [Invocation(policy=IN, value=10)])
    assert it.desired == 7
    it.invoke(330, [Invocation(policy=IN, value=10)])
    assert it.desired == 6


def test_scale_out_does_not_wait_for_the_cooldown_of_a_scale_in_and_ends_it() -> None:
    """ "Application Auto Scaling scales out the target immediately. In this case, the cooldown period for the scale-in
    activity stops and doesn't complete." """
    it = scaler(8)
    it.invoke(0, [Invocation(policy=IN, value=10)])
    it.fulfilled(30)
    it.invoke(60, [Invocation(policy=OUT, value=75)])
    assert it.desired == 9
    it.invoke(120, [Invocation(policy=IN, value=10)])
    assert it.desired == 8


def test_the_largest_capacity_wins() -> None:
    """API_PutScalingPolicy.html: one policy adds 3, another 200 percent, of 10 the latter makes 30."""
    three = out((0, None, 3), name="three")
    percent = out((0, None, 200), name="percent")
    percent = type(percent)(**{**vars(percent), "kind": AdjustmentType.PERCENT})
    it = Autoscaler(desired=10, minimum=2, maximum=100)
    it.invoke(0, [Invocation(policy=three, value=75), Invocation(policy=percent, value=75)])
    assert it.desired == 30
    it = scaler(8)
    it.invoke(0, [Invocation(policy=IN, value=10), Invocation(policy=OUT, value=75)])
    assert it.desired == 10, "in and out at once: out"


def test_limits_hold_whatever_the_steps_say() -> None:
    it = scaler(11)
    it.invoke(0, [Invocation(policy=OUT, value=95)])
    assert it.desired == 12
    it = scaler(3)
    it.invoke(0, [Invocation(policy=in_(-5), value=5)])
    assert it.desired == 2
    it.limit(60, minimum=6, maximum=12, cause="scheduled")
    assert it.desired == 6, "a new minimum is followed at once"


def test_a_value_that_no_step_covers_changes_nothing() -> None:
    """With two of three minutes at 75 and one at 20 the alarm speaks, but the average is below the threshold."""
    it = scaler()
    it.invoke(0, [Invocation(policy=OUT, value=(75 + 75 + 20) / 3)])
    assert it.activities == []


def test_an_exact_capacity_scales_in_both_directions() -> None:
    exact = type(OUT)(
        **{
            **vars(OUT),
            "kind": AdjustmentType.EXACT,
            "steps": (StepAdjustment(lower=0, upper=None, adjustment=5),),
        }
    )
    for start in (4, 8):
        it = scaler(start)
        it.invoke(0, [Invocation(policy=exact, value=75)])
        assert it.desired == 5
