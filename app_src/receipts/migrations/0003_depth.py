"""Columns for bulk uploads, duplicates, pictures, corrections and second readings, and the state `batched`.

Each column is nullable or has its default in the database, so that the release before can go on writing rows. The
constraint on the state is taken off and put back unchecked, and so are those of the picture's sides: the next migration
checks them without blocking writes.
"""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

from spendsmart.operations import AddFieldUnchecked

STATES = [
    "awaiting_upload",
    "uploaded",
    "queued",
    "extracting",
    "batched",
    "extracted",
    "needs_review",
    "failed",
    "rejected",
]


class Migration(migrations.Migration):
    dependencies = [
        ("receipts", "0002_reading_claims"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="BulkUpload",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="bulk_uploads",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("name", models.CharField(blank=True, max_length=200)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ("-created_at", "-id"),
                "indexes": [models.Index(fields=["user", "-created_at", "-id"], name="bulk_upload_list")],
            },
        ),
        migrations.CreateModel(
            name="RememberedCorrection",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="remembered_corrections",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("printed", models.CharField(max_length=200)),
                ("merchant", models.CharField(max_length=200)),
                ("category", models.CharField(blank=True, max_length=50)),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("user", "printed"), name="remembered_once")],
            },
        ),
        migrations.AddField("lineitem", "box", models.JSONField(blank=True, null=True)),
        migrations.AddField("receipt", "boxes", models.JSONField(blank=True, db_default={}, default=dict)),
        migrations.AddField(
            "receipt",
            "bulk_upload",
            models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="receipts",
                to="receipts.bulkupload",
            ),
        ),
        migrations.AddField("receipt", "corrected_at", models.DateTimeField(blank=True, null=True)),
        migrations.AddField(
            "receipt",
            "duplicate",
            models.CharField(
                blank=True,
                choices=[("suspected", "Suspected"), ("confirmed", "Confirmed"), ("dismissed", "Dismissed")],
                db_default="",
                max_length=16,
            ),
        ),
        migrations.AddField(
            "receipt",
            "duplicate_of",
            models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="duplicates",
                to="receipts.receipt",
            ),
        ),
        migrations.AddField("receipt", "fallback", models.CharField(blank=True, db_default="", max_length=32)),
        migrations.AddField("receipt", "fingerprint", models.CharField(blank=True, db_default="", max_length=64)),
        AddFieldUnchecked("receipt", "height", models.PositiveIntegerField(blank=True, null=True)),
        migrations.AddField("receipt", "pictures_at", models.DateTimeField(blank=True, null=True)),
        migrations.AddField("receipt", "printed_merchant", models.CharField(blank=True, db_default="", max_length=200)),
        migrations.AddField("receipt", "reread_at", models.DateTimeField(blank=True, null=True)),
        AddFieldUnchecked("receipt", "width", models.PositiveIntegerField(blank=True, null=True)),
        migrations.AlterField(
            "receipt",
            "state",
            models.CharField(
                choices=[(state, state.replace("_", " ").title()) for state in STATES],
                default="awaiting_upload",
                max_length=16,
            ),
        ),
        migrations.RemoveConstraint("receipt", "receipt_state_known"),
        AddConstraintNotValid(
            "receipt", models.CheckConstraint(condition=models.Q(state__in=STATES), name="receipt_state_known")
        ),
    ]
