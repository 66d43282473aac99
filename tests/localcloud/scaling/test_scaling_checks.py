"""Every check holds for the real policies and speaks for a bad one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from localcloud.scaling.checks import turns
from localcloud.scaling.errors import ScalingError
from localcloud.scaling.model import Service
from localcloud.scaling.outcome import Trial, try_out
from localcloud.scaling.overlay import FOLDER, Overlay, read


@pytest.mark.parametrize("environment", ["prod", "staging", "dev", "preview"])
def test_the_policies_of_every_environment_hold(services: Callable[[str], list[Service]], environment: str) -> None:
    outcome = try_out(environment, services(environment), Trial())
    failed = [(one.run.service.name, one.run.trace.name, check.name, check.number)
              for one in outcome.results for check in one.checks if not check.ok]  # fmt: skip
    assert failed == []
    assert {one.run.trace.name for one in outcome.results} == {
        "steady", "daily-wave", "ramp", "flash-crowd", "sawtooth-70", "sawtooth-30", "bulk-upload", "slow-queue",
    }  # fmt: skip


def failing(services: list[Service], overlay: Overlay, trace: str | None = None) -> set[str]:
    outcome = try_out("prod", services, Trial(overlay=overlay, trace=trace))
    return {check.name for result in outcome.results for check in result.checks if not check.ok}


CAUGHT = {
    "bad": {"flaps", "turns", "after scale-in"},
    "low-maximum": {"above 85 %", "queue"},
    "large-steps": {"flaps", "after scale-in"},
    "long-cooldown": {"above 85 %", "idle", "queue"},
    "only-out": {"directions", "idle"},
    "only-in": {"directions", "above 85 %"},
    "one-sided": {"above 85 %"},
    "former": {"flaps", "turns", "queue", "above 85 %"},
}


@pytest.mark.parametrize("name", sorted(CAUGHT))
def test_bad_policies_are_caught(prod: list[Service], name: str) -> None:
    assert CAUGHT[name] <= failing(prod, read(name))


def test_each_policy_file_is_tried_here() -> None:
    assert {path.stem for path in FOLDER.glob("*.toml")} == set(CAUGHT)


def test_out_at_70_and_in_at_68_flaps_on_a_load_that_stays_the_same(prod: list[Service]) -> None:
    assert "flaps" in failing(prod, read("bad"), "steady")


def test_limits_of_the_template_count(prod: list[Service]) -> None:
    assert failing(prod, Overlay(about="one task", services={"web": {"minimum": 1}}), "daily-wave") == {"fewest tasks"}
    many = Overlay(about="many", services={"web": {"minimum": 20, "maximum": 40}})
    assert "most tasks" in failing(prod, many, "steady")


def test_turns_of_a_series() -> None:
    assert turns([1, 2, 3, 4], least=1) == 0
    assert turns([1, 4, 1, 4], least=1) == 2
    assert turns([10, 10.5, 9.8, 10.2], least=1) == 0
    assert turns([10, 5, 5.5, 5, 12, 3], least=1) == 2
    assert turns([], least=1) == 0


def test_what_is_unknown_is_named(prod: list[Service]) -> None:
    with pytest.raises(ScalingError, match="there is no trace 'x'"):
        try_out("prod", prod, Trial(trace="x"))
    with pytest.raises(ScalingError, match="those that come with it are bad,"):
        read("no-such-policy")
    with pytest.raises(ScalingError, match="not complete: KeyError 'name'"):
        Overlay(about="", services={"web": {"policy": [{}]}}).applied(prod[0])
