"""AWS Backup: vaults with policy and lock, selections, restore testing."""

# ruff: noqa: ARG002 - the signatures are those of registry.Handler.
from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ministack.services import backup

from localcloud.emulator import coercion
from localcloud.emulator.internal import client
from localcloud.emulator.registry import Completion, Handler, Properties, Provisioned, Wanted, resource


@resource("AWS::Backup::BackupVault")
class BackupVault(Completion):
    """Upstream keeps a vault's name, key and tags only."""

    def complete(self, ref: str, before: Properties, wanted: Wanted) -> Mapping[str, Any]:
        calls = client("backup")
        policy = wanted.properties.get("AccessPolicy")
        if policy:
            text = policy if isinstance(policy, str) else json.dumps(policy)
            calls.put_backup_vault_access_policy(BackupVaultName=ref, Policy=text)
        elif before.get("AccessPolicy"):
            calls.delete_backup_vault_access_policy(BackupVaultName=ref)
        lock = wanted.properties.get("LockConfiguration")
        if lock:
            request = coercion.to_input("backup", "PutBackupVaultLockConfiguration", {**lock, "BackupVaultName": ref})
            calls.put_backup_vault_lock_configuration(**request)
        elif before.get("LockConfiguration"):
            calls.delete_backup_vault_lock_configuration(BackupVaultName=ref)
        if wanted.properties.get("Notifications"):
            raise ValueError("Notifications of a backup vault are not available in the local cloud")
        return {}

    def delete(self, ref: str, properties: Properties) -> None:
        client("backup").delete_backup_vault_access_policy(BackupVaultName=ref)
        super().delete(ref, properties)


@resource("AWS::Backup::BackupPlan")
class BackupPlan(Completion):
    """Upstream writes a plan's rules in the template's words; the API has its own for a few."""

    def complete(self, ref: str, before: Properties, wanted: Wanted) -> Mapping[str, Any]:
        plan = coercion.to_shape("backup", "BackupPlanInput", wanted.properties["BackupPlan"], rename=_PLAN_WORDS)
        record = backup._plans[ref]
        record["BackupPlan"] = plan
        return {}


_PLAN_WORDS = {
    "BackupPlanRule": "Rules",
    "TargetBackupVault": "TargetBackupVaultName",
    # The API's own (mis)spelling has the template's words for the rest.
}


@resource("AWS::Backup::BackupSelection")
class BackupSelection(Handler):
    """Ref is the selection's ID, a bar and the plan's ID."""

    def create(self, wanted: Wanted) -> Provisioned:
        request = coercion.to_input("backup", "CreateBackupSelection", wanted.properties)
        made = client("backup").create_backup_selection(**request)
        ref = f"{made['SelectionId']}_{made['BackupPlanId']}"
        return Provisioned(
            ref=ref,
            attributes={"Id": ref, "SelectionId": made["SelectionId"], "BackupPlanId": made["BackupPlanId"]},
        )

    def delete(self, ref: str, properties: Properties) -> None:
        selection, plan = ref.split("_", 1)
        client("backup").delete_backup_selection(SelectionId=selection, BackupPlanId=plan)


@resource("AWS::Backup::RestoreTestingPlan")
class RestoreTestingPlan(Handler):
    immutable = frozenset({"RestoreTestingPlanName"})

    def create(self, wanted: Wanted) -> Provisioned:
        plan = coercion.to_shape("backup", "RestoreTestingPlanForCreate", _without_tags(wanted.properties))
        tags = {str(tag["Key"]): str(tag["Value"]) for tag in wanted.properties.get("Tags", [])}
        made = client("backup").create_restore_testing_plan(RestoreTestingPlan=plan, **({"Tags": tags} if tags else {}))
        return _plan(made)

    def update(self, ref: str, before: Properties, wanted: Wanted) -> Provisioned:
        plan = coercion.to_shape(
            "backup",
            "RestoreTestingPlanForUpdate",
            {k: v for k, v in _without_tags(wanted.properties).items() if k != "RestoreTestingPlanName"},
        )
        return _plan(client("backup").update_restore_testing_plan(RestoreTestingPlanName=ref, RestoreTestingPlan=plan))

    def delete(self, ref: str, properties: Properties) -> None:
        client("backup").delete_restore_testing_plan(RestoreTestingPlanName=ref)


def _without_tags(properties: Properties) -> dict[str, Any]:
    return {name: value for name, value in properties.items() if name != "Tags"}


def _plan(made: Mapping[str, Any]) -> Provisioned:
    return Provisioned(
        ref=made["RestoreTestingPlanName"], attributes={"RestoreTestingPlanArn": made["RestoreTestingPlanArn"]}
    )


@resource("AWS::Backup::RestoreTestingSelection")
class RestoreTestingSelection(Handler):
    """Ref is the plan's name and the selection's."""

    immutable = frozenset({"RestoreTestingPlanName", "RestoreTestingSelectionName", "ProtectedResourceType"})

    def create(self, wanted: Wanted) -> Provisioned:
        plan = wanted.properties["RestoreTestingPlanName"]
        selection = coercion.to_shape(
            "backup",
            "RestoreTestingSelectionForCreate",
            {name: value for name, value in wanted.properties.items() if name != "RestoreTestingPlanName"},
        )
        client("backup").create_restore_testing_selection(
            RestoreTestingPlanName=plan, RestoreTestingSelection=selection
        )
        return Provisioned(ref=f"{plan}|{selection['RestoreTestingSelectionName']}")

    def update(self, ref: str, before: Properties, wanted: Wanted) -> Provisioned:
        return self.create(wanted)

    def delete(self, ref: str, properties: Properties) -> None:
        plan, name = ref.split("|")
        client("backup").delete_restore_testing_selection(RestoreTestingPlanName=plan, RestoreTestingSelectionName=name)
