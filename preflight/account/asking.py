"""All checks, asked side by side."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import boto3

from preflight.account.answer import Answer, Status, unchecked
from preflight.account.api import Account
from preflight.account.registry import CHECKS, Check
from preflight.assembly import Assembly

FIRST = "identity"
AT_ONCE = 12


def checks() -> list[Check]:
    """Every check there is; all modules of this package are searched for them."""
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        if module.name != "__main__":
            importlib.import_module(f"preflight.account.{module.name}")
    return sorted(CHECKS.values(), key=lambda known: (known.id != FIRST, known.id))


def check(
    assembly: Assembly,
    *,
    session_for_region: Callable[[str], boto3.Session],
    default_region: str | None = None,
    endpoint_url: str | None = None,
) -> list[Answer]:
    """The answers of all checks. Never raises for what the account, the network or the credentials do."""
    everything = checks()
    _resolve(assembly)
    account = Account(session_for_region, default_region=default_region, endpoint_url=endpoint_url)
    identity, rest = everything[0], everything[1:]
    answers = _asked(identity, account, assembly)
    if any(answer.status is Status.FAIL for answer in answers):
        # What is true of another account says nothing about the one that the stacks go into.
        why = "the credentials belong to another account than the stacks are made for"
        return answers + [replace(unchecked(known.title, why), check=known.id) for known in rest]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for given in pool.map(lambda known: _asked(known, account, assembly), rest):
            answers += given
    return answers


def _asked(known: Check, account: Account, assembly: Assembly) -> list[Answer]:
    answers: list[Answer] = []
    try:
        answers.extend(known.ask(account, assembly))
    except Exception as error:  # noqa: BLE001 - an endpoint may answer anything, and one odd answer must not end the rest
        why = f"the answer was not understood ({type(error).__name__}: {error})"
        answers.append(replace(unchecked(known.title, why), check=known.id))
    return answers


def _resolve(assembly: Assembly) -> None:
    """Work out every value now: it is done lazily otherwise, and not by several threads at a time."""
    for resource in assembly.resources():
        _ = resource.properties, resource.name, resource.construct_path
    _ = assembly.exports
    for resource in assembly.resources():
        _ = resource.referrers
        assembly.named(resource.type, "")
