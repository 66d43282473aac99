"""Reading receipts: one interface, two engines. Knows nothing of Django, queues or storage."""

from __future__ import annotations

from extraction.errors import ExtractionError, RejectedImageError, RetryableExtractionError
from extraction.schema import Engine, Extraction, Item

__all__ = [
    "Engine",
    "Extraction",
    "ExtractionError",
    "Item",
    "RejectedImageError",
    "RetryableExtractionError",
    "engine_for",
]


def engine_for(*, name: str, openai_api_key: str | None = None, openai_model: str | None = None) -> Engine:
    """The engine of that name. Cheap: models are loaded and connections opened at the first receipt.

    Args:
        name: `local` or `openai`.
        openai_api_key: Needed by `openai` only.
        openai_model: Needed by `openai` only.

    Raises:
        ValueError: Unknown name, or the OpenAI engine without its key or model.
    """
    if name == "local":
        from extraction.local import LocalEngine

        return LocalEngine()
    if name == "openai":
        if not openai_api_key or not openai_model:
            raise ValueError("the openai engine needs OPENAI_API_KEY and OPENAI_MODEL")
        from extraction.openai_engine import OpenAIEngine

        return OpenAIEngine(api_key=openai_api_key, model=openai_model)
    raise ValueError(f"EXTRACTION_ENGINE is {name!r}; it must be 'local' or 'openai'")
