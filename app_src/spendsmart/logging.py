"""One JSON object per line on standard output, from Django, Celery and our own code alike."""

from __future__ import annotations

import logging.config
import os
from collections.abc import MutableMapping
from typing import Any

import structlog
from opentelemetry import trace

from spendsmart.redaction import redact

_RELEASE = os.environ.get("RELEASE", "")[:12]
"""As much of its name as tells one release from the others."""


def _add_release(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    event["release"] = _RELEASE
    return event


def _add_trace_id(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: lines of a task that beat sent have the trace id that the task began with."""
    current = trace.get_current_span().get_span_context()
    if current.is_valid:
        event["trace_id"] = trace.format_trace_id(current.trace_id)
    return event


_SHARED = [
    structlog.contextvars.merge_contextvars,
    _add_trace_id,
    _add_release,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
]


def dictionary(level: str) -> dict[str, Any]:
    """The standard library's logging configuration: every logger's records go to standard output from `level` up."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    redact,
                    structlog.processors.JSONRenderer(),
                ],
                "foreign_pre_chain": _SHARED,
            }
        },
        "handlers": {"stdout": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "json"}},
        # botocore says with every client where it found its credentials, openai what it sends: the picture.
        "loggers": {name: {"level": "WARNING"} for name in ("botocore", "openai", "httpx2", "httpcore2")},
        "root": {"handlers": ["stdout"], "level": level},
    }


def configure(level: str) -> None:
    """Set up the standard library's logging and structlog's."""
    logging.config.dictConfig(dictionary(level))
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
