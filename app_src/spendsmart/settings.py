"""Settings of SpendSmart, all of them from the environment that the task definition gives (see `environment.py`).

Nothing here differs between environments but by a variable, and there is no debug mode.
"""

from __future__ import annotations

import os
import warnings
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

from celery.schedules import schedule
from kombu import Queue

from spendsmart.environment import Environment
from spendsmart.logging import configure

BASE_DIR = Path(__file__).resolve().parent.parent

env = Environment()
ENVIRONMENT = env.text("SPENDSMART_ENVIRONMENT")
# Says nothing about what is in the image, but whether it is the one that was meant. Empty outside of the platform.
RELEASE = env.optional("RELEASE")
SECRET_KEY = env.secret("DJANGO_SECRET_KEY")
JWT_SIGNING_SECRET_ARN = env.text("JWT_SIGNING_SECRET_ARN")
ALLOWED_HOSTS = env.names("ALLOWED_HOSTS")
ALLOWED_ORIGINS = env.names("ALLOWED_ORIGINS")
SCRATCH_DIR = Path(env.text("SCRATCH_DIR"))
LOG_LEVEL = env.one_of("LOG_LEVEL", "DEBUG", "INFO", "WARNING", "ERROR")

# Percent of requests and scheduled tasks that are traced; 0 for none.
TRACING_SAMPLE_PERCENT = env.share("TRACING_SAMPLE_PERCENT")

AWS_REGION = env.text("AWS_REGION")
RECEIPTS_BUCKET = env.text("RECEIPTS_BUCKET")
RECEIPTS_KMS_KEY_ID = env.text("RECEIPTS_KMS_KEY_ID")
# Previews share a bucket and a broker: each keeps to keys that begin like this, and may touch no others.
OBJECT_PREFIX = env.optional("OBJECT_PREFIX") or ""
BROKER_PREFIX = env.optional("BROKER_PREFIX") or ""
# CloudWatch bills every metric: what lives for hours writes its figures into the log and publishes none.
PUBLISH_METRICS = env.optional("PUBLISH_METRICS") != "no"
IN_PREVIEW = env.optional("IN_PREVIEW") == "yes"
# Text is recognized in a process that ends with the picture, where memory is dearer than a second of processor.
READ_APART = env.optional("READ_APART") == "yes"
PREVIEW_ACCESS_TOKEN = env.optional("PREVIEW_ACCESS_TOKEN")
UPLOAD_MAX_BYTES = env.integer("UPLOAD_MAX_BYTES")
UPLOAD_EXPIRY_SECONDS = env.integer("UPLOAD_EXPIRY_SECONDS")

# What is beyond is refused, and told when to come back (docs/backpressure.md).
USER_REQUESTS_PER_MINUTE = env.integer("USER_REQUESTS_PER_MINUTE")
USER_RECEIPTS_PER_DAY = env.integer("USER_RECEIPTS_PER_DAY")
QUEUED_RECEIPTS = env.integer("QUEUED_RECEIPTS")
QUEUED_RECEIPTS_BULK_PERCENT = env.share("QUEUED_RECEIPTS_BULK_PERCENT")

# With a domain, pictures come through CloudFront by URLs that are signed here; without, straight from S3.
IMAGE_DOMAIN = env.optional("IMAGE_DOMAIN")
IMAGE_KEY_PAIR_ID = env.text("IMAGE_KEY_PAIR_ID") if IMAGE_DOMAIN else None
IMAGE_SIGNING_KEY = env.private_key("IMAGE_SIGNING_KEY") if IMAGE_DOMAIN else None
if IMAGE_SIGNING_KEY is None:
    IMAGE_DOMAIN = None

EXTRACTION_ENGINE = env.one_of("EXTRACTION_ENGINE", "local", "openai")
OPENAI_MODEL = env.text("OPENAI_MODEL")
OPENAI_STRONG_MODEL = env.text("OPENAI_STRONG_MODEL")
OPENAI_REQUESTS_PER_MINUTE = env.integer("OPENAI_REQUESTS_PER_MINUTE")
OPENAI_TOKENS_PER_MINUTE = env.integer("OPENAI_TOKENS_PER_MINUTE")
OPENAI_DAILY_BUDGET_USD = env.integer("OPENAI_DAILY_BUDGET_USD", least=0)
OPENAI_ESCALATION_PERCENT = env.integer("OPENAI_ESCALATION_PERCENT", least=0)
OPENAI_BATCH_AFTER_MINUTES = env.integer("OPENAI_BATCH_AFTER_MINUTES")
# The SDK's own address unless set: for tests and for gateways that speak OpenAI's protocol.
OPENAI_BASE_URL = env.optional("OPENAI_BASE_URL")
OPENAI_API_KEY = env.text("OPENAI_API_KEY") if EXTRACTION_ENGINE == "openai" else env.optional("OPENAI_API_KEY")
# The stack makes the secret with a random value. Until a key of OpenAI's is put in its place, receipts are read here.
if EXTRACTION_ENGINE == "openai" and not OPENAI_API_KEY.startswith("sk-"):
    EXTRACTION_ENGINE = "local"

