"""Receipts from before, a thousand at a time: under which name they are printed, and what can be searched in them."""

from django.db import migrations

BATCH = 1000


def fill(_apps, schema_editor) -> None:
    last = "00000000-0000-0000-0000-000000000000"
    with schema_editor.connection.cursor() as cursor:
        while True:
            cursor.execute("SELECT id FROM receipts_receipt WHERE id > %s ORDER BY id LIMIT %s", (last, BATCH))
            ids = [str(row[0]) for row in cursor.fetchall()]
            if not ids:
                return
            cursor.execute(
                "UPDATE receipts_receipt SET printed_merchant = merchant "
                "WHERE id = ANY (%s::uuid[]) AND printed_merchant = '' AND merchant <> ''",
                (ids,),
            )
            cursor.execute(
                "SELECT receipts_index(array(SELECT id FROM receipts_receipt "
                "WHERE id = ANY (%s::uuid[]) AND (merchant <> '' OR text <> '')))",
                (ids,),
            )
            last = ids[-1]


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("receipts", "0007_search")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
