"""Cheap, repeated reading of the AWS API: each answer is kept for a while."""

from __future__ import annotations

import time
from typing import Any

from localcloud import aws


class Reader:
    """One region's API. `seconds` says how old an answer may be; not safe to share between threads."""

    def __init__(self, region: str) -> None:
        self.region = region
        self._kept: dict[tuple[Any, ...], tuple[float, Any]] = {}

    def all(self, service: str, operation: str, key: str, *, seconds: float = 0, **arguments: Any) -> list[Any]:
        """The items under `key` of every page of an answer. Raises botocore's errors."""
        client = aws.client(service, self.region)

        def ask() -> list[Any]:
            if not client.can_paginate(operation):
                return list(getattr(client, operation)(**arguments).get(key, []))
            pages = client.get_paginator(operation).paginate(**arguments)
            return [item for page in pages for item in page.get(key, [])]

        return list(self._keep((service, operation, repr(arguments)), seconds, ask))

    def one(self, service: str, operation: str, *, seconds: float = 0, **arguments: Any) -> dict[str, Any]:
        """A whole answer. Raises botocore's errors."""
        client = aws.client(service, self.region)
        found: dict[str, Any] = self._keep(
            (service, operation, repr(arguments)), seconds, lambda: getattr(client, operation)(**arguments)
        )
        return found

    def _keep(self, key: tuple[Any, ...], seconds: float, ask: Any) -> Any:
        now = time.monotonic()
        if len(self._kept) > 2000:  # answers about what is long gone
            self._kept.clear()
        kept = self._kept.get(key)
        if kept is None or now > kept[0] + seconds:
            kept = (now, ask())
            self._kept[key] = kept
        return kept[1]
