"""The loss and the recovery, step by step, while clients go on trying."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime

import psutil

from localcloud import commands
from localcloud.drill.faults import books, parts
from localcloud.drill.faults.client import Book
from localcloud.drill.faults.fault import Scene
from localcloud.drill.faults.openai import Engine
from localcloud.drill.faults.operations import let_in
from localcloud.drill.platform import Platform
from localcloud.drill.recovery import instances
from localcloud.drill.recovery.clock import Clock
from localcloud.drill.region import judge, loss, runbook, silence
from localcloud.drill.region.judge import Outcome, Promises
from localcloud.drill.region.record import Record
from localcloud.drill.region.runbook import Backup
from localcloud.drill.region.session import Session
from localcloud.ledger import entries, stored
from localcloud.ledger.check import READ
from localcloud.rollout.load.traffic import Traffic

_SHORTEST, _LONGEST = 20.0, 120.0
"""Seconds of load after the log was sent off last; how many of them is drawn by lot."""

_AFTERWARDS = 45.0
"""Seconds of load on the second region once it is whole."""

_PATIENCE = 900.0
"""Seconds in which the second region has to be whole once it is deployed."""


@dataclass(frozen=True, kw_only=True)
class Load:
    """Clients that go on whatever happens, and what they were promised."""

    book: Book
    engine: Engine
    traffic: Traffic


@dataclass(frozen=True, kw_only=True)
class _Lost:
    """`moment` of the loss (Unix time), the processes that were `killed`, what the region `had`, how many `tasks` of
    each service ran, and `somebody` who had logged in there."""

    moment: float
    tasks: Mapping[str, int]
    killed: Sequence[psutil.Process]
    had: silence.Noted
    somebody: Session


@dataclass(kw_only=True)
class Run:
    """One drill, of the platform in its first region."""

    platform: Platform
    second: str
    promises: Promises
    load: Load
    seed: int

    def __post_init__(self) -> None:
        self._clock = Clock()
        self._chance = random.Random(self.seed)  # noqa: S311

    def run(self) -> Record:
        """All of it. Raises LocalCloudError where a step of the runbook cannot be carried out."""
        began, env = datetime.now(UTC), self.platform.env
        lost = self._lose()
        with self._clock.step("1. the copies of the secrets become independent"):
            secrets = runbook.free_secrets(env, self.second)
        with self._clock.step("2. find the database's replicated backup"):
            backup = runbook.find_backup(env, self.second)
        with self._clock.step(f"3. cdk deploy --all -c env={env} -c region={self.second} -c restore=…"):
            runbook.deploy(env, self.second, backup)
        recovered = Platform.find(env)
        with self._clock.step("4. migrate, where the deployment has not done so"):
            runbook.migrate(recovered)
        with self._clock.step("6. as many tasks run as before, and a new receipt is read"):
            whole = self._wait_until_whole(recovered, lost)
        with self._clock.step("clients go on, served by the second region"):
            time.sleep(_AFTERWARDS)
        self.load.traffic.stop()
        with self._clock.step("everything acknowledged is read"):
            books.settle(Scene(platform=recovered, engine=self.load.engine, book=self.load.book, chance=self._chance))
        outcome = self._judged(recovered, lost, backup, whole)
        self.load.traffic.close()
        self.load.book.ledger.close()
        return Record(
            env=env,
            first=self.platform.region,
            second=self.second,
            began=began,
            loss=lost.moment,
            latest=backup.latest,
            secrets=secrets,
            killed=len(lost.killed),
            clock=self._clock,
            outcome=outcome,
        )

    def _lose(self) -> _Lost:
        """Clients come and write; then the region is gone."""
        with self._clock.step("a base backup of the database, as each day has one"):
            instances.snapshot(self.platform)
        with self._clock.step("tasks that know the way to the drill's OpenAI"):
            let_in(self.platform)
        had, somebody = silence.note(self.platform), Session(commands.web_url())
        self.load.traffic.start()
        with self._clock.step("clients write, until the database's log has been sent off"):
            instances.wait_until_restorable(self.platform, time.time() + 10)
        with self._clock.step("clients go on for a while"):
            time.sleep(self._chance.uniform(_SHORTEST, _LONGEST))
        tasks = _tasks(self.platform)
        with self._clock.step(f"everything of {self.platform.region} is lost"):
            moment, killed = loss.lose(self.platform.region)
        return _Lost(moment=moment, tasks=tasks, killed=killed, had=had, somebody=somebody)

    def _wait_until_whole(self, platform: Platform, lost: _Lost) -> float | None:
        """Seconds from the loss until as many tasks of each service ran as before it and the first receipt that was
        sent afterwards had been read; None when there is no patience left."""
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            sent = [each.receipt for each in entries.read(self.load.book.ledger.path) if each.asked > lost.moment]
            with closing(platform.database(dbname=platform.database_name)) as link:
                read = [row for row in stored.receipts(link, sent).values() if row.state in READ]
            now = _tasks(platform)
            if read and all(now[name] >= count for name, count in lost.tasks.items()):
                return time.time() - lost.moment
            time.sleep(1)
        return None

    def _judged(self, platform: Platform, lost: _Lost, backup: Backup, whole: float | None) -> Outcome:
        with closing(platform.database(dbname=platform.database_name)) as link:
            rows, calls = stored.receipts(link), stored.calls(link)
        asked, refused = silence.ask(lost.had)
        return Outcome(
            promises=self.promises,
            clients=judge.clients(self.load.traffic.answers, lost.moment),
            kept=judge.kept(
                entries.read(self.load.book.ledger.path),
                loss=lost.moment,
                latest=backup.latest,
                rows=rows,
                objects=books.objects(platform),
                calls=calls,
                bill=self.load.engine.bill(),
                doubtful=self.load.book.doubtful,
            ),
            whole=whole,
            asked=asked,
            refused=refused,
            alive=sum(parts.lives(process) for process in lost.killed),
            served=silence.serves(lost.had, platform),
            logged_in=lost.somebody.goes_on(),
        )


def _tasks(platform: Platform) -> dict[str, int]:
    """How many healthy tasks each service has."""
    running = {service["name"]: int(service["running"]) for service in parts.runner()["services"]}
    return {name: running.get(platform.service(name), 0) for name in ("web", "worker", "beat")}
