"""What the application's containers are told, and which commands they run: the platform's half of their contract.

The other half is `app_src/spendsmart/settings.py`, which refuses to start without any of these.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_secretsmanager as secretsmanager

from infra.config import Environment
from infra.database import DATABASE_NAME
from infra.fargate_task import SCRATCH, ContainerProps, HealthCheck
from infra.load_balancer import WEB_PORT

_PGBOUNCER_ADDRESS = "127.0.0.1"
_PGBOUNCER_PORT = 6432
_LONGEST_STATEMENT_SECONDS = 600
"""Where nobody waits for an answer: five times as long as a task may take."""
_READER_SUFFIX = "_reader"
"""What PgBouncer adds to the database's name for the reader (`app_src/pgbouncer_sidecar.py`)."""

_MEBIBYTE = 1024 * 1024

_SPARING = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "1048576", "MALLOC_TRIM_THRESHOLD_": "1048576"}
"""Lets the C library give back what it can, for a little more time (mallopt(3)): threads share one arena, and blocks of
a megabyte, as pictures are, go back to the system when they are free."""

RELEASE_VARIABLE = "RELEASE"
"""Names the image; the web tasks say it in the header X-Release."""

MIGRATION_LABEL = "spendsmart.migration-task-definition"
"""Docker label of the web container: the ARN of the task definition that migrates for this release."""


@dataclass(frozen=True, kw_only=True)
class Server:
    """An address that clients connect to, and its port as text (both may be tokens)."""

    host: str
    port: str


@dataclass(frozen=True, kw_only=True)
class Valkey:
    """A Valkey server, the user to log in as, and the secret that is the password."""

    server: Server
    username: str
    password: secretsmanager.ISecret


@dataclass(frozen=True, kw_only=True)
class SignedImages:
    """Where pictures are served, CloudFront's name of the public key, and the secret that holds the private one."""

    domain_name: str
    key_id: str
    signing_key: secretsmanager.ISecret


@dataclass(frozen=True, kw_only=True)
class Namespace:
    """What a tenant of shared servers keeps to: `environment` is where it believes to be, the prefixes begin each of
    its keys in the broker and in the bucket. It publishes no metrics, as each would be billed. `access_token` is what
    people need to get in, where they need one."""

    environment: str
    broker_prefix: str
    object_prefix: str
    access_token: secretsmanager.ISecret | None = None


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """Everything outside a task that the application works with. `openai_api_key` is None without OpenAI,
    `signed_images` where pictures come straight from S3, `namespace` where the servers are the application's alone."""

    writer: Server
    reader: Server
    database_login: secretsmanager.ISecret
    broker: Valkey
    cache: Valkey
    django_secret_key: secretsmanager.ISecret
    jwt_signing_secret_arn: str
    openai_api_key: secretsmanager.ISecret | None
    signed_images: SignedImages | None
    bucket_name: str
    bucket_key_id: str
    hosts: Sequence[str]
    origins: Sequence[str]
    database_name: str = DATABASE_NAME
    namespace: Namespace | None = None


