"""The Celery application."""

from __future__ import annotations

import os

from celery import Celery, signals
from django_structlog.celery.steps import DjangoStructLogInitStep

from spendsmart import tracing
from spendsmart.beat_thread import BeatThread
from spendsmart.heartbeat import beat

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "spendsmart.settings")

app = Celery("spendsmart")
app.config_from_object("django.conf:settings", namespace="CELERY")
# Log lines of a task carry its id and that of the request that sent it.
app.steps["worker"].add(DjangoStructLogInitStep)
if os.environ.get("WORKER_WITH_BEAT") == "yes":
    app.steps["worker"].add(BeatThread)
app.autodiscover_tasks()


@signals.setup_logging.connect
def _keep_our_logging(**_: object) -> None:
    """Connected so that Celery leaves the logging alone that the settings have set up."""


@signals.heartbeat_sent.connect
def _touch_heartbeat(**_: object) -> None:
    beat()


@signals.worker_init.connect
def _start_tracing(**_: object) -> None:
    """In the process that the others are forked from. Beat has nothing to trace: each task it sends begins a trace."""
    tracing.start("worker")


@signals.worker_process_shutdown.connect
def _stop_tracing(**_: object) -> None:
    tracing.stop()
