"""New accounts. An address that has one already gets the same answer, as late, so that nobody can ask who has."""

from __future__ import annotations

from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction

from accounts.models import User


def register(email: str, password: str) -> None:
    """Make the account, or none where there is one; its password stays what it is."""
    email = email.lower()
    if User.objects.filter(email=email).exists():
        make_password(password)  # takes as long as making the account would
        return
    try:
        with transaction.atomic():
            User.objects.create_user(email, password)
    except IntegrityError:  # two registrations at the same moment
        return
