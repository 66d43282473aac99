"""Errors that AWS has on bad days, for drills: which service answers how is in a file of the state folder.

They meet the application and its users alone. Calls with the root credentials, by which the local cloud runs itself,
go through: on AWS the control plane does not stand on the part that fails either.
"""

from __future__ import annotations

import json
import os
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from localcloud import layout

_CREDENTIAL = re.compile(r"Credential=([^/]+)/\d{8}/[^/]*/([^/]+)/")
_IN_QUERY = re.compile(r"X-Amz-Credential=([^%/]+)(?:%2F|/)\d{8}(?:%2F|/)[^%/]*(?:%2F|/)([^%/]+)")


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A `share` of the calls to `service` (its signing name) waits for `delay` seconds, and where there is a `status`
    is then answered with it and the error `code`, and not carried out. `methods` are those of HTTP, all when empty."""

    service: str
    status: int = 0
    code: str = ""
    delay: float = 0.0
    share: float = 1.0
    methods: Sequence[str] = ()


def _file() -> Path:
    return layout.folder() / "faults.json"


def put(rules: Sequence[Rule]) -> None:
    """From now on; no rules end all faults."""
    if rules:
        layout.write_private(_file(), json.dumps([asdict(rule) for rule in rules]))
    else:
        _file().unlink(missing_ok=True)


def found(scope: Mapping[str, Any]) -> Rule | None:
    """The rule that this request meets, if any."""
    try:
        rules = json.loads(_file().read_text())
    except FileNotFoundError:
        return None
    key, service = _caller(scope)
    if key == os.environ.get("AWS_ACCESS_KEY_ID"):
        return None
    for given in rules:
        rule = Rule(**given)
        meant = rule.service == service and (not rule.methods or scope["method"] in rule.methods)
        if meant and random.random() < rule.share:  # noqa: S311 - no secret
            return rule
    return None


def body(rule: Rule) -> tuple[bytes, bytes]:
    """The error in the service's form, and its content type."""
    if rule.service == "s3":
        text = f"<?xml version='1.0'?><Error><Code>{rule.code}</Code><Message>A drill.</Message></Error>"
        return text.encode(), b"application/xml"
    return json.dumps({"__type": rule.code, "message": "A drill."}).encode(), b"application/x-amz-json-1.1"


def _caller(scope: Mapping[str, Any]) -> tuple[str, str]:
    """Access key id and signing name; a form that a browser posts is for S3 and carries both where we do not look."""
    headers = {name.lower(): value for name, value in scope.get("headers", [])}
    signed = _CREDENTIAL.search(headers.get(b"authorization", b"").decode("latin-1"))
    signed = signed or _IN_QUERY.search(scope.get("query_string", b"").decode("latin-1"))
    if signed:
        return signed[1], signed[2]
    return "", "s3" if headers.get(b"content-type", b"").startswith(b"multipart/form-data") else ""
