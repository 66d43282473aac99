"""Bodies of OpenAI's Responses API."""

from __future__ import annotations

import json
from typing import Any

FIELDS: dict[str, Any] = {
    "is_receipt": True, "merchant": "Corner Bean Coffee", "address": None, "purchased_on": "2026-03-14",
    "currency": "USD", "subtotal": "15.75", "tax": "1.42",
    "tax_lines": [{"rate": "9", "net": "15.75", "amount": "1.42"}], "tip": None, "total": "17.17", "payment": "card",
    "items": [{"description": "Flat White", "quantity": "2", "unit_price": "4.50", "price": "9.00"},
              {"description": "Almond Croissant", "quantity": None, "unit_price": None, "price": "4.25"},
              {"description": "Sparkling Water", "quantity": "1", "unit_price": "2.50", "price": "2.50"}],
    "category": "restaurants",
    "confidence": {"merchant": 0.98, "address": 0, "purchased_on": 0.97, "currency": 0.9, "subtotal": 0.9, "tax": 0.9,
                   "tip": 0, "total": 1.2, "payment": 0.8, "category": 0.9, "items": 0.9},
}  # fmt: skip

USAGE = {
    "input_tokens": 3000, "input_tokens_details": {"cached_tokens": 1500, "cache_write_tokens": 0},
    "output_tokens": 200, "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 3200,
}  # fmt: skip


def answer(content: dict[str, Any], **overrides: Any) -> bytes:
    """A whole response object with one message in it."""
    message = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [content]}
    return json.dumps({
        "id": "resp_1", "object": "response", "created_at": 1, "model": "test", "status": "completed", "error": None,
        "incomplete_details": None, "instructions": None, "metadata": {}, "parallel_tool_calls": True, "tools": [],
        "tool_choice": "auto", "temperature": 1, "top_p": 1, "output": [message], "usage": USAGE,
    } | overrides).encode()  # fmt: skip


def text(value: str) -> dict[str, Any]:
    """An output_text part."""
    return {"type": "output_text", "text": value, "annotations": [], "logprobs": []}


def fields(**changes: Any) -> bytes:
    """A good answer with some fields changed."""
    return answer(text(json.dumps(FIELDS | changes)))
