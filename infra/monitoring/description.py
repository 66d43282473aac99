"""The text of an alarm: what it means, then one `key: value` to a line, which people and `functions/notify` read."""

from __future__ import annotations

from collections.abc import Mapping

MAX_LENGTH = 1024
"""Characters of an alarm's description (PutMetricAlarm)."""


def render(meaning: str, facts: Mapping[str, str]) -> str:
    """Raises ValueError for a text that CloudWatch would refuse, or that could not be read back."""
    for key, value in {"meaning": meaning, **facts}.items():
        if not value or "\n" in value:
            raise ValueError(f"{key} of an alarm is {value!r}: it needs one line")
    text = "\n".join([meaning, *(f"{key}: {value}" for key, value in facts.items())])
    if len(text) > MAX_LENGTH:
        raise ValueError(f"an alarm's description has {len(text)} characters, CloudWatch takes {MAX_LENGTH}: {text}")
    return text
