"""A composite alarm whose actions another alarm holds back ("Suppressing composite alarm actions" in CloudWatch's user
guide): during deployments and maintenance, or while the cause is known already."""

from __future__ import annotations

import math
from dataclasses import dataclass

from localcloud.emulator.cloudwatch.evaluation import State

BY_ALARM = "Alarm"
BY_WAIT = "WaitPeriod"
BY_EXTENSION = "ExtensionPeriod"


@dataclass(kw_only=True)
class Suppression:
    """Between two looks. `acted` is the state that actions were last carried out for; periods are in seconds."""

    wait: float
    extension: float
    acted: State
    by: str | None = None
    until: float = -math.inf

    def look(self, state: State, *, suppressor: State, now: float) -> bool:
        """Whether the actions for the composite alarm's state are to be carried out now.

        While the suppressor is in ALARM they are not; then, for the extension period, still not. Where the suppressor
        may yet go into ALARM, going into ALARM waits for it. What was held back is carried out at the end if the
        state is still another one than that last acted upon.
        """
        pending = state is not self.acted
        if suppressor is State.ALARM:
            self.by, self.until = BY_ALARM, math.inf
        elif self.by == BY_ALARM:
            self.by, self.until = BY_EXTENSION, now + self.extension
        elif self.by is None and pending and state is State.ALARM:
            self.by, self.until = BY_WAIT, now + self.wait
        waiting = self.by == BY_WAIT and not pending
        if self.by and now < self.until and not waiting:
            return False
        self.by = None
        if pending:
            self.acted = state
        return pending
