"""Lifecycle hooks: Lambda functions called at lifecycle stages, until they say how they fared.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/lambda-lifecycle-hooks.html
A function's answer or failure ends its hook; a call that Lambda did not take (throttled, unreachable) is made again.
"""

from __future__ import annotations

import json
import logging
import time
import uuid
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from localcloud.emulator.ecs_records import Record
from localcloud.emulator.service_deployments import planner
from localcloud.emulator.service_deployments.roles import acting_as

_log = logging.getLogger(__name__)

_CALL_BACK_SECONDS = 30.0
_TIMEOUT_MINUTES = 1440
_CALLS_TAKEN = 3
_RETRY_SECONDS = 2.0
_AT_ONCE = 8


class HookCaller:
    """Calls the hooks of all deployments. What it knows of a hook is in the deployment's record, under `_hooks`."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="localcloud-hook")
        self._calls: dict[str, Future[Record]] = {}

    def turn(self, record: Record, payload: Mapping[str, Any], *, region: str, ready: bool) -> planner.Hooks:
        """Call what is due if all is `ready` for it, and take what has come.

        `payload` is the event without the hook's own members.
        """
        stage = payload["lifecycleStage"]
        configured = record["deploymentConfiguration"].get("lifecycleHooks") or []
        hooks = [each for each in configured if stage in each.get("lifecycleStages", [])]
        states = [self._one(record, hook, number, payload, region, ready) for number, hook in enumerate(hooks)]
        failure = next((state["failure"] for state in states if state["status"] in ("FAILED", "TIMED_OUT")), "")
        return planner.Hooks(succeeded=all(state["status"] == "SUCCEEDED" for state in states), failure=failure)

    def _one(
        self, record: Record, hook: Record, number: int, payload: Mapping[str, Any], region: str, ready: bool
    ) -> Record:
        # Each call of a recurring stage is a run of its own.
        name = f"{record['status']}-{record['_move']}-{number}"
        state = record["_hooks"].setdefault(name, _new(hook))
        if state["status"] != "IN_PROGRESS":
            return dict(state)
        call = self._calls.get(state["hookId"])
        if call is None and ready and time.time() >= state["_next"]:
            event = {"executionId": state["hookId"], **payload}
            if state["_details"]:
                event["hookDetails"] = state["_details"]
            self._calls[state["hookId"]] = self._pool.submit(_call, hook, event, region)
        elif call is not None and call.done():
            del self._calls[state["hookId"]]
            _take(state, call.result())
        if state["status"] == "IN_PROGRESS" and time.time() > state["expiresAt"]:
            _time_out(state)
        return dict(state)


def shown(record: Record) -> list[Record]:
    """`lifecycleHookDetails` of DescribeServiceDeployments: the hooks of the move at hand."""
    prefix = f"{record['status']}-{record['_move']}-"
    current = [state for name, state in list(record["_hooks"].items()) if name.startswith(prefix)]
    names = ("hookId", "targetType", "targetArn", "status", "expiresAt", "timeoutAction")
    return [{name: state[name] for name in names} for state in current]


def _new(hook: Record) -> Record:
    timeout = hook.get("timeoutConfiguration") or {}
    now = time.time()
    return {
        "hookId": str(uuid.uuid4()),
        "targetType": "AWS_LAMBDA",
        "targetArn": hook["hookTargetArn"],
        "status": "IN_PROGRESS",
        "expiresAt": now + 60 * int(timeout.get("timeoutInMinutes") or _TIMEOUT_MINUTES),
        "timeoutAction": timeout.get("action") or "ROLLBACK",
        "failure": "",
        "_details": hook.get("hookDetails"),
        "_next": now,
        "_refused": 0,
    }


def _call(hook: Record, event: Mapping[str, Any], region: str) -> Record:
    """One call: {"answer": ...}, {"failure": ...} of the function, or {"refused": ...} by Lambda."""
    function = hook["hookTargetArn"]
    try:
        client = acting_as(hook.get("roleArn"), "lambda", region=region)
        answer = client.invoke(FunctionName=function, Payload=json.dumps(event).encode())
    except (ClientError, BotoCoreError) as error:
        _log.warning("hook %s: %s", function, error)
        return {"refused": str(error)}
    said = answer["Payload"].read().decode(errors="replace")
    if answer.get("FunctionError"):
        return {"failure": f"{answer['FunctionError']}: {said}"}
    try:
        return {"answer": json.loads(said)}
    except ValueError:
        return {"answer": said}


def _take(state: Record, outcome: Record) -> None:
    if "refused" in outcome:
        state["_refused"] += 1
        state["_next"] = time.time() + _RETRY_SECONDS
        if state["_refused"] >= _CALLS_TAKEN:
            _fail(state, outcome["refused"])
        return
    if "failure" in outcome:
        _fail(state, outcome["failure"])
        return
    answer = outcome["answer"] if isinstance(outcome["answer"], dict) else {}
    match answer.get("hookStatus"):
        case "SUCCEEDED":
            state["status"] = "SUCCEEDED"
        case "FAILED":
            _fail(state, json.dumps(answer))
        case "IN_PROGRESS":
            state["_refused"] = 0
            state["_next"] = time.time() + float(answer.get("callBackDelay") or _CALL_BACK_SECONDS)
            state["_details"] = {**(state["_details"] or {}), **(answer.get("hookDetails") or {})} or None
        case _:
            _fail(state, f"no hookStatus in its answer: {json.dumps(outcome['answer'])}")


def _fail(state: Record, why: str) -> None:
    name = state["targetArn"].rsplit(":", 1)[-1]
    state |= {"status": "FAILED", "failure": f"lifecycle hook {name} failed: {why}"}


def _time_out(state: Record) -> None:
    if state["timeoutAction"] == "CONTINUE":
        state["status"] = "SUCCEEDED"
        return
    name = state["targetArn"].rsplit(":", 1)[-1]
    state |= {"status": "TIMED_OUT", "failure": f"lifecycle hook {name} did not end in time"}
