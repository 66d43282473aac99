from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.apps import AppConfig


class AnalyticsConfig(AppConfig):
    name = "analytics"

    def ready(self) -> None:
        from spendsmart.writes import committed

        committed.connect(_alert, dispatch_uid="budget alerts")


def _alert(users: Collection[UUID], **_: Any) -> None:
    """A write may have used up somebody's budget. Should this fail, the sweep finds it."""
    from analytics import budgets

    budgets.alert(users)
