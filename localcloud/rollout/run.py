"""Carries out one rehearsal: load, deployment, watch, interference, and the look at what is left."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import httpx2
from botocore.exceptions import BotoCoreError, ClientError

from localcloud import commands, demo
from localcloud.console import LocalCloudError
from localcloud.rollout import judge, source, versions
from localcloud.rollout.load.traffic import Traffic
from localcloud.rollout.load.user import RELEASE_HEADER
from localcloud.rollout.record import Event, Record, Rest
from localcloud.rollout.scenarios import Interference, Scenario
from localcloud.rollout.snapshot import Snapshot
from localcloud.rollout.source import Strategy
from localcloud.rollout.terminal import line
from localcloud.rollout.watch import Watch

BEFORE, AFTER = 15.0, 15.0
"""Seconds of load before the deployment begins and after it has ended."""

REST_PATIENCE = 120.0
"""Seconds until nothing moves any more after the CLI has ended: what is drained may take its deregistration delay."""


class Run:
    """One rehearsal of `scenario` with `strategy`, at `rate` actions a second.

    The version is made of the source in `original`, in `folder`.
    """

    def __init__(
        self, *, scenario: Scenario, strategy: Strategy, env: str, rate: float, folder: Path, original: Path
    ) -> None:
        self._scenario = scenario
        self._strategy = strategy
        self._env = env
        self._folder = folder
        self._original = original
        self._watch = Watch()
        self._traffic = Traffic(url=commands.web_url(), rate=rate)
        self._interferences: list[Interference] = list(scenario.interferences)
        self._snapshots: list[Snapshot] = []
        self._events: list[Event] = []

    def run(self) -> Record:
        """The whole of it, some minutes. Raises LocalCloudError when the load cannot begin."""
        old = release_now()
        versions.check_out(self._scenario.version, env=self._env, folder=self._folder, source=self._original)
        self._traffic.start()
        try:
            return self._under_load(old)
        finally:
            self._traffic.close()

    def _under_load(self, old: str) -> Record:
        began = time.time()
        self._look(began + BEFORE)
        before = self._snapshots[0]
        self._tell(f"cdk deploy of {self._scenario.says}")
        deployed = time.time()
        with ThreadPoolExecutor(1, thread_name_prefix="cdk") as pool:
            deploy = pool.submit(source.deploy, self._folder, env=self._env, strategy=self._strategy)
            self._look(deploy)
        said = str(error) if (error := deploy.exception()) else ""
        if error is not None and not isinstance(error, LocalCloudError):
            raise error
        self._tell("cdk deploy failed" if said else "cdk deploy is done")
        self._look(time.time() + AFTER)
        ended = time.time()
        self._traffic.stop()
        self._traffic.reconcile()
        rest = self._rest()
        ledger = self._traffic.ledger
        alarms = self._watch.alarm_times(self._alarms(), since=deployed)
        return Record(
            scenario=self._scenario.name,
            says=self._scenario.says,
            strategy=self._strategy.name,
            expects=self._scenario.expects,
            shielded=self._scenario.shielded,
            undisturbed=self._scenario.undisturbed,
            alarmed=self._scenario.alarmed,
            canary_percent=self._watch.canary_percent(),
            old_release=old,
            new_release=source.release_in(self._folder),
            old_task_definition=before.primary,
            began=began,
            deployed=deployed,
            ended=ended,
            answers=tuple(self._traffic.answers),
            snapshots=tuple(self._snapshots),
            events=tuple(sorted([*self._events, *_of_alarms(alarms)], key=lambda event: event.at)),
            promised=len(ledger),
            states=ledger.counts(),
            lost=tuple(ledger.unread()),
            rest=rest,
            alarm_at=min(alarms.values(), default=None),
            cli_error=said,
        )

    def _look(self, until: float | Future[None]) -> None:
        """Look and print once a second."""
        while not (until.done() if isinstance(until, Future) else time.time() >= until):
            started = time.monotonic()
            try:
                snapshot = self._watch.look()
            except (BotoCoreError, ClientError) as error:
                print(f"          the AWS API does not answer: {error}", flush=True)
            else:
                self._note(snapshot)
                self._snapshots.append(snapshot)
                print(line(snapshot, self._traffic.answers, since=self._snapshots[0].at), flush=True)
                self._interfere(snapshot)
            time.sleep(max(0.0, 1 - (time.monotonic() - started)))

    def _note(self, snapshot: Snapshot) -> None:
        """Events that two looks in a row show."""
        last = self._snapshots[-1].deployment if self._snapshots else None
        now = snapshot.deployment
        if now is None or last is None:
            return
        if now.stage != last.stage and now.stage:
            self._tell(f"ECS: {now.stage}")
        if now.status != last.status or now.arn != last.arn:
            self._tell(f"ECS: {now.status}{': ' if now.reason else ''}{now.reason}")

    def _interfere(self, snapshot: Snapshot) -> None:
        if not self._interferences:
            return
        try:
            did = self._interferences[0](snapshot, self._watch)
        except ClientError as error:
            did = f"an interference was refused: {error}"
        if did:
            self._tell(did)
            del self._interferences[0]

    def _rest(self) -> Rest:
        """What is left, once it is one version or the patience is over."""
        deadline = time.monotonic() + REST_PATIENCE
        while True:
            try:
                rest = self._watch.rest()
                if not judge.faults_of(rest) or time.monotonic() > deadline:
                    return rest
            except (BotoCoreError, ClientError):
                if time.monotonic() > deadline:
                    raise
            time.sleep(1)

    def _alarms(self) -> tuple[str, ...]:
        return tuple(sorted({name for snapshot in self._snapshots for name in snapshot.alarms}))

    def _tell(self, text: str) -> None:
        self._events.append(Event(at=time.time(), text=text))
        print(f"          {text}", flush=True)


def release_now() -> str:
    """The release that answers now. Raises LocalCloudError when it does not say so."""
    try:
        answer = httpx2.get(f"{commands.web_url()}/", verify=demo.trust(), timeout=15)
    except httpx2.HTTPError as error:
        raise LocalCloudError(f"the application does not answer: {error}", remedy="run: make status") from error
    release = answer.headers.get(RELEASE_HEADER, "")
    if not release:
        raise LocalCloudError(f"the application does not say {RELEASE_HEADER}", remedy="run: make up")
    return str(release)


def _of_alarms(alarms: dict[str, float]) -> list[Event]:
    return [Event(at=at, text=f"alarm {name}") for name, at in alarms.items()]
