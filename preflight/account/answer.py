"""What a check of the account says about one subject."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum


class Status(StrEnum):
    PASS = "pass"  # noqa: S105 - a verdict
    FAIL = "fail"
    UNCHECKED = "unchecked"


@dataclass(frozen=True, kw_only=True)
class Answer:
    subject: str
    """What was looked at: a region, a stack, a resource, a name."""
    status: Status
    detail: str
    """What was found, with its figures; for `unchecked` why it could not be found."""
    remedy: str = ""
    check: str = ""
    """The id of the check; the check's decorator fills it in."""

    def as_json(self) -> dict[str, str]:
        return {key: str(value) for key, value in asdict(self).items()}


def passed(subject: str, detail: str) -> Answer:
    return Answer(subject=subject, status=Status.PASS, detail=detail)


def failed(subject: str, detail: str, *, remedy: str) -> Answer:
    return Answer(subject=subject, status=Status.FAIL, detail=detail, remedy=remedy)


def unchecked(subject: str, why: str, *, remedy: str = "") -> Answer:
    return Answer(subject=subject, status=Status.UNCHECKED, detail=why, remedy=remedy)
