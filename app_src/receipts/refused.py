"""What a receipt's state forbids."""

from __future__ import annotations


class RefusedError(Exception):
    """Not now, or not at all: `code` says why in a word, the message in a sentence."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code
