"""Where the sweeper looks, from its environment variables."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from typing import Any

import boto3
from botocore.config import Config

from previews.life import Terms

_CONFIG = Config(retries={"max_attempts": 8, "mode": "adaptive"})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """`topic` is where people hear of a sweep; `priorities` a path of Systems Manager's parameters."""

    stack_prefix: str
    terms: Terms
    namespace: str
    topic: str
    listener: str
    cluster: str
    user_groups: tuple[str, ...]
    bucket: str
    priorities: str

    @classmethod
    def of_environment(cls) -> Settings:
        """Raises KeyError for what is missing."""
        given = os.environ
        return cls(
            stack_prefix=given["STACK_PREFIX"],
            terms=Terms(
                hours=int(given["HOURS"]),
                kept_hours=int(given["KEPT_HOURS"]),
                warning_hours=int(given["WARNING_HOURS"]),
            ),
            namespace=given["NAMESPACE"],
            topic=given["TOPIC"],
            listener=given["LISTENER"],
            cluster=given["CLUSTER"],
            user_groups=tuple(given["USER_GROUPS"].split(",")),
            bucket=given["BUCKET"],
            priorities=given["PRIORITY_PATH"],
        )


@cache
def client(service: str) -> Any:
    """One of each for as long as the function lives: making one takes longer than most of its calls."""
    return boto3.client(service, config=_CONFIG)
