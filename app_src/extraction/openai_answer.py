"""What OpenAI answered for one picture: the body of a response of its Responses API, alone or in a batch's line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationError

from extraction.openai_request import Answer
from extraction.schema import Extraction, Item, TaxLine

ENGINE = "openai"


Outcome = Literal["answered", "no_receipt", "refused", "incomplete", "invalid"]
"""How a billed answer ended. Only `answered` carries fields."""


class MalformedAnswerError(Exception):
    """This is no response of the Responses API, or one without its bill: what it cost is unknown."""


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Tokens that are billed; `cached` and `cache_written` are parts of `input`."""

    input: int
    cached: int
    output: int
    cache_written: int = 0


@dataclass(frozen=True, kw_only=True)
class Answered:
    """A whole, billed answer. `extraction` holds the fields, or none and a reason for review.

    Its checks (`extraction.checks`) are still to be made.
    """

    extraction: Extraction
    outcome: Outcome
    usage: Usage
    model: str


# A bill of more than this is none: no context holds so many, and neither does a column.
_Tokens = Annotated[int, Field(ge=0, le=1_000_000_000)]


class _InputDetails(BaseModel):
    cached_tokens: _Tokens = 0
    cache_write_tokens: _Tokens = 0


class _Usage(BaseModel):
    input_tokens: _Tokens
    input_tokens_details: _InputDetails = Field(default_factory=_InputDetails)
    output_tokens: _Tokens


class _Content(BaseModel):
    type: str
    text: str = ""
    refusal: str = ""


class _Output(BaseModel):
    type: str
    content: list[_Content] | None = None


class _Incomplete(BaseModel):
    reason: str | None = None


class _Response(BaseModel):
    """The parts of a response that we read; whatever else OpenAI adds is let be."""

    status: str
    model: str
    usage: _Usage
    output: list[_Output] = Field(default_factory=list)
    incomplete_details: _Incomplete | None = None


def parse(body: Any) -> Answered:
    """The answer in a response's decoded JSON.

    A refusal, an incomplete answer and fields that are not of the agreed shape are answers, too: they are billed.
    Raises MalformedAnswerError.
    """
    try:
        response = _Response.model_validate(body)
    except ValidationError as error:
        places = ", ".join(".".join(map(str, fault["loc"])) or "body" for fault in error.errors()[:3])
        raise MalformedAnswerError(f"no response of the Responses API: {places}") from error
    extraction, outcome = _read(response)
    billed, details = response.usage, response.usage.input_tokens_details
    cached = min(details.cached_tokens, billed.input_tokens)
    usage = Usage(
        input=billed.input_tokens,
        cached=cached,
        cache_written=min(details.cache_write_tokens, billed.input_tokens - cached),
        output=billed.output_tokens,
    )
    return Answered(extraction=extraction, outcome=outcome, usage=usage, model=response.model)


def _read(response: _Response) -> tuple[Extraction, Outcome]:
    contents = [part for output in response.output if output.type == "message" for part in output.content or []]
    if refusal := next((part.refusal or "no reason given" for part in contents if part.type == "refusal"), None):
        return _nothing(f"OpenAI refused to read the picture: {_plain(refusal)}"), "refused"
    if response.status != "completed":
        reason = response.incomplete_details.reason if response.incomplete_details else None
        return _nothing(f"OpenAI's answer is incomplete: {_plain(reason or response.status)}."), "incomplete"
    text = "".join(part.text for part in contents if part.type == "output_text")
    try:
        answer = Answer.model_validate_json(text)
    except ValidationError:
        return _nothing("OpenAI's answer is not of the agreed shape."), "invalid"
    if not answer.is_receipt:
        return _nothing("The picture does not show a receipt."), "no_receipt"
    return _extraction(answer), "answered"


def _plain(text: str) -> str:
    return text.replace("\x00", "")[:200]


def _nothing(reason: str) -> Extraction:
    return Extraction(engine=ENGINE, needs_review=[reason])


def _extraction(answer: Answer) -> Extraction:
    unreadable: list[str] = []

    def amount(name: str, value: str | None) -> Decimal | None:
        if value is None:
            return None
        try:
            number = Decimal(value)
            if number.is_finite() and abs(number) < 10**9:
                return number
        except InvalidOperation:
            pass
        unreadable.append(name)
        return None

    tax_lines = [
        TaxLine(rate=amount("tax rate", line.rate), net=amount("net amount", line.net), amount=tax)
        for line in answer.tax_lines
        if (tax := amount("tax", line.amount)) is not None
    ]
    extraction = Extraction(
        merchant=answer.merchant or None,
        address=answer.address or None,
        purchased_on=_day(answer.purchased_on, unreadable),
        currency=_currency(answer.currency, unreadable),
        subtotal=amount("subtotal", answer.subtotal),
        tax=amount("tax", answer.tax),
        tax_lines=tax_lines,
        tip=amount("tip", answer.tip),
        total=amount("total", answer.total),
        payment=answer.payment,
        items=[
            Item(
                description=item.description,
                quantity=amount("quantity", item.quantity) or Decimal(1),
                unit_price=amount("unit price", item.unit_price),
                price=amount("price", item.price),
            )
            for item in answer.items
        ],
        category=answer.category,
        engine=ENGINE,
    )
    said = answer.confidence.model_dump()
    confidence = {name: min(1.0, max(0.0, said[name])) for name in said if getattr(extraction, name)}
    reviews = [f"The {name} is not a value we understand." for name in dict.fromkeys(unreadable)]
    return extraction.model_copy(update={"confidence": confidence, "needs_review": reviews})


def _day(value: str | None, unreadable: list[str]) -> date | None:
    if value is None:
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        unreadable.append("date")
        return None


def _currency(value: str | None, unreadable: list[str]) -> str | None:
    if value is None:
        return None
    if len(value) == 3 and value.isascii() and value.isalpha():
        return value.upper()
    unreadable.append("currency")
    return None
