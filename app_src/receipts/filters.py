from __future__ import annotations

import django_filters

from receipts.models import Duplicate, Receipt
from receipts.states import State


class ReceiptFilter(django_filters.FilterSet):
    state = django_filters.MultipleChoiceFilter(choices=State.choices)
    since = django_filters.DateFilter(field_name="purchased_on", lookup_expr="gte")
    until = django_filters.DateFilter(field_name="purchased_on", lookup_expr="lte")
    merchant = django_filters.CharFilter(field_name="merchant", lookup_expr="icontains")
    bulk_upload = django_filters.UUIDFilter(field_name="bulk_upload")
    duplicate = django_filters.ChoiceFilter(choices=Duplicate.choices)

    class Meta:
        model = Receipt
        fields = ("state", "category", "currency")
