"""How fast the simulation reacts, and to what."""

from __future__ import annotations

from dataclasses import replace

from localcloud.scaling.simulator import Run, replay
from localcloud.scaling.traces import MINUTE, Kind, Trace
from tests.localcloud.scaling.policies import in_, out, service


def run(load: float, *, before: float = 0.0, minutes: int = 30) -> Run:
    """`before` for five minutes, then `load`, in tasks' worth."""
    trace = Trace(
        name="step",
        about="",
        kind=Kind.REQUESTS,
        seconds=minutes * MINUTE,
        seed=1,
        load=lambda t, _most, _low: load if t >= 5 * MINUTE else before,
        start=lambda _most, low: low,
    )
    return replay(service(out((0, None, 2), cooldown=120), in_(cooldown=120)), trace)


def test_two_of_three_minutes_a_delay_and_the_start_pass_before_a_task_helps() -> None:
    minutes, (first, *_) = run(1.9, before=1.2).minutes, run(1.9, before=1.2).activities
    assert first.at == 8 * MINUTE, "minutes 5 and 6 breach; CloudWatch has the second of them at the end of minute 7"
    assert minutes[8].desired == 4
    assert minutes[8].ready == 2
    assert minutes[9].ready == 4, "50 s to RUNNING, 40 s to the first request"


def test_a_step_is_chosen_by_the_average_of_all_that_was_evaluated() -> None:
    """After an idle minute two busy ones make an alarm, but their average with it is below the threshold."""
    assert run(1.9, before=0.0).activities[0].at == 9 * MINUTE


def test_tasks_that_start_dilute_what_cloudwatch_sees_but_not_what_is_judged() -> None:
    minute = run(4.0).minutes[9]
    assert minute.cpu is not None
    assert minute.cpu < minute.busy


def test_the_next_step_waits_for_the_tasks_and_the_cooldown() -> None:
    at = [one.at for one in run(9.0).activities]
    assert at[1] - at[0] == 3 * MINUTE, "50 s until the tasks run, 120 s of cooldown, to the full minute"


def test_scale_in_goes_to_the_minimum_and_not_below() -> None:
    quiet = replay(
        service(in_(cooldown=120)),
        Trace(
            name="quiet",
            about="",
            kind=Kind.REQUESTS,
            seconds=60 * MINUTE,
            seed=1,
            load=lambda *_: 0.1,
            start=lambda most, _low: most,
        ),
    )
    assert quiet.minutes[-1].desired == 2
    assert len(quiet.activities) == 10


def test_the_same_seed_gives_the_same_run_and_another_seed_another() -> None:
    first, second = run(5.0), run(5.0)
    assert first.minutes == second.minutes
    other = replay(first.service, replace(first.trace, seed=2))
    assert other.minutes != first.minutes
