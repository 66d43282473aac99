"""A server on this machine that speaks OpenAI's API over HTTP, with scripted faults and a bill of its own."""

from __future__ import annotations

from localcloud.openai_server.answers import FIELDS, USAGE, answer, fields, text
from localcloud.openai_server.batches import Batches, FakeBatch
from localcloud.openai_server.server import OpenAIServer, Received, Reply, serve

__all__ = [
    "FIELDS",
    "USAGE",
    "Batches",
    "FakeBatch",
    "OpenAIServer",
    "Received",
    "Reply",
    "answer",
    "fields",
    "serve",
    "text",
]
