"""The OpenTelemetry SDK, and what of Django, Celery, psycopg2, botocore and redis-py is traced by it."""

from __future__ import annotations

import os

from django.conf import settings
from opentelemetry import trace
from opentelemetry.instrumentation.botocore import BotocoreInstrumentor
from opentelemetry.instrumentation.celery import CeleryInstrumentor
from opentelemetry.instrumentation.django import DjangoInstrumentor
from opentelemetry.instrumentation.psycopg2 import Psycopg2Instrumentor
from opentelemetry.instrumentation.redis import RedisInstrumentor
from opentelemetry.propagate import set_global_textmap
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

from spendsmart.tracing.export import EXPORT_SECONDS, CleaningExporter, xray
from spendsmart.tracing.propagation import IdGenerator, Propagator, sampler

# Health checks are answered before; everything after, authentication included, belongs to the request.
_BEHIND = "spendsmart.health.HealthMiddleware"


def install(role: str, *, exporter: SpanExporter | None = None) -> TracerProvider:
    """`exporter` takes the place of X-Ray."""
    # The names of attributes that OpenTelemetry holds to, instead of those from before it had decided.
    os.environ.setdefault("OTEL_SEMCONV_STABILITY_OPT_IN", "http,database")
    provider = TracerProvider(
        sampler=sampler(settings.TRACING_SAMPLE_PERCENT),
        id_generator=IdGenerator(),
        resource=Resource(
            {
                "service.name": f"spendsmart-{role}",
                "service.version": settings.RELEASE or "unknown",
                "deployment.environment.name": settings.ENVIRONMENT,
            }
        ),
    )
    provider.add_span_processor(BatchSpanProcessor(CleaningExporter(exporter or xray(settings.AWS_REGION))))
    trace.set_tracer_provider(provider)
    set_global_textmap(Propagator())
    DjangoInstrumentor().instrument(middleware_position=settings.MIDDLEWARE.index(_BEHIND) + 1)
    CeleryInstrumentor().instrument()
    Psycopg2Instrumentor().instrument()
    BotocoreInstrumentor().instrument()
    RedisInstrumentor().instrument()
    return provider


def finish() -> None:
    provider = trace.get_tracer_provider()
    if isinstance(provider, TracerProvider):
        provider.force_flush(int(EXPORT_SECONDS * 1000))
