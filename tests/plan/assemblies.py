"""Small assemblies for tests, and copies of a real one with one thing changed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from infra.config import Environment, load_environment
from plan.changes import Comparison, compare
from plan.cost.prices import price_book
from plan.outcome import Outcome, work_out
from preflight.assembly import Assembly, Stack
from preflight.loading import load

Resources = dict[str, dict[str, Any]]


def assembly(*, depends: dict[str, set[str]] | None = None, **stacks: Resources) -> Assembly:
    """`assembly(Data={"Db": resource("AWS::RDS::DBInstance", …)})`: stacks called App-Data and so on in us-east-1."""
    made = Assembly()
    for name, resources in stacks.items():
        before = frozenset(f"App-{one}" for one in (depends or {}).get(name, ()))
        stack = Stack(f"App-{name}", {"Resources": resources}, made, file=name, region="us-east-1", depends_on=before)
        made.stacks.append(stack)
    return made


def resource(kind: str, *, deletion: str | None = None, after: list[str] | None = None, **properties: Any) -> Any:
    """A resource as a template writes it."""
    made: dict[str, Any] = {"Type": kind, "Properties": properties}
    if deletion:
        made |= {"DeletionPolicy": deletion, "UpdateReplacePolicy": deletion}
    if after:
        made["DependsOn"] = after
    return made


def changed(before: Resources, after: Resources) -> Comparison:
    return compare(assembly(One=before), assembly(One=after))


def outcome(before: Assembly, after: Assembly, environment: str | Environment = "prod") -> Outcome:
    env = load_environment(environment) if isinstance(environment, str) else environment
    return work_out(before=before, after=after, environment=env, against="the one before", prices=price_book())


def altered(folder: Path, copy: Path, stack: str, edit: Callable[[Resources], None]) -> Path:
    """A copy of prod's assembly in which `edit` has changed the resources of one stack."""
    shutil.copytree(folder, copy)
    file = copy / f"SpendSmart-Prod-{stack}.template.json"
    template = json.loads(file.read_text())
    edit(template["Resources"])
    file.write_text(json.dumps(template))
    return copy


def renamed(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new)


def loaded(folder: Path) -> Assembly:
    return load(folder)
