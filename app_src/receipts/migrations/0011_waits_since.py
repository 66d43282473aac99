from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("receipts", "0010_fingerprint_index")]

    operations = [
        migrations.AddField("receipt", "waits_since", models.DateTimeField(blank=True, null=True)),
    ]
