"""What can be rehearsed: a version, what is done to the platform meanwhile, and what must come of it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass

from botocore.exceptions import ClientError

from localcloud import aws, supervision
from localcloud.rollout.record import Expectation
from localcloud.rollout.snapshot import Snapshot
from localcloud.rollout.versions import VERSIONS, Version
from localcloud.rollout.watch import Watch

Interference = Callable[[Snapshot, Watch], str]
"""Called with each look until it says what it did."""


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """`shielded`: hooks or health must keep the version away from everybody. `interferences` are done one after the
    other; where they hurt requests by their nature, the rehearsal is not `undisturbed` and failures are not judged."""

    name: str
    says: str
    version: Version
    expects: Expectation
    shielded: bool = False
    undisturbed: bool = True
    alarmed: bool = True
    strategies: tuple[str, ...] = ("canary", "blue_green")
    interferences: tuple[Interference, ...] = ()


def _shifting(snapshot: Snapshot) -> bool:
    """Whether both target groups get requests."""
    return sum(group.weight > 0 for group in snapshot.groups) > 1


def kill_runner(snapshot: Snapshot, watch: Watch) -> str:  # noqa: ARG001  (one signature for all)
    """SIGKILL to the task runner, in the middle of a shift; its tasks die with it, and supervisord starts another."""
    runner = next((state for state in supervision.states() if state.name == "runner"), None)
    if not _shifting(snapshot) or runner is None or not runner.pid:
        return ""
    os.kill(runner.pid, signal.SIGKILL)
    return f"the task runner (process {runner.pid}) was killed, and every task with it"


def ask_for_rollback(snapshot: Snapshot, watch: Watch) -> str:
    """An operator does not wait for the alarm."""
    if not _shifting(snapshot) or snapshot.deployment is None:
        return ""
    watch.stop(snapshot.deployment)
    return "an operator asked ECS to roll back (StopServiceDeployment)"


def cancel_stack_update(snapshot: Snapshot, watch: Watch) -> str:
    """While ECS is on its way back, CloudFormation is told to go back as well."""
    if snapshot.deployment is None or not snapshot.deployment.status.startswith("ROLLBACK"):
        return ""
    try:
        aws.client("cloudformation", watch.region).cancel_update_stack(StackName=watch.stack())
    except ClientError as error:
        return f"an operator cancelled the stack's update, which was refused: {error}"
    return "an operator cancelled the stack's update in the middle of the rollback"


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario(name="good", says="a good version", version=VERSIONS["good"], expects="takes over"),
        Scenario(
            name="bad-5xx",
            says="a version that answers 20 % of requests with 500",
            version=VERSIONS["5xx"],
            expects="goes back",
        ),
        Scenario(
            name="bad-slow",
            says="a version that takes five times as long to answer",
            version=VERSIONS["slow"],
            expects="goes back",
        ),
        Scenario(
            name="bad-leak",
            says="a version that leaks a database connection with each request",
            version=VERSIONS["leak"],
            expects="goes back",
        ),
        Scenario(
            name="bad-health",
            says="a version whose health check fails",
            version=VERSIONS["health"],
            expects="goes back",
            shielded=True,
        ),
        Scenario(
            name="bad-migration",
            says="a version whose migration fails",
            version=VERSIONS["migration"],
            expects="goes back",
            shielded=True,
        ),
        Scenario(
            name="bad-smoke",
            says="a healthy version whose smoke test fails",
            version=VERSIONS["smoke"],
            expects="goes back",
            shielded=True,
        ),
        Scenario(
            name="runner-killed",
            says="a good version, and the task runner is killed in the middle of the shift",
            version=VERSIONS["good"],
            expects="takes over",
            undisturbed=False,
            strategies=("canary",),
            interferences=(kill_runner,),
        ),
        Scenario(
            name="rollback-in-rollback",
            says="a bad version that is rolled back by hand, and again in the middle of that",
            version=VERSIONS["5xx"],
            expects="goes back",
            alarmed=False,
            strategies=("canary",),
            interferences=(ask_for_rollback, cancel_stack_update),
        ),
        Scenario(
            name="no-image",
            says="a change of scaling that does not touch the image",
            version=VERSIONS["no-image"],
            expects="stays",
            strategies=("canary",),
        ),
    )
}
