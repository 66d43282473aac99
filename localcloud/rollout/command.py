"""`make rollout`: from the deployed platform to a judgement of one or more rehearsed rollouts."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from localcloud import commands, layout
from localcloud.console import LocalCloudError, Steps
from localcloud.rollout import source, versions
from localcloud.rollout.home import return_to_the_first_group
from localcloud.rollout.judge import judge
from localcloud.rollout.report.page import as_html
from localcloud.rollout.report.summary import Judged, as_json
from localcloud.rollout.report.table import as_text
from localcloud.rollout.run import Run, release_now
from localcloud.rollout.scenarios import Scenario
from localcloud.rollout.source import Strategy
from localcloud.rollout.watch import Watch

OUTPUT = layout.REPOSITORY / "out" / "rollout"

ALARM_PATIENCE = 300.0
"""Seconds that alarms of an earlier rehearsal have to be OK again: a rollout that starts under an alarm has none."""

_STRATEGY_NAMES = {"rolling": "ROLLING", "blue_green": "BLUE_GREEN", "canary": "CANARY"}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Rehearsals to make, one after the other; `env` is brought up where nothing runs.

    Unless `prepare`, a strategy comes with the first version that rolls by it.
    """

    rehearsals: Sequence[tuple[Scenario, Strategy]]
    env: str
    rate: float
    output: Path = OUTPUT
    prepare: bool = True


def rehearse(plan: Plan) -> int:
    """Rehearse, report, judge; 0 when everything held. Raises LocalCloudError when a rehearsal cannot be made."""
    env = commands.up_if_down(env=plan.env)
    judged: list[Judged] = []
    for number, (scenario, strategy) in enumerate(plan.rehearsals, start=1):
        print(f"\n{number} of {len(plan.rehearsals)}: {scenario.name}, {strategy.name}: {scenario.says}")
        print(f"   {source.command(env=env, strategy=strategy)}")
        if plan.prepare:
            _prepare(env, strategy)
        _wait_for_alarms()
        original = layout.REPOSITORY if scenario.version.module else _kept()
        run = Run(scenario=scenario, strategy=strategy, env=env, rate=plan.rate, folder=_next(), original=original)
        record = run.run()
        judged.append(Judged(record=record, checks=tuple(judge(record))))
        if scenario.expects != "goes back" and not record.cli_error:
            _keep()
        print(as_text(judged[-1:]), flush=True)
        _write(judged, plan, env)
    with Steps().step("traffic back on the first target group"):
        return_to_the_first_group()
    if len(judged) > 1:
        print(as_text(judged))
    ok = all(one.ok for one in judged)
    print(f"\n{'Everything held' if ok else 'Something did not hold'}; the report: {plan.output / 'index.html'}")
    return 0 if ok else 1


def _next() -> Path:
    return layout.folder("rollout") / "next"


def _kept() -> Path:
    """The source of what is deployed, as far as a rehearsal deployed it."""
    return layout.folder("rollout") / "deployed"


def _strategy_file() -> Path:
    return layout.folder("rollout") / "strategy.json"


def _keep() -> None:
    shutil.rmtree(_kept(), ignore_errors=True)
    _next().rename(_kept())


def _prepare(env: str, strategy: Strategy) -> None:
    """The strategy is in force, whatever version is deployed."""
    known = _kept().exists() and source.release_in(_kept()) == release_now()
    if not known:
        versions.check_out(None, env=env, folder=_kept())
    said = json.dumps(strategy.context)
    in_force = _strategy_file().exists() and _strategy_file().read_text() == said
    if not (known and in_force and Watch().strategy() == _STRATEGY_NAMES[strategy.name]):
        _wait_for_alarms()
        with Steps().step(f"cdk deploy of what runs now, with the strategy {strategy.name}"):
            source.deploy(_kept(), env=env, strategy=strategy)
        layout.write_private(_strategy_file(), said)


def _wait_for_alarms() -> None:
    watch = Watch()
    deadline = time.monotonic() + ALARM_PATIENCE
    with Steps().step("no alarm speaks"):
        while speaking := watch.speaking():
            if time.monotonic() > deadline:
                raise LocalCloudError(
                    f"still in ALARM: {', '.join(speaking)}", remedy="see why (make logs), or wait, and run this again"
                )
            time.sleep(2)


def _write(judged: Sequence[Judged], plan: Plan, env: str) -> None:
    plan.output.mkdir(parents=True, exist_ok=True)
    summary = as_json(judged, env=env, rate=plan.rate)
    (plan.output / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    (plan.output / "index.html").write_text(as_html(judged, env=env, at=datetime.now(UTC)))
