"""Carries service deployments out: looks, asks the planner, acts, every half second.

Everything it needs to know is in the records, so that the emulator may be killed at any moment: what was done and not
yet recorded is done again.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from localcloud.emulator import ecs_progress, internal
from localcloud.emulator.ecs_records import Record, UnknownRecordError, add_event_to, find_service, guard
from localcloud.emulator.service_deployments import (
    observation,
    planner,
    records,
    revisions,
    switching,
    traffic,
)
from localcloud.emulator.service_deployments.hooks import HookCaller
from localcloud.emulator.service_deployments.planner import Action, Decision, Move

_log = logging.getLogger(__name__)

_PERIOD_SECONDS = 0.5


class Driver:
    """One thread for the deployments of all services."""

    def __init__(self) -> None:
        self._hooks = HookCaller()
        self._thread = threading.Thread(target=self._run, name="localcloud-deployments", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def _run(self) -> None:
        while True:
            time.sleep(_PERIOD_SECONDS)
            for (_, region, _), record in records.store.all_items():
                if record["status"] in records.RUNNING:
                    self._attempt(record, region)

    def _attempt(self, record: Record, region: str) -> None:
        try:
            with internal.scope(region):
                self._turn(record, region)
        except (ClientError, traffic.ListenerRuleError) as error:
            with internal.scope(region):
                self._refused(record, str(error))
        except BotoCoreError as error:
            _log.warning("%s: %s", record["serviceDeploymentArn"], error)  # it is tried again
        except Exception:  # noqa: BLE001 - the other deployments must not suffer
            _log.exception("%s", record["serviceDeploymentArn"])

    def _turn(self, record: Record, region: str) -> None:
        try:
            service = find_service(record["clusterArn"], record["serviceArn"])
        except UnknownRecordError:
            service = {"status": "INACTIVE", "serviceName": "?", "events": []}
        if service["status"] != "ACTIVE":
            with guard:
                records.end(record, service, "STOPPED", "The service was deleted.")
            return
        if record["status"] == "PENDING":
            self._start(record, service, region)
        alarms = self._alarms(record, region)
        if records.is_rolling(record):
            _watch_rolling(record, service, alarms)
            return
        if record["status"] == "ROLLBACK_REQUESTED":
            self._go_back(record, service, record["statusReason"])
        self._go_on(record, service, region, alarms)

    def _start(self, record: Record, service: Record, region: str) -> None:
        """Alarms that are in ALARM already switch the watch off for the whole deployment.

        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html
        """
        given = record["deploymentConfiguration"].get("alarms") or {}
        names = list(given.get("alarmNames") or [])
        watched = bool(given.get("enable") and names and record["_source"])
        already = observation.alarms_in_alarm(names, region=region) if watched else []
        bake = observation.alarm_bake(names, region=region) if watched and not already else 0.0
        if records.is_rolling(record) and record["_others"]:
            self._shift(record, service, Action.SHIFT_PRODUCTION, 100.0, region)
        with guard:
            if record["status"] != "PENDING":
                return
            record |= {"status": "IN_PROGRESS", "startedAt": time.time(), "_alarm_bake": bake}
            record["alarms"] = {
                "status": "MONITORING" if watched and not already else "DISABLED",
                "alarmNames": names,
                "triggeredAlarmNames": [],
            }
            if already:
                _say(service, f"alarms are not watched during this deployment: {', '.join(already)} in ALARM already")
            records.touch()

    def _alarms(self, record: Record, region: str) -> tuple[str, ...]:
        """The watched alarms that are in ALARM."""
        watched = record.get("alarms") or {}
        if watched.get("status") != "MONITORING" or record["status"] != "IN_PROGRESS":
            return ()
        try:
            return tuple(observation.alarms_in_alarm(watched["alarmNames"], region=region))
        except ClientError as error:
            _log.warning("alarms of %s: %s", record["serviceDeploymentArn"], error)
            return ()

    # ---- blue/green, canary, linear ----

    def _go_on(self, record: Record, service: Record, region: str, alarms: tuple[str, ...]) -> None:
        """As many moves as can be done now."""
        status = record["status"]
        back = status == "ROLLBACK_IN_PROGRESS"
        moves = records.way(record)
        while record["_move"] < len(moves):
            move = moves[record["_move"]]
            if not _enter(record, service, moves, status=status):
                return
            decision = planner.decide(move, self._look(record, service, move, region, alarms), rolling_back=back)
            if decision.failure:
                self._failed(record, service, decision, alarms)
                if record["status"] == "ROLLBACK_IN_PROGRESS" and not back:
                    self._go_on(record, service, region, ())
                return
            if not decision.done:
                return
            if move.action in (Action.SHIFT_PRODUCTION, Action.SHIFT_TEST):
                self._shift(record, service, move.action, move.percent, region)
            with guard:
                if record["status"] != status:
                    return
                now = time.time()
                record |= {"_move": record["_move"] + 1, "_since": now, "updatedAt": now}
                records.touch()
        switching.finish(record, service)

    def _look(self, record: Record, service: Record, move: Move, region: str, alarms: tuple[str, ...]) -> planner.Seen:
        with guard:
            others = [observation.tasks(service, each) for each in record["_others"]]
            seen = planner.Seen(
                now=time.time(),
                since=record["_since"],
                target=observation.tasks(service, record["_target"]),
                source=observation.tasks(service, record["_source"]) if record["_source"] else None,
                others=planner.Tasks(
                    healthy=sum(each.healthy for each in others), live=sum(each.live for each in others)
                ),
                alarms=alarms,
                arrived=observation.test_traffic_arrived(service, record["_target"]),
            )
        if move.action is not Action.CALL_HOOKS:
            return seen
        # Nothing is asked of tasks that died: they are replaced first.
        ready = seen.target.steady or record["status"] == "ROLLBACK_IN_PROGRESS"
        hooks = self._hooks.turn(record, _event(record, service, move), region=region, ready=ready)
        return replace(seen, hooks=hooks)

    def _shift(self, record: Record, service: Record, action: Action, percent: float, region: str) -> None:
        kind, name = (traffic.PRODUCTION, "production") if action is Action.SHIFT_PRODUCTION else (traffic.TEST, "test")
        target = revisions.store[revisions.arn_of(service, record["_target"])]
        source = revisions.store.get(revisions.arn_of(service, record["_source"])) if record["_source"] else None
        traffic.shift(kind, percent, target=target, source=source, region=region)
        with guard:
            record["_weights"] = {**record["_weights"], name: percent}
            _say(service, f"{percent:g} % of {name} traffic goes to {record['_target']}")
            records.touch()

    def _failed(self, record: Record, service: Record, decision: Decision, alarms: tuple[str, ...]) -> None:
        with guard:
            if decision.by_alarm:
                record["alarms"] |= {"status": "TRIGGERED", "triggeredAlarmNames": list(alarms)}
            if record["status"] == "ROLLBACK_IN_PROGRESS":
                records.end(record, service, "ROLLBACK_FAILED", decision.failure)
            elif record["_source"] is None:
                switching.give_up(record, service, decision.failure)
            elif decision.by_alarm and not record["deploymentConfiguration"]["alarms"].get("rollback"):
                records.end(record, service, "STOPPED", decision.failure)
            else:
                self._go_back(record, service, decision.failure)

    def _go_back(self, record: Record, service: Record, reason: str) -> None:
        with guard:
            if record["_source"] is None:
                switching.give_up(record, service, reason)
            else:
                switching.go_back(record, service, reason)

    def _refused(self, record: Record, reason: str) -> None:
        """A listener rule could not be changed: without the right to, a rollback cannot either."""
        _log.warning("%s: %s", record["serviceDeploymentArn"], reason)
        service = find_service(record["clusterArn"], record["serviceArn"])
        if records.is_rolling(record):
            with guard:
                records.end(record, service, "STOPPED", reason)
        else:
            self._failed(record, service, Decision(failure=reason), ())


def _enter(record: Record, service: Record, moves: tuple[Move, ...], *, status: str) -> bool:
    """Show the stage and want the tasks of the move at hand; false when somebody else changed the deployment."""
    with guard:
        if record["status"] != status:
            return False
        move = moves[record["_move"]]
        if record.get("lifecycleStage") != move.stage:
            record |= {"lifecycleStage": move.stage, "updatedAt": time.time()}
            _say(service, f"service deployment has reached {move.stage}")
            records.touch()
        switching.want_tasks(record, service, moves)
        return True


def _watch_rolling(record: Record, service: Record, alarms: tuple[str, ...]) -> None:
    given: dict[str, Any] = record["deploymentConfiguration"].get("alarms") or {}
    where = (record["clusterArn"], record["serviceArn"], record["_target"])
    if alarms:
        with guard:
            record["alarms"] |= {"status": "TRIGGERED", "triggeredAlarmNames": list(alarms)}
        reason = f"CloudWatch alarm in ALARM: {', '.join(alarms)}"
        ecs_progress.fail_deployment(*where, reason, roll_back=bool(given.get("rollback")))
    elif record["status"] == "ROLLBACK_REQUESTED":
        ecs_progress.fail_deployment(*where, record["statusReason"], roll_back=True)
    elif record["status"] == "ROLLBACK_IN_PROGRESS" and _is_back(service, record):
        with guard:
            records.end(record, service, "ROLLBACK_SUCCESSFUL", record["statusReason"])


def _is_back(service: Record, record: Record) -> bool:
    return any(
        each["id"] == record["_source"] and each["status"] == "PRIMARY" and each["rolloutState"] == "COMPLETED"
        for each in service["deployments"]
    )


def _event(record: Record, service: Record, move: Move) -> dict[str, Any]:
    """The event of a hook, without what is the hook's own.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/lambda-lifecycle-hooks.html (Lifecycle payloads)
    """
    shares: dict[str, dict[str, float]] = {"testTrafficWeights": {}, "productionTrafficWeights": {}}
    kind = {"TEST": "test", "PRODUCTION": "production", "PRE_PRODUCTION": "production"}.get(
        move.point.removesuffix("_TRAFFIC_SHIFT")
    )
    if kind and move.point.endswith("_TRAFFIC_SHIFT"):
        percent = record["_weights"][kind]
        shares[f"{kind}TrafficWeights"] = {revisions.arn_of(service, record["_target"]): percent}
        if record["_source"]:
            shares[f"{kind}TrafficWeights"][revisions.arn_of(service, record["_source"])] = 100.0 - percent
    return {
        "lifecycleStage": move.point,
        "resourceArn": record["serviceDeploymentArn"],
        "executionDetails": {
            "serviceArn": record["serviceArn"],
            "targetServiceRevisionArn": revisions.arn_of(service, record["_target"]),
            **shares,
        },
    }


def _say(service: Record, message: str) -> None:
    add_event_to(service, f"(service {service['serviceName']}) {message}")


driver = Driver()
