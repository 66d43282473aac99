"""What no log line and no span may say: tokens, keys, passwords, card numbers, e-mail addresses, URLs of images.

The last step before either leaves the process, so that it sees what Django, Celery and the libraries say as well,
tracebacks included. It is a net, not a licence: nobody logs these on purpose.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

REMOVED = "[removed]"

_NAMES = frozenset(
    [
        *("password", "passwd", "secret", "token", "access", "refresh", "authorization", "cookie", "api_key"),
        *("set_cookie", "sessionid", "csrftoken", "csrfmiddlewaretoken", "access_token", "refresh_token"),
        *("private_key", "email", "signature", "x_amz_signature", "x_amz_security_token", "policy", "upload"),
    ]
)
"""Keys whose values go, whatever they are; a hyphen counts as an underscore."""

_UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_URL = r"[^\s\"'<>\\]"
_PARAMETERS = "password|passwd|token|access|refresh|api_key|access_token|refresh_token|sessionid|csrftoken"

_PATTERNS = (
    # An image by its address, signed or not (`receipts.signing`): /receipts/<user>/<receipt>, in S3 perhaps behind the
    # bucket's name.
    (
        ("/receipts/",),
        re.compile(rf"https?://[^/\s\"'<>\\]+(?:/[\w.-]+)?/receipts/{_UUID}/{_URL}*", re.IGNORECASE),
        REMOVED,
    ),
    # Any other signed URL: whoever has its query has what it names.
    (
        ("signature=", "x-amz-"),
        re.compile(rf"\?{_URL}*(?:Signature|X-Amz-Credential|X-Amz-Security-Token)={_URL}*", re.IGNORECASE),
        f"?{REMOVED}",
    ),
    (("=",), re.compile(rf"(?<![\w-])({_PARAMETERS})=[^\s\"'<>\\&;,]+", re.IGNORECASE), rf"\1={REMOVED}"),
    (
        ("private key-----",),
        re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)", re.DOTALL),
        REMOVED,
    ),
    (("://",), re.compile(r"(?<=://)[^/\s:@\"'\\]+:[^/\s@\"'\\]+(?=@)"), REMOVED),
    (("eyj",), re.compile(r"\beyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]*)?"), REMOVED),
    (("bearer", "basic"), re.compile(r"\b(Bearer|Basic)\s+[\w.~+/=-]{8,}", re.IGNORECASE), rf"\1 {REMOVED}"),
    (("sk-",), re.compile(r"\bsk-[\w-]{8,}"), REMOVED),
    (("akia", "asia"), re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"), REMOVED),
    (("@", "%40"), re.compile(r"[\w.+%-]+(?:@|%40)[\w-]+(?:\.[\w-]+)+"), REMOVED),
)
"""What to look for, what to put in its place, and first what no match can be without, in lower case: looking for that
takes a hundredth of the time."""

# 13 to 19 digits, perhaps in groups (ISO/IEC 7812-1); a time in milliseconds begins with a 1.
_SHORTEST_CARD = 13
_CARD = re.compile(r"(?<![\w-])[2-6](?:(?:[ -]|%20|\+)?\d){12,18}(?![\w-])")


def redact(_logger: Any, _method: str, event: Mapping[str, Any]) -> dict[str, Any]:
    """A structlog processor: the same event without what no line may say."""
    return {key: _cleaned(key, value) for key, value in event.items()}


def cleaned(text: str) -> str:
    """The text without what no line may say."""
    lower = text.lower()
    for signs, pattern, replacement in _PATTERNS:
        for sign in signs:
            if sign in lower:
                text = pattern.sub(replacement, text)
                break
    if len(text) < _SHORTEST_CARD:
        return text
    return _CARD.sub(lambda match: REMOVED if _is_card(match[0]) else match[0], text)


def _cleaned(key: Any, value: Any) -> Any:
    if isinstance(key, str) and key.lower().replace("-", "_") in _NAMES and value not in (None, ""):
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
