from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("receipts", "0004_depth_indexes")]

    operations = [
        migrations.AddField("receipt", "file_name", models.CharField(blank=True, db_default="", max_length=255)),
    ]
