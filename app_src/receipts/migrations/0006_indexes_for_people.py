"""Indexes of the review queue and of the printed names, built while rows go on being written."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("receipts", "0005_file_name")]

    operations = [
        AddIndexConcurrently(
            "receipt",
            models.Index(
                condition=models.Q(
                    ("state__in", ["needs_review", "failed", "rejected"]), ("duplicate", "suspected"), _connector="OR"
                ),
                fields=["user", "created_at", "id"],
                name="receipt_for_person",
            ),
        ),
        AddIndexConcurrently("receipt", models.Index(fields=["user", "printed_merchant"], name="receipt_by_printed")),
    ]
