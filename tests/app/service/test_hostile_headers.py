"""Headers and addresses by which somebody tries to be somewhere or somebody else, or to leave something in a cache."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from django.test import Client
from gunicorn_process import Gunicorn, gunicorn, statuses
from support import read_receipt

APP = Path(__file__).resolve().parents[3] / "app_src"
OTHER = "evil.example"
READS = pytest.mark.django_db(databases=["default", "reader"], transaction=True)


@pytest.fixture
def member(user) -> Client:
    browser = Client()
    browser.force_login(user)
    return browser


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-Host": OTHER}, {"X-Host": OTHER}, {"X-Forwarded-Server": OTHER}, {"Forwarded": f"host={OTHER}"},
        {"X-Original-URL": f"//{OTHER}/"}, {"X-Rewrite-URL": f"//{OTHER}/"}, {"X-HTTP-Host-Override": OTHER},
        {"X-Forwarded-Prefix": f"//{OTHER}"}, {"X-Forwarded-Scheme": "javascript"},
        {"X-HTTP-Method-Override": "DELETE"},
    ],
    ids=lambda headers: next(iter(headers)),
)  # fmt: skip
def test_no_header_moves_us_elsewhere(api, member, user, headers) -> None:
    """What differed by such a header could be kept for everybody by a cache that does not look at it."""
    for _ in range(2):
        read_receipt(user)
    for client, path in ((api, "/api/v1/receipts/?page_size=1"), (Client(), "/"), (Client(), "/login/?next=/inbox/")):
        plain, told = client.get(path), client.get(path, headers=headers)
        assert told.status_code == plain.status_code == 200
        assert OTHER not in told.content.decode() and OTHER not in str(told.headers)
    assert member.get("/inbox/", headers=headers).status_code == 200
    redirected = Client().get("/inbox/", headers=headers)
    assert redirected.headers["Location"] == "/login/?next=/inbox/"


@pytest.mark.parametrize(
    "host", [OTHER, f"localhost@{OTHER}", f"localhost.{OTHER}", f"localhost:80.{OTHER}", "localhost "]
)
def test_another_host_is_refused(db, host) -> None:
    assert Client().get("/", headers={"Host": host}).status_code == 400


@pytest.mark.parametrize(
    "wanted",
    [
        f"https://{OTHER}/", f"//{OTHER}/", f"///{OTHER}/", f"/\\{OTHER}/", f"\\\\{OTHER}/", f"https:{OTHER}",
        "javascript:alert(1)", f"http://testserver@{OTHER}/", f"/%09/{OTHER}", f"\t//{OTHER}/", "data:text/html,x",
    ],
)  # fmt: skip
def test_the_login_leads_to_no_other_site(make_user, wanted) -> None:
    login = {"email": "ann@example.com", "password": "correct horse battery"}
    make_user(**login)
    answer = Client().post("/login/", {**login, "next": wanted})
    assert answer.status_code == 302
    assert answer.headers["Location"] in ("/inbox/", f"/%09/{OTHER}")  # the second is a path of ours


@pytest.mark.parametrize(
    "path",
    [
        "/static/../inbox/", "/static/..%2finbox/", "/static/%2e%2e/inbox/", "/inbox/%2fstatic/x.css", "/inbox/x.css",
        "/inbox/;x.css", "/inbox%3fx.css", "/api/v1/receipts/x.css",
    ],
)  # fmt: skip
def test_no_page_of_a_person_can_be_taken_for_a_file(member, user, path) -> None:
    """Cache deception: what is under /static/ or looks like a file is kept for everybody."""
    read_receipt(user, merchant="A private matter")
    answer = member.get(path)
    assert answer.status_code in (301, 302, 404)
    assert b"A private matter" not in answer.content


@READS
@pytest.mark.parametrize("path", ["/inbox/", "/spending/", "/settings/", "/login/"])
def test_pages_are_kept_by_no_cache_in_between(member, path) -> None:
    kept = member.get(path).headers.get("Cache-Control", "")
    assert "public" not in kept and "s-maxage" not in kept


@READS
def test_what_is_read_from_a_picture_is_text_and_nothing_else(member, api, user) -> None:
    hostile = '<script>alert(1)</script><img src=x onerror=1> http://169.254.169.254/latest/ {{7*7}} =HYPERLINK("x")'
    made = read_receipt(user, merchant=hostile, text=hostile)
    for path in ("/inbox/", f"/inbox/{made.id}/", "/spending/"):
        page = member.get(path).content.decode()
        assert (
            "<script>alert" not in page
            and "<img src=x" not in page
            and "{{7*7}}" not in page.replace("{{7*7}} =HYPERLINK", "")
        )
    assert api.get(f"/api/v1/receipts/{made.id}/").json()["merchant"] == hostile


_CLIENTS = {"requests", "httpx", "httpx2", "urllib.request", "urllib3", "http.client", "aiohttp", "socket", "ftplib"}
_MAY_ASK = {
    "extraction/openai_engine.py": "OpenAI, at the address of the settings",
    "batches/collection.py": "the same, errors of its client",
    "spendsmart/tracing/export.py": "X-Ray, at its region's address",
    "spendsmart/web_worker.py": "answers, and asks nobody",
    "spendsmart/health.py": "servers of the settings",
    "healthcheck.py": "its own container",
}
"""Modules that can open a connection by an address: none of them gets one from a person (no SSRF)."""


def test_nothing_of_ours_follows_an_address_that_a_person_gave() -> None:
    found = {
        path.relative_to(APP).as_posix()
        for path in APP.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if (isinstance(node, ast.Import) and any(alias.name in _CLIENTS for alias in node.names))
        or (isinstance(node, ast.ImportFrom) and node.module in _CLIENTS)
    }
    assert found == set(_MAY_ASK)


def test_no_field_takes_an_address() -> None:
    """No model and no form has a field for a URL: there is nothing to be fetched, and no webhook."""
    from django.apps import apps
    from django.db import models

    ours = [model for model in apps.get_models() if not model.__module__.startswith("django")]
    assert not [field for model in ours for field in model._meta.get_fields() if isinstance(field, models.URLField)]


@pytest.fixture(scope="module")
def server(django_db_setup, tmp_path_factory) -> Gunicorn:
    with gunicorn(
        tmp_path_factory.mktemp("web"), WEB_THREADS="2", WEB_WAIT_SECONDS="2", WEB_ARRIVAL_SECONDS="2"
    ) as running:
        yield running


BEGIN = b"POST /livez HTTP/1.1\r\nHost: localhost\r\n"
HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "request_bytes",
    [
        pytest.param(BEGIN + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + HIDDEN, id="CL.TE"),
        pytest.param(BEGIN + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n2c\r\n" + HIDDEN, id="TE.CL"),
        pytest.param(
            BEGIN + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n" + HIDDEN, id="TE.TE"
        ),
        pytest.param(BEGIN + b"Transfer-Encoding : chunked\r\nContent-Length: 3\r\n\r\nabc" + HIDDEN, id="space"),
        pytest.param(BEGIN + b"Transfer-Encoding: xchunked\r\nContent-Length: 3\r\n\r\nabc" + HIDDEN, id="xchunked"),
        pytest.param(BEGIN + b"Content-Length: 0\r\nContent-Length: 44\r\n\r\n" + HIDDEN, id="two lengths"),
        pytest.param(BEGIN + b"Content-Length: 0, 44\r\n\r\n" + HIDDEN, id="a list of lengths"),
        pytest.param(BEGIN + b"Content-Length: +5\r\n\r\nabcde" + HIDDEN, id="a signed length"),
        pytest.param(BEGIN + b"Content-Length: 0x5\r\n\r\nabcde" + HIDDEN, id="a hexadecimal length"),
        pytest.param(BEGIN + b"X: a\r\n Content-Length: 44\r\n\r\n" + HIDDEN, id="obs-fold"),
        pytest.param(BEGIN + b"X: a\nContent-Length: 44\r\n\r\n" + HIDDEN, id="bare LF"),
        pytest.param(BEGIN + b"X: a\rContent-Length: 44\r\n\r\n" + HIDDEN, id="bare CR"),
        pytest.param(BEGIN + b"X: a\0b\r\n\r\n" + HIDDEN, id="NUL"),
    ],
)
def test_a_request_that_could_be_read_in_two_ways_is_refused_and_its_connection_closed(server, request_bytes) -> None:
    """The second request of the stream is never answered as one of its own: /hidden would be a 404."""
    found = statuses(server.answer(request_bytes))
    assert len(found) == 1 and found[0] in (400, 408, 411, 501), found


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("header", [b"SCRIPT_NAME: /evil", b"PATH_INFO: /hidden", b"X_FORWARDED_HOST: evil.example"])
def test_headers_with_underscores_say_nothing(server, header) -> None:
    answer = server.answer(b"GET /inbox/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + header + b"\r\n\r\n")
    assert statuses(answer) == [302] and b"evil" not in answer
