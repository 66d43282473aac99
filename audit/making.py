"""Makes a report of one environment out of its cloud assembly and of what lies beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from audit import catalogue, controls, difference, recovery, validation, views
from audit.assembly import entries, load
from audit.model import Report, State, Tool
from audit.opinions import explained, recorded
from audit.opinions.all import opinions
from audit.pack.rule import PACK
from audit.stores import declared, regions
from audit.stores.inventory import inventory

EXPECTED = (*catalogue.PACKS, PACK, "Acknowledgements", "Preflight", validation.BUILT_IN)
"""The plugins that a synth has to have asked, for a report to be complete."""

_SCOPES = {
    "Acknowledgements": "every acknowledgement: of substance, in date, and of a finding that is still there",
    "Preflight": "what AWS would refuse, or fail silently (docs/preflight.md)",
    validation.BUILT_IN: "CDK's own validation of templates",
    PACK: "what this platform promises (audit/pack/rules)",
}


@dataclass(frozen=True, kw_only=True)
class Order:
    """What to report on.

    `tree` is the digest of the repository's files; `beside` are assemblies from which ways into this one are looked
    for; `against` is an earlier report's folder, and `key` what that has to be signed with.
    """

    environment: str
    assembly: Path
    root: Path
    made_at: datetime
    commit: str = ""
    tree: str = ""
    uncommitted: bool = False
    beside: tuple[Path, ...] = ()
    cache: Path | None = None
    against: Path | None = None
    key: Path | None = None


def make(order: Order) -> Report:
    """Raises AuditError where something is missing without which there is no report."""
    assembly = load(order.assembly)
    resources = entries(assembly, order.assembly)
    answers = explained.valid(explained.explanations(), order.made_at.date())
    validated = validation.read(order.assembly, assembly)
    validated = replace(validated, findings=explained.answered(validated.findings, answers))
    asked, said = opinions(assembly, answers, cache=order.cache)
    judged_by = views.settings(order.root)
    access = views.access([assembly, *(load(folder) for folder in order.beside)], judged_by)
    network = views.network(assembly, judged_by)
    viewed, opened = views.verdicts(access, network, resources)
    allowed = regions.allowed(order.root / "config", order.environment)
    stores, unclassified = inventory(assembly, declared.declared(), allowed, lambda path: views.readers(access, path))
    report = Report(
        environment=order.environment,
        made_at=order.made_at,
        commit=order.commit,
        uncommitted=order.uncommitted,
        accounts=tuple(sorted({stack.account for stack in assembly.stacks if stack.account})),
        regions=allowed,
        versions={"aws-cdk-lib": version("aws-cdk-lib"), "cdk-nag": catalogue.version()},
        resources=resources,
        findings=(*validated.findings, *opened, *said),
        rules=controls.judge(resources, validated.findings, validated.asked),
        tools=(*_plugins(validated), *viewed, *asked, *recorded.tools(order.root, order.tree)),
        stores=stores,
        recovery=tuple(recovery.recovery(order.root, order.environment, assembly)),
        access=access,
        network=network,
        faults=(
            *unclassified,
            *(f"{one}: acknowledged without its pack's name, so that no report shows it" for one in validated.silent),
        ),
    )
    if order.against is None:
        return report
    return replace(report, difference=difference.compare(report, order.against, order.key))


def _plugins(validated: validation.Validation) -> Iterator[Tool]:
    for name in dict.fromkeys((*EXPECTED, *validated.asked)):
        found = [one for one in validated.findings if one.tool == name]
        failed = sum(one.state is State.FAILED for one in found)
        yield Tool(
            name=name,
            kind="synth",
            version=validated.asked.get(name, ""),
            state=_state(name in validated.asked, failed),
            scope=_SCOPES.get(name) or catalogue.FRAMEWORKS.get(name, name),
            because=() if name in validated.asked else ("this synth did not ask it",),
            failed=failed,
            acknowledged=sum(one.state is State.ACKNOWLEDGED for one in found),
        )


def _state(asked: bool, failed: int) -> State:
    if not asked:
        return State.NOT_RUN
    return State.FAILED if failed else State.PASSED


def about(report: Report, inputs: dict[str, str]) -> dict[str, Any]:
    """What the manifest says besides the hashes of the files."""
    return {
        "environment": report.environment,
        "commit": report.commit,
        "uncommitted": report.uncommitted,
        "versions": {**report.versions, **{tool.name: tool.version for tool in report.tools if tool.version}},
        "inputs": inputs,
    }
