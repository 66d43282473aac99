"""Support looks at what it may, says why, and leaves an entry that nobody can take away and the user can read."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from django.db import DatabaseError, connection, transaction
from django.test import Client
from rest_framework.test import APIClient
from support import read_receipt

from accounts import tokens
from accounts.models import SUPPORT, AuditEntry

WHY = {"reason": "Ticket 4711: the total is wrong"}
SUPPORT_URL = "/api/v1/support"


@pytest.fixture
def agent(make_user):
    user = make_user("agent@example.com")
    user.groups.add(Group.objects.get_or_create(name=SUPPORT)[0])
    return user


@pytest.fixture
def support(api_of, agent) -> APIClient:
    return api_of(agent)


def paths(user) -> list[str]:
    receipt = read_receipt(user)
    return [f"{SUPPORT_URL}/users/{user.id}/{rest}" for rest in ("receipts/", f"receipts/{receipt.id}/", "sessions/")]


def test_support_sees_receipts_and_sessions_and_the_user_sees_that_it_did(support, agent, user, api) -> None:
    for path in paths(user):
        assert support.get(path, WHY).status_code == 200
    entries = AuditEntry.objects.order_by("id")
    assert [entry.action for entry in entries] == [
        "support list receipts",
        "support read receipt",
        "support list sessions",
    ]
    assert {(e.actor_id, e.actor_email, e.subject_id, e.reason) for e in entries} == {
        (agent.id, agent.email, user.id, WHY["reason"])
    }
    assert len({entry.request_id for entry in entries if entry.request_id}) == 3
    seen = api.get("/api/v1/auth/accesses/").json()["results"]
    assert [each["reason"] for each in seen] == [WHY["reason"]] * 3
    assert "agent@example.com" not in str(seen)


def test_a_user_is_found_by_the_whole_address(support, user) -> None:
    found = support.post(f"{SUPPORT_URL}/find-user/", WHY | {"email": "Ann@example.com"}, format="json")
    assert found.json()["id"] == str(user.id)
    assert (
        support.post(f"{SUPPORT_URL}/find-user/", WHY | {"email": "an@example.com"}, format="json").status_code == 404
    )
    assert list(AuditEntry.objects.order_by("id").values_list("subject_id", flat=True)) == [user.id, None]


@pytest.mark.parametrize("reason", [{}, {"reason": ""}, {"reason": "because"}, {"reason": "x" * 501}])
def test_without_a_reason_nothing_is_shown(support, user, reason: dict[str, str]) -> None:
    for path in paths(user):
        assert support.get(path, reason).status_code == 400
    assert not AuditEntry.objects.exists()


def test_nobody_else_may_not_even_an_administrator(api_of, make_user, user) -> None:
    root = make_user("root@example.com")
    root.is_staff = root.is_superuser = True
    root.save()
    for path in paths(user):
        assert APIClient().get(path, WHY).status_code == 401
        for other in (user, root):
            assert api_of(other).get(path, WHY).status_code == 403
    assert not AuditEntry.objects.exists()


def test_support_sees_no_image_no_text_and_no_token(support, user) -> None:
    receipt = read_receipt(user, text="what was printed", address="where it was")
    pair = tokens.begin(user)
    shown = support.get(f"{SUPPORT_URL}/users/{user.id}/receipts/{receipt.id}/", WHY).content.decode()
    assert "printed" not in shown and "where it was" not in shown
    shown = support.get(f"{SUPPORT_URL}/users/{user.id}/sessions/", WHY).json()["results"]
    assert not {"current_jti", "previous_jti"} & set(shown[0])
    assert pair.refresh not in str(shown)


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_support_changes_nothing(support, user, method: str) -> None:
    for path in paths(user):
        assert getattr(support, method)(f"{path}?reason=Ticket+4711+total", {}, format="json").status_code == 405


def test_what_cannot_be_logged_is_not_shown(support, user, monkeypatch) -> None:
    def fail(**_: object) -> None:
        raise DatabaseError("the log is full")

    monkeypatch.setattr(AuditEntry.objects, "create", fail)
    support.raise_request_exception = False
    for path in paths(user):
        answer = support.get(path, WHY)
        assert answer.status_code == 500
        assert b"Lidl" not in answer.content


@pytest.fixture
def entry(agent, user) -> AuditEntry:
    return AuditEntry.objects.create(
        actor_id=agent.id, actor_email=agent.email, subject_id=user.id, action="support read receipt", target="/"
    )


@pytest.mark.parametrize(
    "statement", ["UPDATE accounts_auditentry SET reason = 'none'", "DELETE FROM accounts_auditentry"]
)
def test_the_database_refuses_to_change_the_log(entry, statement: str) -> None:
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert AuditEntry.objects.get().reason == ""


def test_so_does_the_model(entry) -> None:
    for change in (
        entry.save,
        entry.delete,
        AuditEntry.objects.all().delete,
        lambda: AuditEntry.objects.update(reason="none"),
    ):
        with pytest.raises(TypeError, match="never"):
            change()


def test_entries_outlive_the_people_in_them(entry, agent, user) -> None:
    user.delete()
    agent.delete()
    assert AuditEntry.objects.get().actor_email == "agent@example.com"


@pytest.fixture
def root(make_user):
    user = make_user("root@example.com")
    user.is_staff = user.is_superuser = True
    user.save()
    return user


def admin_of(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_what_is_looked_at_or_changed_in_the_admin_is_logged_with_whose_it_is(root, user, api) -> None:
    receipt = read_receipt(user)
    pages = admin_of(root)
    assert pages.get("/admin/").status_code == 200
    assert pages.get("/admin/receipts/receipt/").status_code == 200
    assert pages.get(f"/admin/receipts/receipt/{receipt.id}/change/").status_code == 200
    assert pages.get(f"/admin/accounts/user/{user.id}/change/").status_code == 200
    assert pages.get(f"/admin/accounts/user/{user.id}/password/").status_code == 200
    assert pages.post(f"/admin/receipts/receipt/{receipt.id}/delete/", {"post": "yes"}).status_code == 302
    logged = [(e.action, e.subject_id) for e in AuditEntry.objects.order_by("id")]
    assert logged == [
        ("admin GET receipts_receipt_changelist", None),
        ("admin GET receipts_receipt_change", user.id),
        ("admin GET accounts_user_change", user.id),
        ("admin GET auth_user_password_change", user.id),
        ("admin POST receipts_receipt_delete", user.id),
    ]
    assert len(api.get("/api/v1/auth/accesses/").json()["results"]) == 4


def test_who_is_not_let_into_the_admin_is_not_logged_as_staff(user) -> None:
    assert admin_of(user).get("/admin/receipts/receipt/").status_code == 302
    assert Client().get("/admin/receipts/receipt/").status_code == 302
    assert not AuditEntry.objects.exists()


def test_the_log_can_be_read_in_the_admin_and_not_changed(root, entry) -> None:
    pages = admin_of(root)
    assert pages.get("/admin/accounts/auditentry/").status_code == 200
    assert pages.get(f"/admin/accounts/auditentry/{entry.pk}/change/").status_code == 200
    assert pages.get("/admin/accounts/auditentry/add/").status_code == 403
    assert pages.post(f"/admin/accounts/auditentry/{entry.pk}/change/", {"reason": "none"}).status_code == 403
    assert pages.post(f"/admin/accounts/auditentry/{entry.pk}/delete/", {"post": "yes"}).status_code == 403
