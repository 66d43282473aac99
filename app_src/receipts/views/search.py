"""Search over what was read, from the replica."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from receipts.search import search
from receipts.serializers.search import FoundSerializer, SearchQuerySerializer
from spendsmart.database import from_replica


class SearchView(APIView):
    """Receipts by merchant, address, lines and all other text."""

    @extend_schema(operation_id="receipts_search", parameters=[SearchQuerySerializer], responses=FoundSerializer)
    def get(self, request: Request) -> Response:
        """Receipts that have all these words, whole or begun; where none has, those with similar names."""
        query = SearchQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        given = query.validated_data
        found, alias = from_replica(
            request.user.pk,
            lambda: search(request.user.pk, given["q"], limit=given["limit"], offset=given["offset"]),
        )
        return Response(FoundSerializer(found).data, headers={"X-Read-From": alias})
