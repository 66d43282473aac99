"""Waivers: findings that somebody answers for. They stand in the template, beside the resource they are about.

```yaml
Metadata:
  preflight:
    waivers:
      - rule: ELB-40
        reason: the test listener is reached from the office network only, which the security group holds
        owner: platform@example.com
        expires: 2027-03-31
```
A waiver counts for its rule and its resource only (for a stack-wide finding: in the template's own Metadata), until
the day it expires, and only while there is something to waive.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from preflight.assembly import Resource, Stack
from preflight.values import mapping

KEY = "preflight"
MIN_REASON = 20
"""Characters; a reason of substance needs a few words."""


@dataclass(frozen=True, kw_only=True)
class Waiver:
    """One acknowledged finding: who answers for it, why, and until when (that day included)."""

    rule: str
    reason: str
    owner: str
    expires: date


@dataclass(frozen=True)
class WaiverFault:
    """A waiver that cannot count, and why."""

    message: str


def waivers_of(owner: Resource | Stack) -> Iterator[Waiver | WaiverFault]:
    """The waivers written at a resource or a stack."""
    metadata = owner.raw.get("Metadata") if isinstance(owner, Resource) else owner.template.get("Metadata")
    ours = mapping(metadata).get(KEY)
    if ours is None:
        return
    written = mapping(ours).get("waivers")
    if not isinstance(written, list):
        yield WaiverFault("Metadata.preflight.waivers has to be a list")
        return
    for entry in written:
        yield _read(entry)


def _read(entry: Any) -> Waiver | WaiverFault:
    if not isinstance(entry, dict):
        return WaiverFault("a waiver has to name rule, reason, owner and expires")
    texts = {key: str(entry.get(key) or "").strip() for key in ("rule", "reason", "owner", "expires")}
    missing = [key for key, value in texts.items() if not value]
    if missing:
        return WaiverFault(f"the waiver of {texts['rule'] or 'some rule'} lacks {', '.join(missing)}")
    if len(texts["reason"]) < MIN_REASON:
        return WaiverFault(f"the reason for waiving {texts['rule']} says too little")
    try:
        expires = date.fromisoformat(texts["expires"])
    except ValueError:
        return WaiverFault(f"the waiver of {texts['rule']} expires on no date: {texts['expires']} (YYYY-MM-DD)")
    return Waiver(rule=texts["rule"], reason=texts["reason"], owner=texts["owner"], expires=expires)
