"""The index of receipts that are in a batch, built while rows go on being written."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("receipts", "0011_waits_since")]

    operations = [
        AddIndexConcurrently(
            "receipt",
            models.Index(fields=["state_changed_at"], condition=models.Q(state="batched"), name="receipt_batched"),
        ),
    ]
