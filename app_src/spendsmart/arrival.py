"""A request on its way in: whether it is whole, so that no thread is kept by somebody who sends it slowly.

This decides only when a request is handed over. What it means is for gunicorn's parser, which sees every byte, and
whose judgment stands where a request could be read in two ways.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

MOST_HEAD = 65_536
"""Bytes of request line and headers; the load balancer refuses more than that long before us:
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html"""

_END_OF_HEAD = b"\r\n\r\n"
_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_DIGITS = re.compile(rb"[0-9]{1,18}")


class RefusedError(Exception):
    """Not taken, with this status: 411 without a length, as Django takes a body in chunks for none at all; 413 for one
    that is larger than we take."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@dataclass(kw_only=True)
class Arrival:
    """What has come of one request. `most_body` is the largest body in bytes that is waited for."""

    most_body: int
    began: float
    received: bytearray = field(default_factory=bytearray)
    refused: bool = False
    alone: bool = False
    """Whether it is known to be one request and nothing else, whoever reads it."""
    _searched: int = 0
    _clear: bool = True
    _whole: int | None = None

    def add(self, data: bytes) -> bool:
        """Take more bytes; True when no more have to be waited for. Raises RefusedError."""
        self.received += data
        if self._whole is None and not self._find_head():
            return len(self.received) > MOST_HEAD  # the parser refuses it by itself
        self.alone = self._clear and len(self.received) == self._whole
        return len(self.received) >= self._whole

    def _find_head(self) -> bool:
        found = self.received.find(_END_OF_HEAD, max(0, self._searched - len(_END_OF_HEAD)))
        self._searched = len(self.received)
        if found < 0:
            return False
        head = found + len(_END_OF_HEAD)
        body = _length_of_body(bytes(self.received[:found]))
        if body is None:
            self._clear, self._whole = False, head  # to be refused by the parser, from its head alone
            return True
        if body > self.most_body:
            raise RefusedError(413)
        self._whole = head + body
        return True


def _length_of_body(head: bytes) -> int | None:
    """None for what could be read in two ways (RFC 9112, section 6.3). Raises RefusedError for a body in chunks."""
    lengths, chunked = [], False
    for line in head.split(b"\r\n")[1:]:
        name, colon, value = line.partition(b":")
        if not colon or not _TOKEN.fullmatch(name):
            return None
        match name.lower():
            case b"content-length":
                lengths.append(value.strip(b" \t"))
            case b"transfer-encoding":
                chunked = True
    if chunked and not lengths:
        raise RefusedError(411)
    if chunked:
        return None
    if not lengths:
        return 0
    return int(lengths[0]) if len(lengths) == 1 and _DIGITS.fullmatch(lengths[0]) else None
