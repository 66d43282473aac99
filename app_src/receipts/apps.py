from typing import Any

from django.apps import AppConfig


class ReceiptsConfig(AppConfig):
    name = "receipts"

    def ready(self) -> None:
        from django.db.models.signals import post_delete

        from receipts.models import Receipt

        post_delete.connect(_remember, sender=Receipt, dispatch_uid="deleted receipts")


def _remember(instance: Any, **_: Any) -> None:
    from receipts import deleted

    deleted.remember(instance)
