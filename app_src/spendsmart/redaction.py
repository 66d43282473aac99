"""What no log line may say: tokens, keys, passwords, card numbers, e-mail addresses and the signatures of URLs.

The last step before a line is written, so that it sees what Django, Celery and the libraries say as well, tracebacks
included. It is a net, not a licence: nobody logs these on purpose.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

REMOVED = "[removed]"

_NAMES = frozenset(
    [
        *("password", "passwd", "secret", "token", "access", "refresh", "authorization", "cookie", "api_key"),
        *("email", "signature", "x-amz-signature", "policy", "upload"),
    ]
)
"""Keys whose values go, whatever they are."""

_PATTERNS = (
    # The query of a presigned or signed URL: whoever has it has the picture, or may write one.
    (re.compile(r"\?[^\s\"'<>\\]*(?:Signature|X-Amz-Credential|X-Amz-Security-Token)=[^\s\"'<>\\]*"), f"?{REMOVED}"),
    (re.compile(r"(?<=://)[^/\s:@\"'\\]+:[^/\s@\"'\\]+(?=@)"), REMOVED),
    (re.compile(r"\beyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]*)?"), REMOVED),
    (re.compile(r"\b(Bearer|Basic)\s+[\w.~+/=-]{8,}", re.IGNORECASE), rf"\1 {REMOVED}"),
    (re.compile(r"\bsk-[\w-]{8,}"), REMOVED),
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"), REMOVED),
    (re.compile(r"[\w.+%-]+(?:@|%40)[\w-]+(?:\.[\w-]+)+"), REMOVED),
)
# 13 to 19 digits, perhaps in groups (ISO/IEC 7812-1); a time in milliseconds begins with a 1.
_CARD = re.compile(r"(?<![\w-])[2-6](?:(?:[ -]|%20|\+)?\d){12,18}(?![\w-])")


def redact(_logger: Any, _method: str, event: Mapping[str, Any]) -> dict[str, Any]:
    """A structlog processor: the same event without what no line may say."""
    return {key: _cleaned(key, value) for key, value in event.items()}


def cleaned(text: str) -> str:
    """The text without what no line may say."""
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return _CARD.sub(lambda match: REMOVED if _is_card(match[0]) else match[0], text)


def _cleaned(key: Any, value: Any) -> Any:
    if isinstance(key, str) and key.lower() in _NAMES and value not in (None, ""):
        return REMOVED
    if value is None or isinstance(value, (bool, float)):
        return value
    if isinstance(value, int):
        return REMOVED if value > 10**12 and _CARD.fullmatch(str(value)) and _is_card(str(value)) else value
    if isinstance(value, Mapping):
        return {name: _cleaned(name, inner) for name, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return [_cleaned(None, inner) for inner in value]
    # Anything else would be written as its `repr`.
    return cleaned(value if isinstance(value, str) else repr(value))


def _is_card(text: str) -> bool:
    """By its check digit (Luhn's, ISO/IEC 7812-1, annex B)."""
    digits = [int(character) for character in reversed(text.replace("%20", "")) if character.isdigit()]
    return (sum(digits[::2]) + sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2])) % 10 == 0
