"""Traces by OpenTelemetry, from the load balancer's header to X-Ray (docs/tracing.md).

With TRACING_SAMPLE_PERCENT = 0 nothing of the SDK is imported and nothing is instrumented.
"""

from __future__ import annotations

from django.conf import settings


def start(role: str) -> None:
    """Trace from here on in this process and those that it forks; `role` is the part of the application, as `web`.

    Django's settings must be loaded, and no request answered yet.
    """
    if settings.TRACING_SAMPLE_PERCENT:
        from spendsmart.tracing import instruments

        instruments.install(role)


def stop() -> None:
    """Send what waits, for EXPORT_SECONDS at most: a process that ends by itself need not call this."""
    if settings.TRACING_SAMPLE_PERCENT:
        from spendsmart.tracing import instruments

        instruments.finish()
