"""Who is who: only the local cloud's own root key is root, and only with its secret."""

from __future__ import annotations

import contextvars
import os
import sys
from typing import Any

from ministack import app as ministack_app
from ministack.core import iam_evaluator
from ministack.services import sts

from localcloud.emulator.corrections import replace

_choosing_what_to_verify: contextvars.ContextVar[bool] = contextvars.ContextVar("choosing", default=False)


def install() -> None:
    # Upstream takes the key "test" and every 12-digit key for root, whatever secret is configured.
    replace(iam_evaluator, "is_root_access_key", _is_root)
    replace(sts, "is_root_access_key", _is_root)
    # Upstream verifies every signature but root's.
    stock_pin = iam_evaluator.pin_signed_request

    def pin_signed_request(*args: Any, **kwargs: Any) -> None:
        token = _choosing_what_to_verify.set(True)
        try:
            stock_pin(*args, **kwargs)
        finally:
            _choosing_what_to_verify.reset(token)

    replace(iam_evaluator, "pin_signed_request", pin_signed_request)
    replace(ministack_app, "pin_signed_request", pin_signed_request)
    replace(iam_evaluator, "_is_root_key", lambda key: _is_root(key) and not _choosing_what_to_verify.get())
    # With a Docker daemon at hand MiniStack would start containers of its own for ECS, RDS and ElastiCache.
    sys.modules["docker"] = None  # type: ignore[assignment]


def _is_root(access_key_id: str) -> bool:
    # No key at all is how MiniStack's services call each other; over the wire such a request is refused as unsigned.
    return not access_key_id or access_key_id == os.environ["AWS_ACCESS_KEY_ID"]
