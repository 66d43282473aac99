"""Lists without model instances and serializer fields: rows as the database gives them, rendered by orjson.

A list's `ModelSerializer` stays what documents it, and what says which columns are read. Where all of its fields are
plain columns, or `Computed` from some, or lines of such that hang on the row, the answer is made from the columns
alone, and equals the serializer's byte for byte. Where one is something else, the serializer answers, several times
slower: `plan_of` says so.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache, cached_property
from typing import Any

import orjson
from django.core.exceptions import FieldDoesNotExist
from django.db import connections, models
from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder

Row = dict[str, Any]


class Computed(serializers.Field[Any, Any, Any, Any]):
    """A read-only field made from `columns` of the row: `Computed(columns=("width", "height"), make=ratio)`."""

    def __init__(self, *, columns: tuple[str, ...], make: Callable[..., Any], **keywords: Any) -> None:
        self.columns, self.make = columns, make
        super().__init__(**{**keywords, "source": "*", "read_only": True})

    def to_representation(self, value: Any) -> Any:
        return self.make(*(getattr(value, column) for column in self.columns))


@dataclass(frozen=True, kw_only=True)
class Lines:
    """Rows of another table that hang on each row by `parent`.

    Django takes longer to put the statement together than to run it, and it is the same for every page of one length.
    """

    name: str
    parent: str
    queryset: models.QuerySet[Any]
    plan: Plan
    _statements: dict[int, str] = field(default_factory=dict)

    def of(self, keys: list[Any]) -> dict[Any, list[Row]]:
        """The lines of each of these rows."""
        found: dict[Any, list[Row]] = {key: [] for key in keys}
        if not keys:
            return found
        names = list(self.plan.fields)
        with connections[self.queryset.db].cursor() as cursor:
            cursor.execute(self._statements.get(len(keys)) or self._statement(keys), keys)
            for parent, *values in cursor.fetchall():
                found[parent].append(dict(zip(names, values, strict=True)))
        for name in self._documents:
            for line in (line for lines in found.values() for line in lines if line[name] is not None):
                line[name] = orjson.loads(line[name])
        return found

    def _statement(self, keys: list[Any]) -> str:
        rows = self.queryset.filter(**{f"{self.parent}__in": keys}).values_list(self.parent, *self.plan.fields.values())
        statement, parameters = rows.query.get_compiler(self.queryset.db).as_sql()
        if len(parameters) != len(keys):
            raise ValueError(f"{self.name}: more than the keys is a parameter")
        return self._statements.setdefault(len(keys), statement)

    @cached_property
    def _documents(self) -> list[str]:
        """Names whose columns hold JSON, which the driver hands over as text."""
        meta = self.queryset.model._meta
        return [
            name for name, column in self.plan.fields.items() if isinstance(meta.get_field(column), models.JSONField)
        ]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """`fields`: by name in the answer, the column; `computed`: by name, what makes it. In `order` they are given."""

    order: tuple[str, ...]
    fields: dict[str, str]
    computed: dict[str, Computed] = field(default_factory=dict)
    lines: tuple[Lines, ...] = ()

    @property
    def columns(self) -> list[str]:
        further = (column for computed in self.computed.values() for column in computed.columns)
        return list(dict.fromkeys([*self.fields.values(), *further]))

    def rendered(self, rows: list[Row]) -> list[Row]:
        """What the serializer would give, in one further query for each kind of lines."""
        sources = [(name, self.fields.get(name)) for name in self.order]
        keys = [row["pk"] for row in rows]
        made = {lines.name: lines.of(keys) for lines in self.lines}
        return [
            {name: row[column] if column else self._made(name, row, made) for name, column in sources} for row in rows
        ]

    def _made(self, name: str, row: Row, lines: dict[str, dict[Any, list[Row]]]) -> Any:
        if name in lines:
            return lines[name][row["pk"]]
        computed = self.computed[name]
        return computed.make(*(row[column] for column in computed.columns))


# Exactly these: a subclass may represent its value in another way. Each gives the column's value as it is, or as orjson
# writes it: dates, moments in UTC, UUIDs; amounts with the column's own decimals.
_PLAIN = (
    serializers.BigIntegerField,
    serializers.BooleanField,
    serializers.CharField,
    serializers.ChoiceField,
    serializers.DateField,
    serializers.DateTimeField,
    serializers.DecimalField,
    serializers.FloatField,
    serializers.IntegerField,
    serializers.JSONField,
    serializers.PrimaryKeyRelatedField,
    serializers.EmailField,
    serializers.UUIDField,
)


@cache
def plan_of(serializer_class: type[serializers.BaseSerializer[Any]]) -> Plan | None:
    """None where a field of the serializer needs the serializer."""
    if not issubclass(serializer_class, serializers.ModelSerializer):
        return None
    if serializer_class.to_representation is not serializers.Serializer.to_representation:
        return None
    fields: dict[str, str] = {}
    computed: dict[str, Computed] = {}
    lines: list[Lines] = []
    serializer = serializer_class()
    model: type[models.Model] = serializer_class.Meta.model  # type: ignore[attr-defined]
    for name, given in serializer.fields.items():
        if given.write_only:
            continue
        if isinstance(given, Computed):
            computed[name] = given
        elif isinstance(given, serializers.ListSerializer):
            hanging = _hanging(given, name, model)
            if hanging is None:
                return None
            lines.append(hanging)
        elif _is_plain(given, model):
            fields[name] = given.source.replace(".", "__")
        else:
            return None
    order = tuple(name for name, given in serializer.fields.items() if not given.write_only)
    return Plan(order=order, fields=fields, computed=computed, lines=tuple(lines))


def _is_plain(given: serializers.Field[Any, Any, Any, Any], model: type[models.Model]) -> bool:
    if type(given) not in _PLAIN or (column := _column(model, given.source)) is None:
        return False
    if isinstance(given, serializers.DecimalField):
        same = isinstance(column, models.DecimalField) and column.decimal_places == given.decimal_places
        return same and "coerce_to_string" not in vars(given) and not given.localize and not given.normalize_output
    if isinstance(given, serializers.DateTimeField | serializers.DateField):
        return "format" not in vars(given)  # only set where it differs from the settings
    if isinstance(given, serializers.UUIDField):
        return given.uuid_format == "hex_verbose"
    if isinstance(given, serializers.JSONField):
        return not given.binary
    if isinstance(given, serializers.BigIntegerField):
        return "coerce_to_string" not in vars(given)
    return True


def _column(model: type[models.Model], source: str) -> models.Field[Any, Any] | None:
    """The column under `source`, be it over relations that every row has."""
    *relations, last = source.split(".")
    try:
        for relation in relations:
            column = model._meta.get_field(relation)
            if not column.concrete or not column.many_to_one or column.null:
                return None
            model = column.related_model  # type: ignore[assignment]
        column = model._meta.get_field(last)
    except FieldDoesNotExist:
        return None
    return column if getattr(column, "concrete", False) else None  # type: ignore[return-value]


def _hanging(given: serializers.ListSerializer[Any], name: str, model: type[models.Model]) -> Lines | None:
    try:
        relation = model._meta.get_field(given.source)
    except FieldDoesNotExist:
        return None
    plan = plan_of(type(given.child))
    if not relation.one_to_many or plan is None or plan.lines or plan.computed:
        return None
    other: Any = relation.related_model
    return Lines(name=name, parent=relation.field.attname, queryset=other.objects.all(), plan=plan)  # type: ignore[union-attr]


def render(found: object) -> bytes:
    """JSON as Django REST framework's renderer has it. Tiny floats alone are spelled otherwise: 1e-7, not 1e-07."""
    try:
        return orjson.dumps(found, default=_plain, option=orjson.OPT_UTC_Z)
    except orjson.JSONEncodeError:  # an integer of more than 64 bits, somewhere in a document
        return json.dumps(found, cls=_Encoder, ensure_ascii=False, separators=(",", ":")).encode()


