"""State that all workers share, in the broker's server: that one evicts nothing, while the cache drops what is old.

Each step is one Lua script, so that of any number of workers each sees what the others did.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from django.conf import settings
from redis.commands.core import Script

from spendsmart import broker


def run(name: str, *, keys: Sequence[str], arguments: Sequence[str | int]) -> int:
    """The whole number that the script `lua/<name>.lua` returns. Raises redis.RedisError."""
    names = [f"{settings.BROKER_PREFIX}{{openai}}:{key}" for key in keys]
    return int(_script(name)(keys=names, args=list(arguments), client=broker.client()))


@cache
def _script(name: str) -> Script:
    return broker.client().register_script((Path(__file__).parent / "lua" / f"{name}.lua").read_text())
