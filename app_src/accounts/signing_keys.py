"""The keys that tokens are signed with: the versions of one secret, taken over while the process runs.

Secrets Manager keeps two versions of a rotated secret, AWSCURRENT and AWSPREVIOUS. The first signs, both verify, and a
token names its key by the version's id. What is known is read again every few minutes, and at once when a token names
a key that is not: another process has then seen a rotation before us.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from rest_framework import status
from rest_framework.exceptions import APIException

from spendsmart import aws

REFRESH_SECONDS = 300.0
"""Age at which the keys are read again. A rotation comes at most once in a fortnight."""

RETRY_SECONDS = 5.0
"""Least time between two reads: neither an outage nor made-up key ids turn every request into a call."""

PATIENCE_SECONDS = 5.0
"""How long a request waits for the thread that is reading the keys it needs."""

MIN_CHARACTERS = 32
"""HMAC-SHA256 asks for a key of 256 bits (RFC 7518, section 3.2)."""

log = structlog.get_logger(__name__)


class KeysUnavailable(APIException):
    """No key was ever read: tokens can neither be made nor judged."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = "The signing keys cannot be read; try again."
    default_code = "keys_unavailable"


class KeysUnreadableError(Exception):
    """Secrets Manager did not answer, refused, or holds no usable key."""


@dataclass(frozen=True, kw_only=True)
class Key:
    id: str
    value: str = field(repr=False)


class KeyRing:
    """The current key and the one before it.

    Safe for threads: one of them reads, the others go on with what is known.
    """

    def __init__(self, read: Callable[[], Sequence[Key]], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._read = read
        self._clock = clock
        self._reading = threading.Lock()
        self._keys: tuple[Key, ...] = ()
        self._read_at = self._tried_at = float("-inf")

    def load(self) -> None:
        """Read the keys now. Raises KeysUnreadableError: a process that starts without a key is of no use."""
        with self._reading:
            self._take(self._read())

    def current(self) -> Key:
        """The key to sign with. Raises KeysUnavailable before any was read."""
        if not self._keys:
            self._refresh(patience=PATIENCE_SECONDS)
        elif self._clock() - self._read_at >= REFRESH_SECONDS:
            self._refresh(patience=0)
        if not self._keys:
            raise KeysUnavailable
        return self._keys[0]

    def known(self) -> Sequence[Key]:
        """All keys that verify. Raises KeysUnavailable before any was read."""
        self.current()
        return self._keys

    def find(self, key_id: str) -> Key | None:
        """The key of this id, if tokens signed with it are still good. Raises KeysUnavailable before any was read."""
        self.current()
        found = self._known(key_id)
        if found is None:
            self._refresh(patience=PATIENCE_SECONDS)
            found = self._known(key_id)
        return found

    def _known(self, key_id: str) -> Key | None:
        return next((key for key in self._keys if key.id == key_id), None)

    def _refresh(self, *, patience: float) -> None:
        """Read the keys, unless that was tried a moment ago. Another thread that is reading is waited for."""
        if not self._reading.acquire(timeout=patience):
            return
        try:
            if self._clock() - self._tried_at >= RETRY_SECONDS:
                self._tried_at = self._clock()
                self._take(self._read())
        except KeysUnreadableError as error:
            log.warning("signing_keys_unreadable", error=str(error), known=len(self._keys))
        finally:
            self._reading.release()

    def _take(self, keys: Sequence[Key]) -> None:
        if self._keys and keys[0] != self._keys[0]:
            log.info("signing_key_rotated", kid=keys[0].id)
        self._keys = tuple(keys)
        self._read_at = self._clock()


def read() -> list[Key]:
    """The secret's current version and, if there is one, the version before it. Raises KeysUnreadableError."""
    try:
        # Made anew each time: gunicorn forks after the first read, and processes must not share a connection.
        client = aws.client("secretsmanager", config=_CONFIG)
        # In this order: a rotation in between hides the new version, which its first token makes us look for.
        found = [_version(client, stage) for stage in ("AWSCURRENT", "AWSPREVIOUS")]
    except (BotoCoreError, ClientError) as error:
        raise KeysUnreadableError(str(error)) from error
    keys = list(dict.fromkeys(key for key in found if key is not None))
    if not keys:
        raise KeysUnreadableError(f"{settings.JWT_SIGNING_SECRET_ARN} has no current version")
    short = [key.id for key in keys if len(key.value) < MIN_CHARACTERS]
    if short:
        raise KeysUnreadableError(f"version {short[0]} has fewer than {MIN_CHARACTERS} characters")
    return keys


def _version(client: Any, stage: str) -> Key | None:
    try:
        answer = client.get_secret_value(SecretId=settings.JWT_SIGNING_SECRET_ARN, VersionStage=stage)
    except client.exceptions.ResourceNotFoundException:
        return None
    return Key(id=answer["VersionId"], value=answer.get("SecretString", ""))


_CONFIG = Config(connect_timeout=2, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 1})

ring = KeyRing(read)
"""The process's keys."""
