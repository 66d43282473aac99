"""Users, and the sessions that their refresh tokens belong to."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.utils.crypto import salted_hmac

USER_AGENT_CHARACTERS = 200
SUPPORT = "support"
"""The group whose members may use the support endpoints."""


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=email, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str, **fields: Any) -> User:
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """A person, known by their e-mail address, which is stored in lower case."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(unique=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    session_epoch = models.PositiveIntegerField(db_default=0, default=0, editable=False)
    """Counts how often the user logged out everywhere: a session of the web pages is good in one epoch only."""

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    def __str__(self) -> str:
        return self.email

    def save(self, *arguments: Any, **keywords: Any) -> None:
        self.email = self.email.strip().lower()
        super().save(*arguments, **keywords)

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """What ties Django's sessions to the user: the password, as in Django, and the epoch."""
        salt = "accounts.models.User.get_session_auth_hash"
        value = f"{self.password}:{self.session_epoch}"
        return salted_hmac(salt, value, secret=secret or settings.SECRET_KEY, algorithm="sha256").hexdigest()


class TokenFamily(models.Model):
    """One login, and the refresh token that is its newest: any older one that comes back has been stolen.

    The row is locked while a token is exchanged, so that of several exchanges at once exactly one wins.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="token_families")
    current_jti = models.CharField(max_length=64)
    previous_jti = models.CharField(max_length=64, blank=True, default="", db_default="")
    user_agent = models.CharField(max_length=USER_AGENT_CHARACTERS, blank=True, default="", db_default="")
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    """When its refresh token was exchanged last; null until the first time."""
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_because = models.CharField(max_length=16, blank=True)

    class Meta:
        indexes = [models.Index(fields=["expires_at"])]

    def __str__(self) -> str:
        return f"{self.id} of {self.user_id}"


class _AppendOnly(models.QuerySet["AuditEntry"]):
    def update(self, **_: Any) -> int:
        raise TypeError("an audit entry is never changed")

    def delete(self) -> tuple[int, dict[str, int]]:
        raise TypeError("an audit entry is never deleted")


class AuditEntry(models.Model):
    """Who of the staff looked at, or did, what to whom, when and why. Rows are added and never change.

    A trigger in the database refuses UPDATE and DELETE. So no foreign keys: the entries outlive the people in them.
    """

    created_at = models.DateTimeField(auto_now_add=True)
    actor_id = models.UUIDField()
    actor_email = models.EmailField(max_length=254)
    subject_id = models.UUIDField(null=True)
    """The user whom it concerns; null where it is nobody's data."""
    action = models.CharField(max_length=100)
    target = models.CharField(max_length=500)
    """What was looked at or changed: a path with its query."""
    reason = models.CharField(max_length=500, blank=True)
    request_id = models.CharField(max_length=100, blank=True)

    objects = _AppendOnly.as_manager()

    class Meta:
        verbose_name_plural = "audit entries"
        indexes = [
            models.Index(fields=["subject_id", "-created_at", "-id"], name="audit_of_subject"),
            models.Index(fields=["actor_id", "-created_at"], name="audit_by_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.actor_email}: {self.action} {self.target}"

    def save(self, *arguments: Any, **keywords: Any) -> None:
        if not self._state.adding:
            raise TypeError("an audit entry is never changed")
        super().save(*arguments, **keywords)

    def delete(self, *_: Any, **__: Any) -> tuple[int, dict[str, int]]:
        raise TypeError("an audit entry is never deleted")
