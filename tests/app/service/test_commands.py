from __future__ import annotations

from io import StringIO

from django.core.management import call_command

from accounts.models import User


def test_the_demo_user_is_made_once_and_can_log_in(db) -> None:
    said = StringIO()
    for _ in range(2):
        call_command("create_demo_user", email="Demo@Example.com", password="correct horse", stdout=said)
    user = User.objects.get(email="demo@example.com")
    assert user.check_password("correct horse")
    assert not user.is_staff
    assert said.getvalue() == "demo@example.com created\ndemo@example.com is there already\n"


def test_the_demo_user_gets_a_new_password_and_the_rights_asked_for(db) -> None:
    call_command("create_demo_user", email="demo@example.com", password="old", stdout=StringIO())
    call_command("create_demo_user", email="demo@example.com", password="new", staff=True, stdout=StringIO())
    user = User.objects.get()
    assert user.check_password("new")
    assert user.is_superuser


def test_models_and_migrations_agree(db) -> None:
    call_command("makemigrations", check=True, dry_run=True)


def test_django_finds_nothing_to_say_about_the_deployment() -> None:
    call_command("check", deploy=True, fail_level="WARNING")
