"""What can be searched, one row a receipt, kept by triggers: whoever writes a receipt or its lines keeps it.

The table is new and empty, so its indexes are made at once; the next migration fills it. The extensions are trusted
ones, which the database's owner may create (PostgreSQL 13 and later, also on RDS).
"""

import django.contrib.postgres.search
import django.db.models.deletion
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.operations import BtreeGinExtension, TrigramExtension, UnaccentExtension
from django.db import migrations, models

# Words as they are, in any language, but for their accents.
CONFIGURATION = """
CREATE TEXT SEARCH CONFIGURATION receipts (COPY = simple);
ALTER TEXT SEARCH CONFIGURATION receipts ALTER MAPPING FOR word, hword, hword_part WITH unaccent, simple;
"""

# PostgreSQL's parser takes "MILK/EGGS" for a path and "www.shop.de" for a host: on receipts these are words.
WORDS = r"""
CREATE FUNCTION receipts_words(given text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT regexp_replace(given, '[/\\_@:+|<>&~-]|\.(?![0-9])|(?<![0-9])\.', ' ', 'g')
$$;
"""

INDEX = """
CREATE FUNCTION receipts_index(ids uuid[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO receipts_searchdocument (receipt_id, user_id, words, names)
    SELECT r.id, r.user_id,
           setweight(to_tsvector('receipts', receipts_words(r.merchant || ' ' || r.printed_merchant)), 'A')
           || setweight(to_tsvector('receipts', receipts_words(i.names)), 'B')
           || setweight(to_tsvector('receipts', receipts_words(r.address || ' ' || r.category)), 'C')
           || setweight(to_tsvector('receipts', receipts_words(left(r.text, 100000))), 'D'),
           lower(unaccent(left(concat_ws(' ', r.merchant, r.printed_merchant, i.names), 2000)))
    FROM receipts_receipt r
    CROSS JOIN LATERAL (
        SELECT coalesce(left(string_agg(description, ' ' ORDER BY position), 100000), '') AS names
        FROM receipts_lineitem WHERE receipt_id = r.id
    ) i
    WHERE r.id = ANY (ids)
    ON CONFLICT (receipt_id) DO UPDATE SET words = excluded.words, names = excluded.names
$$;
"""

TRIGGERS = """
CREATE FUNCTION receipts_index_inserted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    PERFORM receipts_index(array(SELECT id FROM changed WHERE merchant <> '' OR text <> ''));
    RETURN NULL;
END $$;
CREATE FUNCTION receipts_index_updated() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    PERFORM receipts_index(array[new.id]);
    RETURN NULL;
END $$;
CREATE FUNCTION receipts_index_lines() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    PERFORM receipts_index(array(SELECT DISTINCT receipt_id FROM changed));
    RETURN NULL;
END $$;

CREATE TRIGGER searchable_inserted AFTER INSERT ON receipts_receipt
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION receipts_index_inserted();
CREATE TRIGGER searchable_updated AFTER UPDATE OF merchant, printed_merchant, address, category, text
    ON receipts_receipt FOR EACH ROW
    WHEN ((old.merchant, old.printed_merchant, old.address, old.category, old.text)
          IS DISTINCT FROM (new.merchant, new.printed_merchant, new.address, new.category, new.text))
    EXECUTE FUNCTION receipts_index_updated();
CREATE TRIGGER searchable_inserted AFTER INSERT ON receipts_lineitem
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION receipts_index_lines();
CREATE TRIGGER searchable_updated AFTER UPDATE ON receipts_lineitem
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION receipts_index_lines();
CREATE TRIGGER searchable_deleted AFTER DELETE ON receipts_lineitem
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION receipts_index_lines();
"""

NO_TRIGGERS = """
DROP TRIGGER searchable_inserted ON receipts_receipt;
DROP TRIGGER searchable_updated ON receipts_receipt;
DROP TRIGGER searchable_inserted ON receipts_lineitem;
DROP TRIGGER searchable_updated ON receipts_lineitem;
DROP TRIGGER searchable_deleted ON receipts_lineitem;
DROP FUNCTION receipts_index_inserted, receipts_index_updated, receipts_index_lines;
"""

# A receipt that is deleted, by whomever, takes its row along.
CASCADE = """
ALTER TABLE receipts_searchdocument ADD CONSTRAINT searchdocument_of_receipt
    FOREIGN KEY (receipt_id) REFERENCES receipts_receipt (id) ON DELETE CASCADE;
"""


class Migration(migrations.Migration):
    dependencies = [("receipts", "0006_indexes_for_people")]

    operations = [
        BtreeGinExtension(),
        TrigramExtension(),
        UnaccentExtension(),
        migrations.CreateModel(
            name="SearchDocument",
            fields=[
                (
                    "receipt",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="receipts.receipt",
                    ),
                ),
                ("user_id", models.UUIDField()),
                ("words", django.contrib.postgres.search.SearchVectorField()),
                ("names", models.TextField()),
            ],
            options={
                "indexes": [
                    GinIndex(fields=["user_id", "words"], name="search_words"),
                    GinIndex(fields=["user_id", "names"], opclasses=["uuid_ops", "gin_trgm_ops"], name="search_names"),
                ],
            },
        ),
        migrations.RunSQL(CASCADE, migrations.RunSQL.noop),
        migrations.RunSQL(CONFIGURATION, "DROP TEXT SEARCH CONFIGURATION receipts"),
        migrations.RunSQL(WORDS, "DROP FUNCTION receipts_words"),
        migrations.RunSQL(INDEX, "DROP FUNCTION receipts_index"),
        migrations.RunSQL(TRIGGERS, NO_TRIGGERS),
    ]
