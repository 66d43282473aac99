"""Whether what is untrusted gets at production's data, by itself or through others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from audit.access.evaluation import Estate
from audit.access.names import arn, text_of
from audit.access.paths import Runs, Step, ways
from audit.access.principals import Principal
from audit.access.settings import Settings
from audit.access.stores import DataStore, Hold, holds
from preflight.assembly import Assembly
from preflight.values import target


@dataclass(frozen=True, kw_only=True)
class Way:
    """From an untrusted principal to one that holds production's data. `accepted` is the reason, where there is one."""

    start: str
    steps: tuple[Step, ...]
    holder: str
    holds: tuple[Hold, ...]
    accepted: str

    @property
    def text(self) -> str:
        hops = " → ".join(f"({step.how}) {step.target}" for step in self.steps)
        return f"{self.start} → {hops}" if hops else self.start


def ways_to_data(
    estate: Estate,
    untrusted: Iterable[Principal],
    stores: Sequence[DataStore],
    running: tuple[Runs, ...],
    settings: Settings,
) -> Iterator[Way]:
    """The shortest way of each untrusted principal to the first that holds data of production, if there is one."""
    targets = [one for one in stores if one.environment in settings.production and not one.logs_only]
    held: dict[str, tuple[Hold, ...]] = {}
    for start in untrusted:
        for path, steps in ways(estate, start, running).items():
            if path not in held:
                holder = estate.by_path[path]
                held[path] = tuple(hold for store in targets for hold in holds(estate, holder, store))
            if held[path]:
                yield Way(
                    start=start.path,
                    steps=steps,
                    holder=path,
                    holds=held[path],
                    accepted=_accepted(start, settings),
                )
                break


def running_code(assemblies: Iterable[Assembly]) -> Iterator[Runs]:
    """Functions and builds, and the actions that make them do something else under their role."""
    for assembly in assemblies:
        for function in assembly.of_type("AWS::Lambda::Function"):
            role = target(function.get("Role"), "AWS::IAM::Role")
            if role is not None:
                yield Runs(arn=arn(function), role=arn(role), action="lambda:UpdateFunctionCode")
        for project in assembly.of_type("AWS::CodeBuild::Project"):
            role = target(project.get("ServiceRole"), "AWS::IAM::Role")
            if role is not None:
                # A build can be started with another buildspec: docs.aws.amazon.com/codebuild, StartBuild.
                yield Runs(arn=text_of(arn(project)), role=arn(role), action="codebuild:StartBuild")


def _accepted(start: Principal, settings: Settings) -> str:
    found = (one for one in settings.accepted_path if one.matches(path=start.path, account=start.account))
    return next((one.reason for one in found), "")
