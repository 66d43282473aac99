"""`python manage.py create_demo_user --email … --password … [--staff]`: a login to try things with."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction

from accounts.models import User


class Command(BaseCommand):
    help = "Make sure that a user exists with this password. Running it again changes nothing, or the password."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--email", required=True)
        parser.add_argument("--password", required=True)
        parser.add_argument("--staff", action="store_true", help="may use /admin/, with all rights")

    def handle(self, *, email: str, password: str, staff: bool, **_: Any) -> None:
        with transaction.atomic():
            user, made = User.objects.get_or_create(email=email.strip().lower())
            if not user.check_password(password):
                user.set_password(password)
            if staff:
                user.is_staff = user.is_superuser = True
            user.save()
        self.stdout.write(f"{user.email} {'created' if made else 'is there already'}")
