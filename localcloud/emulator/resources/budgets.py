# ruff: noqa: ARG002 - the signatures are those of registry.Handler.
"""Budgets, with who is told about them."""

from __future__ import annotations

from typing import Any

from ministack.core.responses import get_account_id

from localcloud.emulator import coercion
from localcloud.emulator.internal import client
from localcloud.emulator.registry import Handler, Properties, Provisioned, Wanted, resource


@resource("AWS::Budgets::Budget")
class Budget(Handler):
    """Subscribers cannot be changed: another budget takes the place of the one before. Ref is the name."""

    immutable = frozenset({"NotificationsWithSubscribers"})

    def create(self, wanted: Wanted) -> Provisioned:
        request = _request("CreateBudget", wanted)
        client("budgets").create_budget(**request)
        return Provisioned(ref=request["Budget"]["BudgetName"])

    def update(self, ref: str, before: Properties, wanted: Wanted) -> Provisioned:
        budget = _request("CreateBudget", wanted)["Budget"]
        if budget["BudgetName"] != ref:
            return self.create(wanted)
        client("budgets").update_budget(AccountId=get_account_id(), NewBudget=budget)
        return Provisioned(ref=ref)

    def delete(self, ref: str, properties: Properties) -> None:
        client("budgets").delete_budget(AccountId=get_account_id(), BudgetName=ref)


def _request(operation: str, wanted: Wanted) -> dict[str, Any]:
    budget = dict(wanted.properties["Budget"])
    budget.setdefault("BudgetName", wanted.physical_name(max_length=100))
    return coercion.to_input(
        "budgets", operation, {**wanted.properties, "Budget": budget, "AccountId": get_account_id()}
    )
