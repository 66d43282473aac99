"""What whoever deploys a preview says of it, and what an environment's settings are in one."""

from __future__ import annotations

import re
from dataclasses import dataclass

from infra.config import ConfigurationError, Environment

_LONGEST_TAG = 256


@dataclass(frozen=True, kw_only=True)
class PreviewSettings:
    """`keep_data` keeps the database over an update, where otherwise each release begins with a new one; another
    `reset` than the last time makes a new one all the same. `domain` is what the name goes before, if anything."""

    domain: str | None = None
    keep_data: bool = False
    reset: str = ""

    def __post_init__(self) -> None:
        """Raises ConfigurationError."""
        if not re.fullmatch(r"[A-Za-z0-9:._-]{0,40}", self.reset):
            raise ConfigurationError(
                f"preview.reset = {self.reset!r}\n      accepted: a word that differs from the last one, such as a time"
            )

    @staticmethod
    def tag_of(branch: str) -> str:
        """A branch's name as a tag's value, which takes few characters beside letters and digits of any script."""
        return re.sub(r"[^\w .:/=+@-]", "_", branch)[:_LONGEST_TAG]


def as_in_a_preview(environment: Environment, settings: PreviewSettings) -> Environment:
    """Small pools and few threads, and OpenAI only where the previews may use it.

    Raises ConfigurationError for an environment that carries no previews, or with keeping and resetting at once.
    """
    previews = environment.previews
    if previews is None:
        raise ConfigurationError(
            f"config/{environment.name}.toml has no section [previews]: it carries none\n"
            "      accepted: an environment that does, such as -c env=preview"
        )
    if settings.keep_data and settings.reset:
        raise ConfigurationError("preview.data = keep and preview.reset are both given: the data stays, or it does not")
    return environment.model_copy(
        update={
            "pgbouncer": environment.pgbouncer.model_copy(
                update={"writer_pool_size": 2, "reader_pool_size": 1, "max_client_connections": 50}
            ),
            "web": environment.web.model_copy(update={"workers": 1, "threads": 4}),
            "worker": environment.worker.model_copy(update={"concurrency": 1}),
            "features": environment.features.model_copy(
                update={"openai": environment.features.openai and previews.openai, "exec": False}
            ),
            "budgets": environment.budgets.model_copy(update={"openai_daily_usd": previews.openai_daily_usd}),
        }
    )
