"""Indexes of the new columns, built while rows go on being written; each statement is a transaction of its own."""

from django.contrib.postgres.operations import AddIndexConcurrently, ValidateConstraint
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("receipts", "0003_depth")]

    operations = [
        ValidateConstraint("receipt", "receipt_state_known"),
        ValidateConstraint("receipt", "receipts_receipt_height_check"),
        ValidateConstraint("receipt", "receipts_receipt_width_check"),
        AddIndexConcurrently("receipt", models.Index(fields=["user", "content_sha256"], name="receipt_by_content")),
        AddIndexConcurrently(
            "receipt",
            models.Index(
                condition=models.Q(("bulk_upload__isnull", False)), fields=["bulk_upload"], name="receipt_of_bulk"
            ),
        ),
        AddIndexConcurrently(
            "receipt",
            models.Index(
                condition=models.Q(("duplicate_of__isnull", False)), fields=["duplicate_of"], name="receipt_duplicates"
            ),
        ),
        AddIndexConcurrently(
            "receipt",
            models.Index(condition=models.Q(("reread_at__isnull", False)), fields=["reread_at"], name="receipt_reread"),
        ),
    ]
