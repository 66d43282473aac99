"""Migration operations that Django lacks, for tables that are written to meanwhile."""

from __future__ import annotations

from typing import Any

from django.db.migrations import AddField


class AddFieldUnchecked(AddField):
    """A column whose type brings a CHECK (PositiveIntegerField), without looking at the rows that are there.

    With its CHECK in the statement that adds a column, PostgreSQL looks through the table under an ACCESS EXCLUSIVE
    lock, even where no row has a value. Here the constraint comes NOT VALID, under the name that PostgreSQL would give
    it, `<table>_<column>_check`: a later migration does `ValidateConstraint(model, name)`.
    """

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        field = to_state.apps.get_model(app_label, self.model_name)._meta.get_field(self.name)
        check = field.db_check(schema_editor.connection)
        if not check:
            raise ValueError(f"{self.model_name}.{self.name} brings no CHECK: use AddField")
        field.db_check = lambda connection: None  # noqa: ARG005  (Django's signature)
        try:
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        finally:
            del field.db_check
        table = field.model._meta.db_table
        quote = schema_editor.quote_name
        schema_editor.execute(
            f"ALTER TABLE {quote(table)} ADD CONSTRAINT {quote(f'{table}_{field.column}_check')} "
            f"CHECK ({check}) NOT VALID"
        )
