"""Statements that Django puts together once, for queries that are the same each time: that takes longer than to run."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db import connections, models, router

_EXAMPLES: dict[type, Callable[[int], Any]] = {UUID: lambda number: UUID(int=number), date: date.fromordinal}


class Statement:
    """What a queryset of `values_list` selects, with values for its parameters: `Statement(make, user_id=UUID)`.

    `make` is called once, with examples of the parameters' types, which no other value of the queryset may equal. It
    may filter by them and no more: each must arrive in the statement as it is. Rows are what the driver makes of
    them, without Django's converters: no documents, and no expression that corrects its value in Python. `around` is
    SQL without parameters for what Django cannot say, in which `{rows}` stands for the queryset's.
    """

    def __init__(
        self, make: Callable[..., models.QuerySet[Any, Any]], *, around: str = "{rows}", **parameters: type
    ) -> None:
        self._make = make
        self._around = around
        self._examples = {
            name: _EXAMPLES[kind](number) for number, (name, kind) in enumerate(parameters.items(), start=1)
        }

    def rows(self, **values: Any) -> list[tuple[Any, ...]]:
        """From the database that reads go to. Raises KeyError naming a parameter without a value."""
        model, sql, constants, places = self._prepared
        filled = list(constants)
        for place, name in places:
            filled[place] = values[name]
        with connections[router.db_for_read(model)].cursor() as cursor:
            cursor.execute(sql, filled)
            return list(cursor.fetchall())

    @cached_property
    def _prepared(self) -> tuple[type[models.Model], str, list[Any], list[tuple[int, str]]]:
        """The model, the statement, its parameters, and which of these are whose."""
        queryset = self._make(**self._examples)
        sql, found = queryset.query.get_compiler(queryset.db).as_sql()
        names = {example: name for name, example in self._examples.items()}
        places = [(place, names[value]) for place, value in enumerate(found) if _known(value, names)]
        if lost := self._examples.keys() - {name for _, name in places}:
            raise ValueError(f"not in the statement: {', '.join(sorted(lost))}")
        return queryset.model, self._around.replace("{rows}", sql), list(found), places


def _known(value: object, names: dict[Any, str]) -> bool:
    return type(value) in _EXAMPLES and value in names
