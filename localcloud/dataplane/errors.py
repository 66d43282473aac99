"""What keeps a resource from working, in words for the person who declared it."""

from __future__ import annotations


class PartError(Exception):
    """A resource cannot be made to work as declared; the message says what the server said."""


class UnsupportedError(PartError):
    """Something AWS has and this data plane has not."""


class NotYetError(PartError):
    """A resource waits for something that is on its way; nothing is wrong."""
