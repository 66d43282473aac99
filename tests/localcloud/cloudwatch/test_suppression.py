"""Suppression of a composite alarm's actions over time, by the scenarios of CloudWatch's user guide
(Create_Composite_Alarm_Suppression.html, read 2026-11-28)."""

from __future__ import annotations

import pytest

from localcloud.emulator.cloudwatch.evaluation import State
from localcloud.emulator.cloudwatch.suppression import Suppression

_OK, _ALARM = State.OK, State.ALARM


def actions(*, composite: dict[int, State], suppressor: dict[int, State], until: int = 30) -> list[tuple[int, State]]:
    """When actions run, with a wait of 6 seconds and an extension of 4; the states change at the given seconds."""
    suppression = Suppression(wait=6, extension=4, acted=_OK)
    state, holding = _OK, _OK
    found = []
    for second in range(until):
        state, holding = composite.get(second, state), suppressor.get(second, holding)
        if suppression.look(state, suppressor=holding, now=float(second)):
            found.append((second, state))
    return found


@pytest.mark.parametrize(
    ("composite", "suppressor", "expected"),
    [
        pytest.param({2: _ALARM}, {}, [(8, _ALARM)], id="not suppressed: at the end of the wait period"),
        pytest.param({2: _ALARM}, {4: _ALARM}, [], id="suppressed by an alarm that comes within the wait period"),
        pytest.param({2: _ALARM}, {0: _ALARM}, [], id="suppressed by an alarm that is there already"),
        pytest.param(
            {2: _ALARM}, {4: _ALARM, 12: _OK}, [(16, _ALARM)], id="resumed at the end of the extension period"
        ),
        pytest.param({2: _ALARM}, {9: _ALARM}, [(8, _ALARM)], id="too late to suppress"),
        pytest.param({2: _ALARM, 5: _OK}, {}, [], id="over within the wait period"),
        pytest.param({2: _ALARM, 5: _OK, 6: _ALARM}, {}, [(12, _ALARM)], id="back within the wait period: waits anew"),
        pytest.param({2: _ALARM, 14: _OK}, {4: _ALARM, 12: _OK}, [], id="over within the extension period"),
        pytest.param({14: _ALARM}, {4: _ALARM, 12: _OK}, [(16, _ALARM)], id="new within the extension period"),
        pytest.param({2: _ALARM, 20: _OK}, {}, [(8, _ALARM), (20, _OK)], id="OK does not wait"),
        pytest.param({2: _ALARM, 20: _OK}, {18: _ALARM, 24: _OK}, [(8, _ALARM), (28, _OK)], id="OK is suppressed too"),
    ],
)
def test_actions_run_when_the_guide_says(
    composite: dict[int, State], suppressor: dict[int, State], expected: list[tuple[int, State]]
) -> None:
    assert actions(composite=composite, suppressor=suppressor) == expected