class Application:
    """Makes the containers of web, worker, beat and migration for one environment, and one release."""

    def __init__(self, *, environment: Environment, surroundings: Surroundings, release: str) -> None:
        self._settings = environment
        self._around = surroundings
        self._release = release

    def pgbouncer(self, *, web: bool) -> ContainerProps:
        """Transaction pooling to the writer and to a reader, for the other container of the task, of `web` or not."""
        pools, around = self._settings.pgbouncer, self._around
        return ContainerProps(
            name="pgbouncer",
            command=["python", "-m", "pgbouncer_sidecar"],
            environment={
                "PGBOUNCER_ADDRESS": _PGBOUNCER_ADDRESS,
                "PGBOUNCER_PORT": str(_PGBOUNCER_PORT),
                "SCRATCH_DIR": SCRATCH,
                "WRITER_HOST": around.writer.host,
                "WRITER_PORT": around.writer.port,
                "READER_HOST": around.reader.host,
                "READER_PORT": around.reader.port,
                "DATABASE_NAME": around.database_name,
                "WRITER_POOL_SIZE": str(pools.writer_pool_size),
                "READER_POOL_SIZE": str(pools.reader_pool_size),
                "MAX_CLIENT_CONNECTIONS": str(pools.max_client_connections),
                "STATEMENT_SECONDS": str(
                    self._settings.limits.statement_seconds if web else _LONGEST_STATEMENT_SECONDS
                ),
            },
            secrets=self._database_login(),
            # By then its client has ended: ECS stops containers in the reverse order of their dependencies.
            stop_seconds=10,
            health_check=_health_check("pgbouncer", start_seconds=10, interval_seconds=5),
            # Declared for whoever gives tasks a shared address, as the local runner does; the security group lets
            # nobody in.
            ports=[_PGBOUNCER_PORT],
        )

    def web(self, *, migration: str | None) -> ContainerProps:
        """`migration` is the ARN of the task definition to run before tasks of this release start, where the service's
        own rollout does so."""
        web, limits, images = self._settings.web, self._settings.limits, self._around.signed_images
        signing = {"IMAGE_DOMAIN": images.domain_name, "IMAGE_KEY_PAIR_ID": images.key_id} if images else {}
        return self._django(
            name="web",
            command=["gunicorn", "--config", "gunicorn.conf.py", "spendsmart.wsgi"],
            extra={
                "PORT": str(WEB_PORT),
                "BIND_ADDRESS": "0.0.0.0",  # noqa: S104  (inside the task's own network interface)
                "WEB_WORKERS": str(web.workers),
                "WEB_THREADS": str(web.threads),
                "WEB_WAIT_SECONDS": f"{limits.wait_seconds:g}",
                "WEB_ARRIVAL_SECONDS": str(limits.arrival_seconds),
                **signing,
            },
            secrets=self._of_web_alone(),
            stop_seconds=30,
            health_check=_health_check("web", start_seconds=30),
            ports=[WEB_PORT],
            labels={MIGRATION_LABEL: migration} if migration else {},
        )

    def _of_web_alone(self) -> dict[str, ecs.Secret]:
        """Only who hands out addresses can sign them, and only who answers requests lets people in."""
        images, own = self._around.signed_images, self._around.namespace
        secrets = {}
        if images:
            secrets["IMAGE_SIGNING_KEY"] = ecs.Secret.from_secrets_manager(images.signing_key)
        if own and own.access_token:
            secrets["PREVIEW_ACCESS_TOKEN"] = ecs.Secret.from_secrets_manager(own.access_token)
        return secrets

    def worker(self, *, with_beat: bool = False) -> ContainerProps:
        """`with_beat` makes it a small one that is the scheduler, too, and recognizes text in a process that ends with
        the picture: for an environment that has exactly one worker, and little to do."""
        return self._django(
            name="worker",
            command=["python", "-m", "spendsmart.worker"],
            extra={
                "WORKER_CONCURRENCY": str(self._settings.worker.concurrency),
                "WORKER_MEMORY_MIB": str(self._settings.worker.memory_mib_per_process),
                **({"WORKER_WITH_BEAT": "yes", "READ_APART": "yes"} if with_beat else {}),
            },
            # As long as Fargate allows, and as Spot warns ahead: a receipt that is being read gets finished.
            stop_seconds=120,
            health_check=_health_check("worker", start_seconds=60),
        )

    def beat(self) -> ContainerProps:
        return self._django(
            name="beat",
            command=["python", "-m", "spendsmart.beat"],
            extra={},
            stop_seconds=30,
            health_check=_health_check("beat", start_seconds=60),
        )

    def migrate(self) -> ContainerProps:
        """Straight to the primary: migrations need what transaction pooling cannot give (locks, session settings)."""
        return self._once("migrate", ["python", "manage.py", "migrate", "--noinput"])

    def seed(self, *, password: secretsmanager.ISecret) -> ContainerProps:
        """Migrates, and fills the database with what previews begin with; `password` is that of its users."""
        secrets = {"SEED_PASSWORD": ecs.Secret.from_secrets_manager(password)}
        return self._once("seed", ["python", "manage.py", "seed_preview", "--migrate"], secrets=secrets)

    def _once(
        self, name: str, command: Sequence[str], *, secrets: Mapping[str, ecs.Secret] | None = None
    ) -> ContainerProps:
        return self._django(
            name=name,
            command=command,
            extra={
                "DATABASE_HOST": self._around.writer.host,
                "DATABASE_PORT": self._around.writer.port,
                "DATABASE_READER_NAME": self._around.database_name,
                "DATABASE_SSLMODE": "require",
            },
            secrets=secrets,
            stop_seconds=120,
            health_check=None,
        )

    def _django(
        self,
        *,
        name: str,
        command: Sequence[str],
        extra: Mapping[str, str],
        stop_seconds: int,
        health_check: HealthCheck | None,
        ports: Sequence[int] = (),
        secrets: Mapping[str, ecs.Secret] | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> ContainerProps:
        return ContainerProps(
            name=name,
            command=command,
            environment={**self._environment(), **extra},
            secrets={**self._secrets(), **(secrets or {})},
            stop_seconds=stop_seconds,
            health_check=health_check,
            ports=ports,
            labels=labels or {},
        )

    def _environment(self) -> dict[str, str]:
        settings, around = self._settings, self._around
        own = around.namespace
        apart = (
            {
                "BROKER_PREFIX": own.broker_prefix,
                "OBJECT_PREFIX": own.object_prefix,
                "PUBLISH_METRICS": "no",
                "IN_PREVIEW": "yes",
                **_SPARING,
            }
            if own
            else {}
        )
        return {
            "SPENDSMART_ENVIRONMENT": own.environment if own else settings.name,
            RELEASE_VARIABLE: self._release,
            "SCRATCH_DIR": SCRATCH,
            "LOG_LEVEL": "INFO",
            "TRACING_SAMPLE_PERCENT": f"{settings.tracing.sample_percent:g}",
            "DATABASE_HOST": _PGBOUNCER_ADDRESS,
            "DATABASE_PORT": str(_PGBOUNCER_PORT),
            "DATABASE_NAME": around.database_name,
            "DATABASE_READER_NAME": f"{around.database_name}{_READER_SUFFIX}",
            "DATABASE_SSLMODE": "disable",  # to the sidecar, inside the task; the sidecar requires TLS
            "BROKER_HOST": around.broker.server.host,
            "BROKER_PORT": around.broker.server.port,
            "BROKER_USERNAME": around.broker.username,
            "CACHE_HOST": around.cache.server.host,
            "CACHE_PORT": around.cache.server.port,
            "CACHE_USERNAME": around.cache.username,
            "RECEIPTS_BUCKET": around.bucket_name,
            "RECEIPTS_KMS_KEY_ID": around.bucket_key_id,
            "UPLOAD_MAX_BYTES": str(settings.storage.upload_max_mib * _MEBIBYTE),
            "UPLOAD_EXPIRY_SECONDS": str(settings.storage.upload_expiry_seconds),
            "USER_REQUESTS_PER_MINUTE": str(settings.limits.requests_per_minute),
            "USER_RECEIPTS_PER_DAY": str(settings.limits.receipts_per_day),
            "QUEUED_RECEIPTS": str(settings.limits.queued_receipts),
            "QUEUED_RECEIPTS_BULK_PERCENT": str(settings.limits.bulk_percent),
            "ALLOWED_HOSTS": ",".join(around.hosts),
            "ALLOWED_ORIGINS": ",".join(around.origins),
            "EXTRACTION_ENGINE": "openai" if settings.features.openai else "local",
            "OPENAI_MODEL": settings.openai.model,
            # Its name, not its value: the application reads the value itself, again and again, as it is rotated.
            "JWT_SIGNING_SECRET_ARN": around.jwt_signing_secret_arn,
            "OPENAI_STRONG_MODEL": settings.openai.strong_model,
            "OPENAI_REQUESTS_PER_MINUTE": str(settings.openai.requests_per_minute),
            "OPENAI_TOKENS_PER_MINUTE": str(settings.openai.tokens_per_minute),
            "OPENAI_ESCALATION_PERCENT": str(settings.openai.escalation_percent),
            "OPENAI_BATCH_AFTER_MINUTES": str(settings.openai.batch_after_minutes),
            "OPENAI_DAILY_BUDGET_USD": str(settings.budgets.openai_daily_usd),
            **apart,
        }

    def _secrets(self) -> dict[str, ecs.Secret]:
        around = self._around
        secrets = {
            **self._database_login(),
            "DJANGO_SECRET_KEY": ecs.Secret.from_secrets_manager(around.django_secret_key),
            "BROKER_PASSWORD": ecs.Secret.from_secrets_manager(around.broker.password),
            "CACHE_PASSWORD": ecs.Secret.from_secrets_manager(around.cache.password),
        }
        if around.openai_api_key:
            secrets["OPENAI_API_KEY"] = ecs.Secret.from_secrets_manager(around.openai_api_key)
        return secrets

    def _database_login(self) -> dict[str, ecs.Secret]:
        login = self._around.database_login
        return {
            "DATABASE_USERNAME": ecs.Secret.from_secrets_manager(login, "username"),
            "DATABASE_PASSWORD": ecs.Secret.from_secrets_manager(login, "password"),
        }


def _health_check(part: str, *, start_seconds: int, interval_seconds: int = 10) -> HealthCheck:
    return HealthCheck(
        command=["python", "healthcheck.py", part], start_seconds=start_seconds, interval_seconds=interval_seconds
    )
