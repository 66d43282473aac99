"""The checks there are: each module's decorated functions, in the order in which the answers are given."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from preflight.account.answer import Answer, unchecked
from preflight.account.api import Account, UnansweredError
from preflight.assembly import Assembly

Ask = Callable[[Account, Assembly], Iterator[Answer]]


@dataclass(frozen=True, kw_only=True)
class Check:
    id: str
    title: str
    constraints: tuple[int, ...]
    """The numbers of the constraints in the repository's list that this check looks after."""
    ask: Ask


CHECKS: dict[str, Check] = {}


def check(id: str, *, title: str, constraints: tuple[int, ...] = ()) -> Callable[[Ask], Ask]:  # noqa: A002
    """Register a check. Its answers carry its id, and a call without an answer makes the rest of it `unchecked`."""

    def register(ask: Ask) -> Ask:
        @functools.wraps(ask)
        def safely(account: Account, assembly: Assembly) -> Iterator[Answer]:
            try:
                for answer in ask(account, assembly):
                    yield replace(answer, check=id)
            except UnansweredError as error:
                yield replace(unchecked(title, str(error)), check=id)

        if id in CHECKS:
            raise ValueError(f"two checks are called {id}")
        CHECKS[id] = Check(id=id, title=title, constraints=constraints, ask=safely)
        return safely

    return register
