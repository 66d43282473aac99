"""A migration that the rows which are there contradict, so that PostgreSQL refuses it. LATEST is filled in."""

from django.db import migrations

LATEST = ""


class Migration(migrations.Migration):  # type: ignore[misc]
    dependencies = [("accounts", LATEST)]
    operations = [
        migrations.RunSQL(
            "ALTER TABLE accounts_user ADD CONSTRAINT accounts_user_from_the_future CHECK (date_joined > '2100-01-01')",
            reverse_sql="ALTER TABLE accounts_user DROP CONSTRAINT accounts_user_from_the_future",
        )
    ]
