"""The index that the search for pictures which look alike reads, built while rows go on being written."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("receipts", "0009_tax_lines")]

    operations = [
        AddIndexConcurrently(
            "receipt",
            models.Index(
                fields=["user"],
                include=["fingerprint", "id"],
                condition=~models.Q(fingerprint=""),
                name="receipt_by_fingerprint",
            ),
        ),
    ]
