"""What the command says when it cannot go on."""

from __future__ import annotations


class PlanError(Exception):
    """Something is missing or cannot be read; the message is for people and says what would help."""