DEBUG = False
ROOT_URLCONF = "spendsmart.urls"
WSGI_APPLICATION = "spendsmart.wsgi.application"

INSTALLED_APPS = [
    "spendsmart",  # before Django's own, whose migrate command it replaces
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django_filters",
    "django_structlog",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "rest_framework",
    "accounts",
    "receipts",
    "openai_gateway",
    "batches",
    "analytics",
    "pages",
]

MIDDLEWARE = [
    # First, so that every answer says it, errors included.
    "spendsmart.release.ReleaseMiddleware",
    # Health checks come with the task's address as host name: they are answered before hosts are checked.
    "spendsmart.health.HealthMiddleware",
    # Before requests are logged: the token in a link is in no log of ours.
    *(["spendsmart.preview.PreviewMiddleware"] if IN_PREVIEW else []),
    "django.middleware.security.SecurityMiddleware",
    "spendsmart.security.HeadersMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "spendsmart.request_log.RequestLogMiddleware",
    "spendsmart.database.PinMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.audit.AdminAuditMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "pages.errors.OutageMiddleware",
    "pages.throttling.QuotaMiddleware",
    "spendsmart.reads_go_on.ReadsGoOnMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# ---- Databases: one server process, PgBouncer, offers the writer and the reader under two names ----
_server = {
    "ENGINE": "django.db.backends.postgresql",
    "HOST": env.text("DATABASE_HOST"),
    "PORT": env.integer("DATABASE_PORT"),
    "USER": env.text("DATABASE_USERNAME"),
    "PASSWORD": env.text("DATABASE_PASSWORD"),
    "CONN_MAX_AGE": 60,
    "CONN_HEALTH_CHECKS": True,
    # In transaction pooling the next query may meet another server connection, which knows no such cursor.
    "DISABLE_SERVER_SIDE_CURSORS": True,
    "OPTIONS": {
        "sslmode": env.one_of("DATABASE_SSLMODE", "disable", "require", "verify-full"),
        "connect_timeout": 5,
    },
}
DATABASES = {
    "default": {**_server, "NAME": env.text("DATABASE_NAME")},
    "reader": {**_server, "NAME": env.text("DATABASE_READER_NAME"), "TEST": {"MIRROR": "default"}},
}
DATABASE_ROUTERS = ["spendsmart.database.ReplicaRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"


# ---- Broker and cache: two Valkey servers, TLS, one user each ----
def _valkey(role: str) -> str:
    user, password = quote(env.text(f"{role}_USERNAME"), safe=""), quote(env.text(f"{role}_PASSWORD"), safe="")
    return f"rediss://{user}:{password}@{env.text(f'{role}_HOST')}:{env.integer(f'{role}_PORT')}/0"


BROKER_URL = _valkey("BROKER")
CACHE_URL = _valkey("CACHE")
# The SDK's own variable names the authorities that we trust, where the system's are not enough.
TLS_AUTHORITIES = os.environ.get("AWS_CA_BUNDLE") or None
_tls = {"ssl_cert_reqs": "required", "ssl_ca_certs": TLS_AUTHORITIES}

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": CACHE_URL,
        "KEY_PREFIX": ENVIRONMENT,
        "OPTIONS": {
            **_tls,
            "socket_timeout": 2,
            "socket_connect_timeout": 2,
            "serializer": "spendsmart.cache.JsonSerializer",
        },
    }
}

CELERY_BROKER_URL = BROKER_URL
CELERY_BROKER_USE_SSL = {"ssl_cert_reqs": "required", **({"ssl_ca_certs": TLS_AUTHORITIES} if TLS_AUTHORITIES else {})}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
QUEUES = ("interactive", "bulk", "default")
CELERY_TASK_QUEUES = [Queue(name, routing_key=name) for name in QUEUES]
CELERY_TASK_CREATE_MISSING_QUEUES = False
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CONSUMER = "spendsmart.consumer:PatientConsumer"
CELERY_TASK_TIME_LIMIT = 120
CELERY_TASK_SOFT_TIME_LIMIT = 90
# A request that cannot send its message does not wait long: the sweeper sends it later.
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0.1}
# A task that runs longer than this is delivered a second time: it must exceed the time limit.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 600,
    # A broker that hangs holds up a request, and a worker asks for one second at a time.
    "socket_timeout": 5,
    "socket_connect_timeout": 5,
    "socket_keepalive": True,
    "health_check_interval": 25,
    "global_keyprefix": BROKER_PREFIX,
}
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# Metrics are lines on standard output that must arrive as they are.
CELERY_WORKER_REDIRECT_STDOUTS = False
CELERY_TIMEZONE = "UTC"


