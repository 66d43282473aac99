"""AWS Backup: vault policies, vault locks and restore testing, which MiniStack answers with empty defaults."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from ministack import app as ministack_app
from ministack.core.responses import get_account_id, get_region, new_uuid
from ministack.services import backup

from localcloud.emulator import stores

Record = dict[str, Any]

_policies = stores.store("vault_policies", service="backup")
_plans = stores.store("restore_testing_plans", service="backup")
_selections = stores.store("restore_testing_selections", service="backup")
_tags = stores.store("restore_testing_tags", service="backup")


class _MissingError(LookupError):
    pass


def install() -> None:
    stock = ministack_app.SERVICE_HANDLERS["backup"]

    async def handle(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
        for wanted, pattern, call in _ROUTES:
            match = re.fullmatch(pattern, path.rstrip("/"))
            if method == wanted and match:
                names = {key: unquote(value) for key, value in match.groupdict().items()}
                try:
                    return _ok(call(json.loads(body or b"{}"), **names))
                except _MissingError as error:
                    return backup._err("ResourceNotFoundException", str(error), 404)
        return await stock(method, path, headers, body, query)

    ministack_app.SERVICE_HANDLERS["backup"] = handle


def _ok(content: Record) -> Any:
    return 200, {"Content-Type": "application/json"}, json.dumps(content).encode()


def _vault(name: str) -> Record:
    found = backup._vaults.get(name)
    if found is None:
        raise _MissingError(f"Backup vault {name} not found")
    record: Record = found
    return record


def _put_policy(body: Record, name: str) -> Record:
    _vault(name)
    _policies[name] = body["Policy"]
    return {}


def _get_policy(_body: Record, name: str) -> Record:
    if name not in _policies:
        raise _MissingError(f"Backup vault {name} has no access policy")
    return {"BackupVaultName": name, "BackupVaultArn": _vault(name)["BackupVaultArn"], "Policy": _policies[name]}


def _delete_policy(_body: Record, name: str) -> Record:
    _policies.pop(name, None)
    return {}


def _put_lock(body: Record, name: str) -> Record:
    vault = _vault(name)
    vault["Locked"] = True
    for member in ("MinRetentionDays", "MaxRetentionDays"):
        if member in body:
            vault[member] = body[member]
    if "ChangeableForDays" in body:
        vault["LockDate"] = time.time() + int(body["ChangeableForDays"]) * 86400
    return {}


def _delete_lock(_body: Record, name: str) -> Record:
    vault = _vault(name)
    vault["Locked"] = False
    for member in ("MinRetentionDays", "MaxRetentionDays", "LockDate"):
        vault.pop(member, None)
    return {}


def _put_plan(body: Record) -> Record:
    plan = body["RestoreTestingPlan"]
    name = plan["RestoreTestingPlanName"]
    arn = (
        f"arn:aws:backup:{get_region()}:{get_account_id()}:restore-testing-plan:{name}-{new_uuid()}"
        if name not in _plans
        else _plans[name]["RestoreTestingPlanArn"]
    )
    _plans[name] = {**plan, "RestoreTestingPlanArn": arn, "CreationTime": time.time()}
    if body.get("Tags"):
        _tags[arn] = body["Tags"]
    return {"CreationTime": time.time(), "RestoreTestingPlanArn": arn, "RestoreTestingPlanName": name}


def _update_plan(body: Record, name: str) -> Record:
    if name not in _plans:
        raise _MissingError(f"Restore testing plan {name} not found")
    _plans[name] |= body["RestoreTestingPlan"]
    return {
        "CreationTime": _plans[name]["CreationTime"],
        "UpdateTime": time.time(),
        "RestoreTestingPlanArn": _plans[name]["RestoreTestingPlanArn"],
        "RestoreTestingPlanName": name,
    }


def _get_plan(_body: Record, name: str) -> Record:
    if name not in _plans:
        raise _MissingError(f"Restore testing plan {name} not found")
    return {"RestoreTestingPlan": _plans[name]}


def _delete_plan(_body: Record, name: str) -> Record:
    found = _plans.pop(name, None)
    if found:
        _tags.pop(found["RestoreTestingPlanArn"], None)
    return {}


def _put_selection(body: Record, plan: str) -> Record:
    selection = body["RestoreTestingSelection"]
    found = _get_plan({}, plan)["RestoreTestingPlan"]
    name = selection["RestoreTestingSelectionName"]
    _selections[f"{plan}/{name}"] = {
        "RestoreMetadataOverrides": {},
        **selection,
        "RestoreTestingPlanName": plan,
        "CreationTime": time.time(),
    }
    return {
        "CreationTime": time.time(),
        "RestoreTestingPlanArn": found["RestoreTestingPlanArn"],
        "RestoreTestingPlanName": plan,
        "RestoreTestingSelectionName": name,
    }


def _update_selection(body: Record, plan: str, name: str) -> Record:
    return _put_selection(
        {"RestoreTestingSelection": {**_selection(plan, name), **body["RestoreTestingSelection"]}}, plan
    )


def _selection(plan: str, name: str) -> Record:
    found = _selections.get(f"{plan}/{name}")
    if found is None:
        raise _MissingError(f"Restore testing selection {name} not found")
    record: Record = found
    return record


def _get_selection(_body: Record, plan: str, name: str) -> Record:
    return {"RestoreTestingSelection": _selection(plan, name)}


def _delete_selection(_body: Record, plan: str, name: str) -> Record:
    _selections.pop(f"{plan}/{name}", None)
    return {}


def _tags_of(_body: Record, arn: str) -> Record:
    return {"Tags": _tags.get(arn, {})}


_VAULT = r"/backup-vaults/(?P<name>[^/]+)"
_PLAN = r"/restore-testing/plans/(?P<name>[^/]+)"
_OF_PLAN = r"/restore-testing/plans/(?P<plan>[^/]+)/selections"
_ROUTES: list[tuple[str, str, Callable[..., Record]]] = [
    ("PUT", f"{_VAULT}/access-policy", _put_policy),
    ("GET", f"{_VAULT}/access-policy", _get_policy),
    ("DELETE", f"{_VAULT}/access-policy", _delete_policy),
    ("PUT", f"{_VAULT}/vault-lock", _put_lock),
    ("DELETE", f"{_VAULT}/vault-lock", _delete_lock),
    ("PUT", "/restore-testing/plans", _put_plan),
    ("GET", "/restore-testing/plans", lambda _body: {"RestoreTestingPlans": list(_plans.values())}),
    ("PUT", _PLAN, _update_plan),
    ("GET", _PLAN, _get_plan),
    ("DELETE", _PLAN, _delete_plan),
    ("PUT", _OF_PLAN, _put_selection),
    (
        "GET",
        _OF_PLAN,
        lambda _body, plan: {
            "RestoreTestingSelections": [s for s in _selections.values() if s["RestoreTestingPlanName"] == plan]
        },
    ),
    ("PUT", f"{_OF_PLAN}/(?P<name>[^/]+)", _update_selection),
    ("GET", f"{_OF_PLAN}/(?P<name>[^/]+)", _get_selection),
    ("DELETE", f"{_OF_PLAN}/(?P<name>[^/]+)", _delete_selection),
    ("GET", r"/tags/(?P<arn>arn(?::|%3A).*restore-testing-plan.*)", _tags_of),
]
