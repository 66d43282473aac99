"""A request that would be served at another time."""

from __future__ import annotations


class NotNowError(Exception):
    """`status` is 429 where the account has used up what it may, 503 where everybody has; `wait` in seconds."""

    def __init__(self, message: str, *, status: int, wait: float) -> None:
        super().__init__(message)
        self.status = status
        self.wait = wait
