"""A region that is lost: its endpoints answer nobody, and what it had is nowhere any more.

Services that know no regions stay, with what they have: IAM, CloudFront, Route 53, budgets. On AWS the calls that
change IAM and CloudFront are served from us-east-1 alone ("AWS Fault Isolation Boundaries"): that is not drilled.
"""

from __future__ import annotations

import gc
import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ministack import app as ministack_app
from ministack.core.responses import AccountRegionScopedDict, AccountScopedDict
from ministack.services import s3

from localcloud import layout, regions
from localcloud.emulator.corrections import replace

_WITHOUT_REGIONS = frozenset({"iam", "cloudfront", "route53", "budgets", "ce", "organizations", "support"})
"""Signing names."""

ANSWER = (
    b"<ErrorResponse><Error><Code>ServiceUnavailable</Code><Message>This region is lost.</Message></Error>"
    b"</ErrorResponse>"
)
"""With status 503. Clients that expect JSON take it for the message."""

_SIGNED = re.compile(r"Credential=[^/]+/\d{8}/([^/]+)/([^/]+)/")
_IN_QUERY = re.compile(r"X-Amz-Credential=[^%/]+(?:%2F|/)\d{8}(?:%2F|/)([^%/]+)(?:%2F|/)([^%/]+)")


def install() -> None:
    """Forget lost regions as soon as the state is loaded, before anything goes on from it."""
    stock = ministack_app._load_persisted_state

    def load() -> None:
        stock()
        for region in regions.lost():
            _forget(region)

    replace(ministack_app, "_load_persisted_state", load)


def refuses(scope: Mapping[str, Any]) -> bool:
    """Whether a request is for a region that is lost."""
    gone = regions.lost()
    if not gone:
        return False
    headers = {name.lower(): value for name, value in scope.get("headers", [])}
    signed = _SIGNED.search(headers.get(b"authorization", b"").decode("latin-1"))
    signed = signed or _IN_QUERY.search(scope.get("query_string", b"").decode("latin-1"))
    return signed is not None and signed[1] in gone and signed[2] not in _WITHOUT_REGIONS


def _forget(region: str) -> None:
    _forget_buckets({name for name, bucket in s3._buckets.items() if (bucket.get("region") or "us-east-1") == region})
    for store in _stores(AccountRegionScopedDict):
        _drop(store, (key for key in store._data if key[1] == region))
    # Some services keep what is of one region under ARNs alone.
    for store in _stores(AccountScopedDict):
        _drop(store, (key for key in store._data if _region_of(key[1]) == region))


def _stores(kind: type) -> list[Any]:
    """Wherever a service keeps them."""
    return [each for each in gc.get_objects() if isinstance(each, kind)]


def _drop(store: Any, keys: Iterable[Any]) -> None:
    for key in list(keys):
        del store._data[key]


def _region_of(key: Any) -> str:
    return key.split(":")[3] if isinstance(key, str) and key.startswith("arn:aws:") and key.count(":") > 4 else ""


def _forget_buckets(names: set[str]) -> None:
    for store in [*s3._PERSISTED_BUCKET_DICTS.values(), s3._buckets, s3._object_versions, s3._object_tags,
                  s3._object_acl, s3._object_retention, s3._object_legal_hold, s3._object_annotations]:  # fmt: skip
        _drop(store, (key for key in store._data if (key[1][0] if isinstance(key[1], tuple) else key[1]) in names))
    for name in names:
        shutil.rmtree(Path(s3.DATA_DIR) / layout.ACCOUNT / name, ignore_errors=True)
