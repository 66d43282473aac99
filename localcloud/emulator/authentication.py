"""Who is who: only the local cloud's own root key is root."""

from __future__ import annotations

import os
import sys

from ministack.core import iam_evaluator
from ministack.services import sts


def install() -> None:
    # Upstream takes the key "test" and every 12-digit key for root, whatever secret is configured.
    iam_evaluator.is_root_access_key = _is_root
    sts.is_root_access_key = _is_root
    # With a Docker daemon at hand MiniStack would start containers of its own for ECS, RDS and ElastiCache.
    sys.modules["docker"] = None  # type: ignore[assignment]


def _is_root(access_key_id: str) -> bool:
    # No key at all is how MiniStack's services call each other; over the wire such a request is refused as unsigned.
    return not access_key_id or access_key_id == os.environ["AWS_ACCESS_KEY_ID"]
