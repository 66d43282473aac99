"""The environment that a task definition would give, for the servers of this run of the tests."""

from __future__ import annotations

import tempfile
from pathlib import Path

import servers

FOLDER = Path(tempfile.mkdtemp(prefix="spendsmart-tests-"))
PORTS = servers.Ports.choose()

ENVIRONMENT = {
    "SPENDSMART_ENVIRONMENT": "test",
    "RELEASE": "0123456789abcdef" * 4,
    "SCRATCH_DIR": str(FOLDER),
    "DATABASE_HOST": "127.0.0.1",
    "DATABASE_PORT": str(PORTS.postgres),
    "DATABASE_NAME": "spendsmart",
    "DATABASE_READER_NAME": "spendsmart",
    "DATABASE_SSLMODE": "require",
    "DATABASE_USERNAME": "spendsmart",
    "DATABASE_PASSWORD": "database password",
    "BROKER_HOST": "127.0.0.1",
    "BROKER_PORT": str(PORTS.broker),
    "BROKER_USERNAME": "broker",
    "BROKER_PASSWORD": "broker-p@ss/word",
    "CACHE_HOST": "127.0.0.1",
    "CACHE_PORT": str(PORTS.cache),
    "CACHE_USERNAME": "cache",
    "CACHE_PASSWORD": "cache-password",
    "RECEIPTS_BUCKET": "receipts",
    "RECEIPTS_KMS_KEY_ID": "to be filled in",
    "UPLOAD_MAX_BYTES": "1000000",
    "UPLOAD_EXPIRY_SECONDS": "60",
    "USER_REQUESTS_PER_MINUTE": "100000",
    "USER_RECEIPTS_PER_DAY": "100000",
    "QUEUED_RECEIPTS": "100000",
    "QUEUED_RECEIPTS_BULK_PERCENT": "50",
    "ALLOWED_HOSTS": "testserver,localhost",
    "ALLOWED_ORIGINS": "http://localhost",
    "LOG_LEVEL": "WARNING",
    "TRACING_SAMPLE_PERCENT": "0",
    "EXTRACTION_ENGINE": "local",
    "OPENAI_MODEL": "gpt-6-luna",
    "OPENAI_STRONG_MODEL": "gpt-6.1-terra",
    "OPENAI_REQUESTS_PER_MINUTE": "60",
    "OPENAI_TOKENS_PER_MINUTE": "200000",
    "OPENAI_DAILY_BUDGET_USD": "1",
    "OPENAI_ESCALATION_PERCENT": "10",
    "OPENAI_BATCH_AFTER_MINUTES": "60",
    "DJANGO_SECRET_KEY": "django-secret-key-of-the-tests-0123456789-0123456789",
    "JWT_SIGNING_SECRET_ARN": "jwt-signing-key",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ENDPOINT_URL": f"http://127.0.0.1:{PORTS.aws}",
    "AWS_ACCESS_KEY_ID": servers.ACCESS_KEY,
    "AWS_SECRET_ACCESS_KEY": servers.SECRET_KEY,
    "AWS_CA_BUNDLE": str(FOLDER / "certificate.pem"),
    "DJANGO_SETTINGS_MODULE": "spendsmart.settings",
}
