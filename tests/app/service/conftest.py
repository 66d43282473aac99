"""Django with the settings that a task definition would give, on real servers."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import boto3
import django
import pytest
import servers
from replication import Replication, replication
from surroundings import ENVIRONMENT, FOLDER, PORTS

from migrations_check import released


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fuzz-examples", type=int, default=15, help="of schemathesis, for each operation")
    parser.addoption("--fuzz-paths", default="", help="a regular expression: only operations whose path has it")


def pytest_configure(config: pytest.Config) -> None:
    """pytest-django would read the settings before this file; so it is told of none, and they are loaded here.

    Not by the process that only hands tests out to others (pytest-xdist): they would inherit its environment.
    """
    if getattr(config.option, "numprocesses", None) and not hasattr(config, "workerinput"):
        return
    for name in ("AWS_SESSION_TOKEN", "AWS_PROFILE"):
        os.environ.pop(name, None)
    os.environ.update(ENVIRONMENT)
    django.setup()


VALKEY = {
    name: servers.Valkey(
        folder=FOLDER / name,
        port=int(ENVIRONMENT[f"{name.upper()}_PORT"]),
        user=ENVIRONMENT[f"{name.upper()}_USERNAME"],
        password=ENVIRONMENT[f"{name.upper()}_PASSWORD"],
        policy=policy,
    )
    for name, policy in (("broker", "noeviction"), ("cache", "allkeys-lru"))
}


def pytest_unconfigure() -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)


@contextmanager
def started() -> Iterator[dict[str, ExitStack]]:
    """Every server that the application needs, and the key that signs tokens; `broker` and `cache` can be closed."""
    servers.certificate(FOLDER)
    with ExitStack() as stack:
        stack.enter_context(servers.aws(FOLDER / "aws", PORTS.aws))
        boto3.client("secretsmanager").create_secret(
            Name=ENVIRONMENT["JWT_SIGNING_SECRET_ARN"], SecretString="jwt-signing-key-of-the-tests-0123456789ab"
        )
        stack.enter_context(servers.postgres(FOLDER / "postgres", PORTS.postgres))
        valkey = {name: stack.enter_context(ExitStack()) for name in VALKEY}
        for name, server in VALKEY.items():
            valkey[name].enter_context(server.running())
        yield valkey


LONGEST = ("test_storm", "test_schema_fuzz", "test_kills")
"""Files that take minutes: begun first, so that no process is left waiting for the other at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.stem not in LONGEST)


@pytest.fixture(scope="session")
def running_servers() -> Iterator[dict[str, ExitStack]]:
    """Everything runs; a test that closes `broker` or `cache` gets it back afterwards."""
    with started() as valkey:
        yield valkey


@pytest.fixture(scope="session")
def previous_release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the release that `app_src/RELEASED` names: its application, its tests."""
    try:
        revision = released.revision()
    except released.UnknownReleaseError as error:
        pytest.skip(f"NOT RUN, NOTHING IS KNOWN OF THE PREVIOUS RELEASE: {error}")
    folder = tmp_path_factory.mktemp("previous")
    archive = ["git", "-c", f"safe.directory={released.ROOT}", "archive", revision, "app_src", "tests/app", "docs"]
    packed = subprocess.run(archive, cwd=released.ROOT, capture_output=True, check=True)
    subprocess.run(["tar", "--extract", "--directory", folder], input=packed.stdout, check=True)
    return folder


@pytest.fixture
def lose_messages(running_servers: object) -> Callable[[], None]:
    """Empties the broker."""
    return VALKEY["broker"].empty


@pytest.fixture
def empty_cache(running_servers: object) -> Callable[[], None]:
    return VALKEY["cache"].empty


@pytest.fixture
def stop_server(running_servers: dict[str, ExitStack]) -> Iterator[Callable[[str], None]]:
    """Stops `broker` or `cache` for the rest of a test."""
    stopped: list[str] = []

    def stop(name: str) -> None:
        running_servers[name].close()
        stopped.append(name)

    yield stop
    for name in stopped:
        running_servers[name].enter_context(VALKEY[name].running())


@pytest.fixture(scope="session")
def django_db_modify_db_settings(running_servers: object) -> None:
    """pytest-django makes the test database after this: the server has to run by then."""


@pytest.fixture(scope="session")
def bucket(running_servers: object) -> str:
    from django.conf import settings

    settings.RECEIPTS_KMS_KEY_ID = boto3.client("kms").create_key()["KeyMetadata"]["Arn"]
    boto3.client("s3").create_bucket(Bucket=settings.RECEIPTS_BUCKET)
    return str(settings.RECEIPTS_BUCKET)


@pytest.fixture(scope="session")
def _replication(django_db_setup: None) -> Iterator[Replication]:
    from django.db import connections

    primary = servers.primary(FOLDER / "postgres", PORTS.postgres)
    folder = FOLDER / "replication"
    folder.mkdir()
    with replication(folder, primary, connections["default"].settings_dict["NAME"]) as made:
        yield made


@pytest.fixture
def standby(_replication: Replication, transactional_db: None) -> Iterator[Replication]:
    """A real standby behind PgBouncer, up to date at first; the test must be of both databases."""
    with _replication.in_use():
        _replication.catch_up()
        yield _replication
    _replication.mend()
    _replication.resume()


@pytest.fixture(autouse=True)
def _forget(running_servers: object) -> None:
    """Throttles, positions, messages and what is known of the databases in one test must not reach the next."""
    from receipts import admission
    from spendsmart import quota
    from spendsmart.reads_go_on import writer
    from spendsmart.replica import replica

    admission.queue.forget()
    quota.requests.forget()
    quota._resting_until = 0.0
    for server in VALKEY.values():
        server.empty()
    replica.forget()
    writer.forget()


@pytest.fixture
def make_user(db: None) -> Callable[..., object]:
    """Hashing a password takes a quarter of a second, so only who logs in has one."""
    from accounts.models import User

    def make(email: str = "ann@example.com", password: str | None = None) -> object:
        return User.objects.create_user(email, password)

    return make


@pytest.fixture
def user(make_user: Callable[..., object]) -> object:
    return make_user()


@pytest.fixture
def api_of() -> Callable[[object], object]:
    """A client that is logged in as a user, by a real access token."""
    from rest_framework.test import APIClient

    from accounts import tokens

    def client(user: object) -> object:
        made = APIClient()
        made.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens.begin(user).access}")
        return made

    return client


@pytest.fixture
def api(api_of: Callable[[object], object], user: object) -> object:
    return api_of(user)


@pytest.fixture
def openai_server(settings: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """Receipts are read by OpenAI: a server on this machine, which answers as the test tells it."""
    from extraction import openai_engine
    from localcloud.openai_server import serve

    with serve() as server:
        settings.EXTRACTION_ENGINE, settings.OPENAI_API_KEY = "openai", "sk-the-key-of-the-tests"
        settings.OPENAI_BASE_URL = server.url
        monkeypatch.setattr(openai_engine, "TIMEOUT_SECONDS", 4.0)
        monkeypatch.setattr(openai_engine, "DEADLINE_SECONDS", 4.0)
        yield server


@pytest.fixture
def recognized(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """What is recognized on every picture: a café's receipt, or the test's rows, and a number of its own."""
    from openai_support import CAFE
    from support import written

    from receipts import readings

    numbers = itertools.count(40001)

    def shows(*rows: tuple[str, str]) -> None:
        monkeypatch.setattr(readings, "recognize", lambda _photo: written((*rows, (f"No. {next(numbers)}", ""))))

    shows(*CAFE)
    return shows
