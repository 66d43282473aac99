"""Uploading: the browser announces each image, sends it to S3 by the form it got, and says that it is there.

Many at once are a bulk upload: they are read behind those that somebody waits for.
"""

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

from receipts import admission, storage, tasks
from receipts.models import BulkUpload, Receipt
from receipts.serializers import CreateReceiptSerializer
from receipts.states import State, move
from spendsmart.security import content_security_policy

MANY = 20
"""From this many pictures at once on, nobody is expected to wait for them before the screen."""


@require_safe
@login_required
def page(request: HttpRequest) -> HttpResponse:
    context = {"max_bytes": settings.UPLOAD_MAX_BYTES, "many": MANY, "section": "upload"}
    response = render(request, "pages/upload.html", context)
    response.headers["Content-Security-Policy"] = content_security_policy(connections=[storage.origin()])
    return response


@require_POST
@login_required
def announce_many(request: HttpRequest) -> HttpResponse:
    """A bulk upload, which the announcements that follow name."""
    return JsonResponse({"id": BulkUpload.objects.create(user=request.user).id}, status=201)


@require_POST
@login_required
def announce(request: HttpRequest) -> HttpResponse:
    """One image that is about to come; answers with the form to send it by."""
    try:
        given: Any = json.loads(request.body)
        bulk_id = UUID(given["bulk_upload"]) if isinstance(given, dict) and given.get("bulk_upload") else None
    except (ValueError, AttributeError):
        return JsonResponse({"detail": "This is no announcement."}, status=400)
    serializer = CreateReceiptSerializer(data=given)
    if not serializer.is_valid():
        reasons = " ".join(str(reason) for reasons in serializer.errors.values() for reason in reasons)
        return JsonResponse({"detail": reasons}, status=400)
    bulk = get_object_or_404(BulkUpload, id=bulk_id, user=request.user) if bulk_id else None
    admission.admit(request.user, bulk=bulk is not None)
    receipt = Receipt(user=request.user, bulk_upload=bulk, **serializer.validated_data)
    form = storage.upload_form(key=receipt.key, content_type=receipt.content_type, size=receipt.size)
    receipt.save(force_insert=True)
    return JsonResponse({"id": receipt.id, "upload": asdict(form)}, status=201)


@require_POST
@login_required
def complete(request: HttpRequest, receipt_id: UUID) -> HttpResponse:
    """The image has arrived: have it read. Saying so twice does no harm."""
    receipt = get_object_or_404(Receipt.objects.defer("text"), id=receipt_id, user=request.user)
    if receipt.state == State.AWAITING_UPLOAD:
        if not storage.exists(receipt.key):
            return JsonResponse({"detail": "The picture has not arrived."}, status=409)
        queue = tasks.queue_of(receipt)
        with transaction.atomic():
            if move(receipt.id, source=State.AWAITING_UPLOAD, target=State.UPLOADED):
                transaction.on_commit(lambda: tasks.enqueue(receipt.id, source=State.UPLOADED, queue=queue))
    return JsonResponse({"id": receipt.id}, status=202)
