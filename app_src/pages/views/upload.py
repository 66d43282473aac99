"""Uploading: the browser announces each image, sends it to S3 by the form it got, and says that it is there."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_POST, require_safe

from pages.origins import bucket_origin
from receipts import storage, tasks
from receipts.models import Receipt
from receipts.serializers import CreateReceiptSerializer
from receipts.states import State, move
from spendsmart.security import content_security_policy


@require_safe
@login_required
def page(request: HttpRequest) -> HttpResponse:
    response = render(request, "pages/upload.html", {"max_bytes": settings.UPLOAD_MAX_BYTES, "section": "upload"})
    response.headers["Content-Security-Policy"] = content_security_policy(connections=[bucket_origin()])
    return response


@require_POST
@login_required
def announce(request: HttpRequest) -> HttpResponse:
    """One image that is about to come; answers with the form to send it by."""
    try:
        given: Any = json.loads(request.body)
    except ValueError:
        return JsonResponse({"detail": "This is no JSON."}, status=400)
    serializer = CreateReceiptSerializer(data=given)
    if not serializer.is_valid():
        reasons = " ".join(str(reason) for reasons in serializer.errors.values() for reason in reasons)
        return JsonResponse({"detail": reasons}, status=400)
    receipt = Receipt(user=request.user, **serializer.validated_data)
    form = storage.upload_form(key=receipt.key, content_type=receipt.content_type, size=receipt.size)
    receipt.save(force_insert=True)
    return JsonResponse({"id": receipt.id, "upload": asdict(form)}, status=201)


@require_POST
@login_required
def complete(request: HttpRequest, receipt_id: UUID) -> HttpResponse:
    """The image has arrived: have it read. Saying so twice does no harm."""
    receipt = get_object_or_404(Receipt, id=receipt_id, user=request.user)
    if receipt.state == State.AWAITING_UPLOAD:
        if not storage.exists(receipt.key):
            return JsonResponse({"detail": "The image has not arrived."}, status=409)
        with transaction.atomic():
            if move(receipt.id, source=State.AWAITING_UPLOAD, target=State.UPLOADED):
                transaction.on_commit(lambda: tasks.enqueue(receipt.id, source=State.UPLOADED))
    return JsonResponse({"id": receipt.id}, status=202)
