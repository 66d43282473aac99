"""What can go wrong while a receipt is read, sorted by what the caller should do about it."""

from __future__ import annotations


class ExtractionError(Exception):
    """The receipt could not be read, and trying the same bytes again will not help."""


class RetryableExtractionError(ExtractionError):
    """The reader is unwell (rate limit, outage, time-out): the same bytes may well be read later.

    Attributes:
        retry_after: Seconds the reader asked us to wait; None where it did not say.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class NotYetError(RetryableExtractionError):
    """Others have their turn first: a limit, or somebody who reads the same image. Waiting is not an attempt.

    `retry_after` is always set.
    """


class RejectedImageError(ExtractionError):
    """The bytes are not a photograph we are willing to open.

    Attributes:
        reason: One sentence for the person who uploaded it.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
