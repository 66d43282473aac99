"""What a person can mend."""

from __future__ import annotations


class ScalingError(Exception):
    """The simulation cannot be done; the message says why and what to do."""
