"""`python manage.py create_demo_user --email … --password … [--staff] [--support]`: a login to try things with."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import Group
from django.core.management.base import BaseCommand
from django.db import transaction

from accounts.models import SUPPORT, User


class Command(BaseCommand):
    help = "Make sure that a user exists with this password. Running it again changes nothing, or the password."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--email", required=True)
        parser.add_argument("--password", required=True)
        parser.add_argument("--staff", action="store_true", help="may use /admin/, with all rights")
        parser.add_argument("--support", action="store_true", help="may look at others' receipts, saying why")

    def handle(self, *, email: str, password: str, staff: bool, support: bool = False, **_: Any) -> None:
        with transaction.atomic():
            user, made = User.objects.get_or_create(email=email.strip().lower())
            if not user.check_password(password):
                user.set_password(password)
            if staff:
                user.is_staff = user.is_superuser = True
            user.save()
            if support:
                user.groups.add(Group.objects.get_or_create(name=SUPPORT)[0])
        self.stdout.write(f"{user.email} {'created' if made else 'is there already'}")
