"""Previews of branches: what an environment says that carries some."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from infra.config.section import Section

CONNECTIONS = 7
"""Connections to the database that a preview opens at most: pools of 2 and 1 in web, of 1 and 1 in the worker, and 2 of
the migration."""


class Previews(Section):
    """An environment with this section carries previews, at most `most` at a time.

    They are at `<name>.<domain>`, a wildcard that the certificate must hold. Without a domain they are at the load
    balancer's own name, for requests with the header `X-Preview: <name>`.
    `openai` lets them read with OpenAI, where the environment does, each for `openai_daily_usd` a day at most.
    """

    most: int = Field(ge=1, le=95)  # of a load balancer's 100 target groups, which AWS does not raise, two are taken
    domain: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)+$")] | None = None
    openai: bool = False
    openai_daily_usd: int = Field(default=1, ge=0, le=100)
