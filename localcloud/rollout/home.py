"""After rehearsals: traffic back on the target group that a rolling service registers its tasks in.

Strategies that shift traffic end on one of two groups, by turns. A rolling deployment knows the first one alone: with
the rule on the second, whoever deploys one next would cut everybody off (docs/pipeline.md, "From canary or blue-green
back to rolling"). One more deployment of what runs, all at once, turns it round.
"""

from __future__ import annotations

import time

from localcloud.console import LocalCloudError
from localcloud.rollout.snapshot import Snapshot
from localcloud.rollout.watch import Watch

PATIENCE = 300.0
"""Seconds that the deployment may take."""


def return_to_the_first_group() -> bool:
    """Whether there was anything to do. Raises LocalCloudError when the deployment does not succeed."""
    watch = Watch()
    if watch.look().groups[0].weight:
        return False
    watch.deploy_at_once()
    deadline = time.monotonic() + PATIENCE
    while not _is_back(watch.look()):
        if time.monotonic() > deadline:
            raise LocalCloudError(
                f"traffic is not back on the first target group after {PATIENCE:.0f} s",
                remedy="run make rollout once more before a rolling strategy is deployed",
            )
        time.sleep(1)
    return True


def _is_back(seen: Snapshot) -> bool:
    return bool(seen.groups[0].weight) and (seen.deployment is None or seen.deployment.over)
