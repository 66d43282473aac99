"""Reading receipts: the embedded engine, and OpenAI's requests and answers. Knows nothing of Django or storage."""

from __future__ import annotations

from extraction.errors import ExtractionError, NotYetError, RejectedImageError, RetryableExtractionError
from extraction.schema import Engine, Extraction, Item, TaxLine

__all__ = [
    "Engine",
    "Extraction",
    "ExtractionError",
    "Item",
    "NotYetError",
    "RejectedImageError",
    "RetryableExtractionError",
    "TaxLine",
    "engine_for",
]


def engine_for(*, name: str) -> Engine:
    """The engine of that name. Cheap: models are loaded at the first receipt.

    `local` is the only one that answers by itself; OpenAI is asked through `openai_gateway`, which minds limits and
    bills. Raises ValueError for another name.
    """
    if name == "local":
        from extraction.local import LocalEngine

        return LocalEngine()
    raise ValueError(f"there is no engine called {name!r}")
