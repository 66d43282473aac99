"""What the application has taken over: each receipt that it acknowledged, and what became of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

FINAL = frozenset({"extracted", "needs_review", "failed", "rejected"})
"""States in which a receipt stays."""

READ = frozenset({"extracted", "needs_review"})
"""Final states of a receipt that was read."""

ABSENT = "absent"
"""Stands for the state of a receipt that the API does not show any more."""


@dataclass(frozen=True, kw_only=True)
class Promise:
    """A receipt whose upload was answered with success: from then on it must not get lost."""

    receipt: str
    user: str
    at: float


class Ledger:
    """Promises, and the latest state of each as the API told it."""

    def __init__(self) -> None:
        self._promises: dict[str, Promise] = {}
        self._states: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._promises)

    def promise(self, made: Promise) -> None:
        self._promises[made.receipt] = made

    def receipts_of(self, user: str) -> list[str]:
        return [promise.receipt for promise in self._promises.values() if promise.user == user]

    def reconcile(self, user: str, states: dict[str, str]) -> None:
        """Take over what the API shows of a user's receipts; what it does not show is absent."""
        for receipt in self.receipts_of(user):
            self._states[receipt] = states.get(receipt, ABSENT)

    def open(self) -> list[str]:
        """Receipts that are not in a final state yet, as far as is known."""
        return [receipt for receipt in self._promises if self._states.get(receipt) not in FINAL]

    def unread(self) -> list[str]:
        """Receipts of which nothing was read: lost for the person who sent them. They include the open ones."""
        return [receipt for receipt in self._promises if self._states.get(receipt) not in READ]

    def counts(self) -> dict[str, int]:
        """Number of receipts by their state."""
        return dict(Counter(self._states.get(receipt, "not asked for") for receipt in self._promises))