def _every(interval: timedelta, task: str) -> dict[str, object]:
    """An entry of beat's schedule; one that waited until the next one is due is of no use."""
    return {"task": task, "schedule": schedule(interval), "options": {"expires": int(interval.total_seconds())}}


CELERY_BEAT_SCHEDULE = {
    "sweep receipts": _every(timedelta(seconds=30), "receipts.tasks.sweep"),
    # Who waits for a turn at OpenAI has been told a time to the second.
    "wake receipts": _every(timedelta(seconds=5), "receipts.tasks.wake"),
    "run batches": _every(timedelta(seconds=60), "batches.tasks.run"),
    "sweep budgets": _every(timedelta(minutes=15), "analytics.tasks.sweep_budgets"),
    "sweep deleted receipts": _every(timedelta(minutes=15), "receipts.tasks.sweep_deleted"),
    # Those of the pages, which are Django's, and those of the API.
    "clear sessions": _every(timedelta(hours=1), "pages.tasks.clear_sessions"),
    "clear token families": _every(timedelta(hours=1), "accounts.tasks.clear_sessions"),
}
DJANGO_STRUCTLOG_CELERY_ENABLED = True

# ---- Accounts ----
AUTH_USER_MODEL = "accounts.User"
LOGIN_URL = "pages:login"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}Validator"}
    # At least eight characters, as NIST SP 800-63B asks for, which asks for no mixture of kinds of them.
    for name in ("UserAttributeSimilarity", "MinimumLength", "CommonPassword", "NumericPassword")
]
SIMPLE_JWT = {
    # The keys come from Secrets Manager (`accounts.signing_keys`); without one here, nothing signs by mistake.
    "SIGNING_KEY": "",
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=10),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=14),
    "ISSUER": f"spendsmart-{ENVIRONMENT}",
    "UPDATE_LAST_LOGIN": False,
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["spendsmart.parsers.StrictJSONParser"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "spendsmart.pagination.NewestFirst",
    "PAGE_SIZE": 20,
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_THROTTLE_CLASSES": ["accounts.throttles.UserThrottle"],
    "EXCEPTION_HANDLER": "spendsmart.errors.api_error",
    # Behind the CDN many people come from one address; the firewall in front sees, and limits, each one's own.
    "DEFAULT_THROTTLE_RATES": {"account": "10/min", "address": "300/min"},
    # One proxy, the load balancer, appends its client's address to X-Forwarded-For.
    "NUM_PROXIES": 1,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "SpendSmart",
    "DESCRIPTION": "Receipts go in, spending comes out.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "spendsmart.openapi.add_errors"],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

# ---- Security: the load balancer ends TLS and says so; without a certificate everything is plain HTTP ----
# The load balancer overwrites this header; nobody else reaches the tasks.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# Where one of the addresses is plain HTTP, a cookie for HTTPS alone would shut its users out.
_https = bool(ALLOWED_ORIGINS) and all(origin.startswith("https://") for origin in ALLOWED_ORIGINS)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _https
SECURE_HSTS_SECONDS = 31_536_000 if _https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = _https
SILENCED_SYSTEM_CHECKS = [
    "security.W008",  # the load balancer redirects to HTTPS
    "security.W021",  # preloading binds a whole domain for good: its owner's decision
    # No certificate, no HTTPS: no HSTS, no secure cookies.
    *([] if _https else ["security.W004", "security.W012", "security.W016"]),
]
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
CSRF_TRUSTED_ORIGINS = ALLOWED_ORIGINS
CSRF_FAILURE_VIEW = "pages.errors.csrf_failure"
DATA_UPLOAD_MAX_MEMORY_SIZE = 262_144

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "spendsmart.static.StaticFiles"},
}
WHITENOISE_USE_FINDERS = not STATIC_ROOT.exists()
if WHITENOISE_USE_FINDERS:
    # Run from a source tree: nothing was collected, the files are served from where they lie.
    warnings.filterwarnings("ignore", "No directory at", UserWarning)

LOGGING_CONFIG = None
configure(LOG_LEVEL)
env.check()
