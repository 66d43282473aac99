"""The index by which the last receipt with an image is known, built while rows go on being written."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("receipts", "0013_deleted_receipts")]

    operations = [
        AddIndexConcurrently("receipt", models.Index(fields=["content_sha256"], name="receipt_of_any_by_content")),
    ]
