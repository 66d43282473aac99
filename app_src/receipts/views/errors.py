"""What these views answer when it is not the input that is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rest_framework import status
from rest_framework.exceptions import APIException

from receipts.refused import RefusedError
from receipts.storage import StorageUnavailableError


class Conflict(APIException):
    status_code = status.HTTP_409_CONFLICT
    default_code = "conflict"


class StorageUnavailable(APIException):
    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = "The image store does not answer; try again."
    default_code = "storage_unavailable"
    wait = 5


@contextmanager
def answered() -> Iterator[None]:
    """What cannot be done becomes an answer: a conflict where the receipt's state forbids it, else 503."""
    try:
        yield
    except RefusedError as error:
        raise Conflict(str(error), code=error.code) from error
    except StorageUnavailableError as error:
        raise StorageUnavailable from error
