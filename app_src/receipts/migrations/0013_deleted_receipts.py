from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("receipts", "0012_batched_index")]

    operations = [
        migrations.CreateModel(
            name="DeletedReceipt",
            fields=[
                ("receipt_id", models.UUIDField(primary_key=True, serialize=False)),
                ("user_id", models.UUIDField()),
                ("content_sha256", models.CharField(blank=True, max_length=64)),
                ("due_at", models.DateTimeField(db_index=True)),
            ],
        ),
    ]
