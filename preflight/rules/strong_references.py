"""Strong references between stacks (exports and imports), and circles that references of either kind make."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from preflight.assembly import Assembly, Resource, Stack
from preflight.references import stack_references
from preflight.rule import Confidence, Fault, Severity, rule
from preflight.rules.graphs import circles
from preflight.rules.remembering import remembered
from preflight.rules.weak_references import known_text, weak_references
from preflight.values import text

IMPORT_SOURCE = "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-importvalue.html"
REPLY_BYTES = 4096


def imports(consumer: Stack) -> list[tuple[Resource | None, str]]:
    """The decided names that it imports, each with the resource that the import stands in."""
    return remembered(consumer, "imports", lambda: _imports(consumer))


def _imports(consumer: Stack) -> list[tuple[Resource | None, str]]:
    places: list[tuple[Resource | None, Any]] = [
        (one, one.raw.get("Properties")) for one in consumer.resources.values()
    ]
    found = {
        (at, name): None
        for at, raw in [*places, (None, consumer.outputs)]
        for argument in stack_references(raw, consumer.resolver.condition).imports
        if (name := known_text(consumer, argument))
    }
    return list(found)


@dataclass(frozen=True)
class Export:
    stack: Stack
    output: str
    name: str | None
    condition: str | None
    """The output's condition, where the deployment decides it."""


def exports(assembly: Assembly) -> Iterator[Export]:
    for stack in assembly.stacks:
        for output, written in stack.outputs.items():
            given = written.get("Export") if isinstance(written, dict) else None
            if isinstance(given, dict) and "Name" in given:
                yield Export(stack, str(output), known_text(stack, given["Name"]), _open_condition(stack, written))


def _open_condition(stack: Stack, output: dict[str, Any]) -> str | None:
    condition = output.get("Condition")
    decided = isinstance(condition, str) and stack.resolver.condition(condition) is not None
    return condition if isinstance(condition, str) and not decided else None


def perhaps_exclusive(one: Export, other: Export) -> bool:
    """Whether conditions may keep the two from ever being there together."""
    if one.stack is other.stack:
        return None not in (one.condition, other.condition) and one.condition != other.condition
    return one.condition is not None or other.condition is not None


def same_place(one: Stack, other: Stack) -> bool:
    """Both go to one account and region, as far as the assembly says."""
    return (one.account, one.region) == (other.account, other.region)


@rule(
    "CFN-130",
    constraint=130,
    severity=Severity.REFUSED,
    confidence=Confidence.REPORTED,
    title="A strong cross-region reference answers in 4096 bytes",
    otherwise="The custom resource that carries the values fails: Response object is too long.",
    remedy="Pass fewer values, shorten the stack's name, or make the references weak.",
    source="https://github.com/aws/aws-cdk/issues/25114",
    types=("Custom::CrossRegionExportReader", "Custom::CrossRegionExportWriter"),
)
def large_cross_region_reply(resource: Resource) -> Iterator[Fault]:
    for at in (("ReaderProps", "imports"), ("WriterProps", "exports")):
        node = resource.get(*at)
        names = list(node.value) if isinstance(node.value, dict) else []
        # The reply repeats every name and value; of values that the deployment makes, nothing is counted.
        size = sum(len(name) + len(text(node.get(name)) or "") + len('"":"",') for name in names)
        if size > REPLY_BYTES:
            yield Fault(at=str(node), message=f"the names of {len(names)} values alone take {size} bytes")


@rule(
    "CFN-130b",
    constraint=130,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="An import has an export in the same account and region",
    otherwise="The change set fails: no export with that name found.",
    remedy="Export the value under exactly this name, in the importing stack's region, and deploy that stack first.",
    source=IMPORT_SOURCE,
    lacks=("Outputs",),
)
def import_without_an_export(assembly: Assembly) -> Iterator[Fault]:
    listed = list(exports(assembly))
    unclear = {export.stack for export in listed if export.name is None}
    exporting: dict[str | None, list[Stack]] = {}
    for export in listed:
        exporting.setdefault(export.name, []).append(export.stack)
    for consumer in assembly.stacks:
        for at, name in imports(consumer):
            owners = exporting.get(name, [])
            if any(same_place(owner, consumer) and owner is not consumer for owner in owners):
                continue
            if owners:
                place = "by itself" if consumer in owners else f"in {owners[0].region} only, by {owners[0].name}"
                yield Fault(at="Fn::ImportValue", message=f"{name} is exported {place}", resource=at, stack=consumer)
                continue
            # Other names may be exported by stacks that are not here; one with a stack's name in front is that stack's.
            for stack in assembly.stacks:
                if (
                    stack is not consumer
                    and stack not in unclear
                    and name.startswith((f"{stack.name}:", f"{stack.name}-"))
                ):
                    message = f"stack {stack.name} does not export {name}"
                    yield Fault(at="Fn::ImportValue", message=message, resource=at, stack=consumer)
                    break


@rule(
    "CFN-130c",
    constraint=130,
    severity=Severity.REFUSED,
    confidence=Confidence.BELIEVED,
    title="What a stack imports is exported by a stack that is deployed with it",
    otherwise="The change set fails, unless a stack outside the assembly exports the name.",
    remedy="Check the name; export the value from the stack that owns it.",
    source=IMPORT_SOURCE,
    lacks=("Outputs",),
)
def import_from_outside(assembly: Assembly) -> Iterator[Fault]:
    listed = list(exports(assembly))
    if any(export.name is None for export in listed):
        return
    names = {export.name for export in listed}
    for consumer in assembly.stacks:
        if all(export.stack is consumer for export in listed):
            continue  # nothing here exports to it, so something elsewhere does
        for at, name in imports(consumer):
            if name not in names:
                yield Fault(at="Fn::ImportValue", message=f"no stack here exports {name}", resource=at, stack=consumer)


@rule(
    "CFN-130d",
    constraint=130,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Names of exports are unique in an account and region",
    otherwise="The second stack fails: an export with that name is already exported.",
    remedy="Put the stack's name into the export's name.",
    source=IMPORT_SOURCE,
)
def export_twice(assembly: Assembly) -> Iterator[Fault]:
    first: dict[tuple[str, str | None, str | None], Export] = {}
    for export in exports(assembly):
        if export.name is None:
            continue
        earlier = first.setdefault((export.name, export.stack.account, export.stack.region), export)
        if earlier is not export and not perhaps_exclusive(earlier, export):
            message = f"{export.name} is the export of output {earlier.output} of {earlier.stack.name}"
            yield Fault(at=f"Outputs.{export.output}.Export.Name", message=message, stack=export.stack)


@rule(
    "CFN-202",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Stacks do not need each other in a circle",
    otherwise="None of them can be created first: each waits for an output of another.",
    remedy="Move what both need into a stack of its own, or declare the rule between them on one side.",
    source="https://repost.aws/knowledge-center/cloudformation-circular-dependency-cfn",
)
def circle_of_stacks(assembly: Assembly) -> Iterator[Fault]:
    exported = {(export.name, export.stack.region): export.stack for export in exports(assembly) if export.name}
    needs: dict[Stack, set[Stack]] = {}
    for stack in assembly.stacks:
        owners = {weak.owner for weak in weak_references(stack)} | {
            exported.get((name, stack.region)) for _, name in imports(stack)
        }
        needs[stack] = {owner for owner in owners if owner is not None}
    for circle in circles(needs):
        names = " → ".join(stack.name for stack in [*circle, circle[0]])
        yield Fault(at="Outputs", message=f"need each other: {names}", stack=circle[0])
