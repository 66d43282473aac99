"""Rules of `[previews]`."""

from __future__ import annotations

from collections.abc import Iterator

from infra.config.models import Environment
from infra.config.previews import CONNECTIONS
from infra.config.rule import Fault, rule
from infra.config.rules import connection_budget, connections_of_tasks


@rule("previews", "name")
def _not_beside_people(env: Environment) -> Iterator[Fault]:
    """A preview runs code that nobody has reviewed yet, on the servers that it shares."""
    if env.previews and env.name in ("prod", "staging"):
        yield Fault(key="previews", value="set", accepted=f"no such section in {env.name}: previews share its servers")


@rule("previews", "database", "pgbouncer", "web", "worker")
def _connections_of_previews(env: Environment) -> Iterator[Fault]:
    if env.previews is None:
        return
    own, budget = connections_of_tasks(env), connection_budget(env)
    if own + env.previews.most * CONNECTIONS > budget:
        yield Fault(
            key="previews.most",
            value=env.previews.most,
            accepted=(
                f"at most {max(0, (budget - own) // CONNECTIONS)}: each opens {CONNECTIONS} connections and the "
                f"environment's own tasks {own}; 80 % of max_connections = {env.database.max_connections} are {budget}"
            ),
        )


@rule("previews", "domain")
def _under_the_certificate(env: Environment) -> Iterator[Fault]:
    if env.previews and env.previews.domain and env.domain is None and not env.previews.domain.endswith(".localhost"):
        yield Fault(
            key="previews.domain",
            value=env.previews.domain,
            accepted="a section [domain] with a certificate for *.<previews.domain>, or none of both",
        )
