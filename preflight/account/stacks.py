"""Stacks in a state in which CloudFormation takes no update, and alarms that would stop or escape a rollout."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.account.answer import Answer, failed, passed
from preflight.account.api import Account
from preflight.account.registry import check
from preflight.assembly import Assembly, Stack

STUCK = {
    "ROLLBACK_COMPLETE": "delete the stack (aws cloudformation delete-stack), then deploy again",
    "ROLLBACK_FAILED": "delete the stack (aws cloudformation delete-stack), then deploy again",
    "CREATE_FAILED": "delete the stack (aws cloudformation delete-stack), then deploy again",
    "DELETE_FAILED": "see the stack's events for what could not be deleted, remove that, and delete the stack again",
    "UPDATE_ROLLBACK_FAILED": "mend what the events name, then aws cloudformation continue-update-rollback "
    "(--resources-to-skip for what cannot be mended)",
    "UPDATE_FAILED": "aws cloudformation rollback-stack, or deploy a template that goes through",
    "IMPORT_ROLLBACK_FAILED": "see the stack's events; AWS Support may have to help",
}
BUSY = "wait until the operation has ended (aws cloudformation wait …), or cancel it"


@check("stack-state", title="No stack is in a state that refuses the next deploy", constraints=(134,))
def states(account: Account, assembly: Assembly) -> Iterator[Answer]:
    def one(stack: Stack) -> Iterator[Answer]:
        found = account.ask(
            "cloudformation",
            "DescribeStacks",
            region=account.region(stack),
            absent=("ValidationError",),
            StackName=stack.name,
        )
        described = (found or {}).get("Stacks", [])
        status = str(described[0].get("StackStatus", "")) if described else "not there yet"
        if status in STUCK:
            yield failed(stack.name, status, remedy=STUCK[status])
        elif status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS":
            # A stack in review is only a change set that nobody executed: the next deploy takes it over.
            yield failed(stack.name, status, remedy=BUSY)
        else:
            yield passed(stack.name, status)

    # A nested stack's state shows in its parent's, which is the one that is deployed.
    roots = [stack for stack in account.stacks(assembly) if stack.parent is None]
    yield from account.each(roots, one, subject=lambda stack: stack.name)