def _plain(value: object) -> str:
    if isinstance(value, Decimal):
        text = str(value)
        return format(value, "f") if "E" in text else text  # which takes three times as long
    raise TypeError(f"{type(value).__name__} is nothing that we render")


class _Encoder(JSONEncoder):
    def default(self, value: Any) -> Any:
        return _plain(value) if isinstance(value, Decimal) else super().default(value)


def json_response(found: object) -> HttpResponse:
    return HttpResponse(render(found), content_type="application/json")


class PlainListMixin:
    """Instead of Django REST framework's ListModelMixin, before it. The view's list is read and rendered as rows.

    `prefetch_related` and `select_related` of the view's queryset do no harm, and are not needed here.
    """

    def list(self, request: Request, *arguments: Any, **keywords: Any) -> HttpResponse | Response:
        view: Any = self
        plan = plan_of(view.get_serializer_class())
        if plan is None:
            return super().list(request, *arguments, **keywords)  # type: ignore[misc]
        queryset = view.get_queryset().prefetch_related(None)
        # Building a filter's form takes longer than the query; without a parameter there is nothing to filter.
        if _filters(request.query_params):
            queryset = view.filter_queryset(queryset)
        rows = view.paginate_queryset(queryset.values("pk", *plan.columns, *_ordering(view.paginator)))
        page = view.get_paginated_response(plan.rendered(rows))
        return json_response(page.data)


def _filters(parameters: Iterable[str]) -> bool:
    return any(name not in {"cursor", "page_size"} for name in parameters)


def _ordering(paginator: Any) -> list[str]:
    """What the next page is found by."""
    return [name.lstrip("-") for name in paginator.ordering]
