from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("receipts", "0008_searchable")]

    operations = [
        migrations.AddField("receipt", "tax_lines", models.JSONField(blank=True, db_default=[], default=list)),
    ]
