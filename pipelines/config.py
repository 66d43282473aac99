"""What can be configured for delivery: one frozen model, read from `config/tooling/pipeline.toml`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints, ValidationError

from infra.config import ConfigurationError, Environment, load_environment
from infra.config.loading import FOLDER
from infra.config.models import Email, Region, RetentionDays, Section

FILE = FOLDER / "tooling" / "pipeline.toml"

Account = Annotated[str, StringConstraints(pattern=r"^\d{12}$")]
EnvironmentName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*$")]
BuildMinutes = Annotated[int, Field(ge=5, le=2160)]
"""CodeBuild stops a build after 5 to 2160 minutes (CreateProject, timeoutInMinutes)."""

_PRESENT_OR_LATER = re.compile(r"^(cron\(.+\)|rate\(.+\))$")


class Source(Section):
    """A GitHub repository behind a connection that exists and is authorized."""

    connection_arn: Annotated[
        str,
        StringConstraints(
            pattern=r"^arn:aws[a-z-]*:(codeconnections|codestar-connections):[a-z0-9-]+:\d{12}:connection/"
        ),
    ]
    repository: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$")]
    branch: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._/-]+$")]

    @property
    def owner(self) -> str:
        return self.repository.split("/")[0]

    @property
    def name(self) -> str:
        return self.repository.split("/")[1]


class ChangeWindow(Section):
    """When production may be entered: six or seven fields, seconds first, as the rule DeploymentWindow reads them."""

    cron: Annotated[str, StringConstraints(pattern=r"^\S+( \S+){5,6}$")]
    time_zone: Annotated[str, StringConstraints(pattern=r"^[A-Za-z]+([/_+-][A-Za-z0-9_+-]+)*$")]


class Gate(Section):
    """Production is not entered while one of `p0_alarms` is red, and left again when one goes red soon after.

    The alarms are watched for `watch_minutes` after the deployment. Without alarms there is no such gate.
    """

    p0_alarms: tuple[Annotated[str, StringConstraints(pattern=r"^[^\s:/]{1,255}$")], ...]
    watch_minutes: int = Field(ge=1, le=60)


class Approval(Section):
    """CodePipeline rejects by itself what nobody has approved in this time."""

    timeout_minutes: int = Field(ge=5, le=86400)


class TimeoutMinutes(Section):
    """How long a build of each kind may take; `queued` is how long it may wait for its turn (at most 8 hours)."""

    queued: int = Field(ge=5, le=480)
    update: BuildMinutes
    checks: BuildMinutes
    scan: BuildMinutes
    image: BuildMinutes
    image_scan: BuildMinutes
    assemble: BuildMinutes
    deploy: BuildMinutes
    verify: BuildMinutes
    plan: BuildMinutes
    drift: BuildMinutes


class Load(Section):
    """The load check of staging: a steady rate, and what it may cost."""

    requests_per_second: int = Field(ge=1, le=200)
    seconds: int = Field(ge=5, le=900)
    max_failed_percent: float = Field(ge=0, le=100)
    max_p95_ms: int = Field(ge=1)


class Drift(Section):
    """When deployed stacks are compared with their templates: cron() or rate(), as EventBridge Scheduler reads them."""

    schedule: Annotated[str, StringConstraints(pattern=_PRESENT_OR_LATER.pattern)]
    time_zone: Annotated[str, StringConstraints(pattern=r"^[A-Za-z]+([/_+-][A-Za-z0-9_+-]+)*$")]


class Delivery(Section):
    """The tooling account, what it builds from, and the two environments that it deploys to; `previews` is one that
    carries previews of pull requests, if any."""

    account: Account
    region: Region
    staging: EnvironmentName
    production: EnvironmentName
    previews: EnvironmentName | None = None
    base_image: Annotated[
        str, StringConstraints(pattern=r"^[a-z0-9.-]+(/[a-z0-9._-]+)+(:[\w.-]+|@sha256:[0-9a-f]{64})$")
    ]
    kept_images: int = Field(ge=10, le=1000)
    log_retention_days: RetentionDays
    artifact_days: int = Field(ge=7, le=3650)
    notify: tuple[Email, ...]
    source: Source
    change_window: ChangeWindow
    gate: Gate
    approval: Approval
    timeout_minutes: TimeoutMinutes
    load: Load
    drift: Drift


class Stages(Section):
    """The configuration of the two environments that are delivered to, and of the one with previews."""

    staging: Environment
    production: Environment
    previews: Environment | None = None


def load_delivery(path: Path = FILE) -> Delivery:
    """The checked configuration. Raises ConfigurationError with all faults at once."""
    try:
        raw = tomllib.loads(path.read_text())
    except FileNotFoundError as error:
        raise ConfigurationError(f"{path.parent.name}/{path.name}: there is no such file") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path.parent.name}/{path.name}: not valid TOML: {error}") from error
    try:
        delivery = Delivery.model_validate(raw)
    except ValidationError as error:
        raise ConfigurationError(_message(path, _of_model(error))) from error
    if faults := list(_across(delivery)):
        raise ConfigurationError(_message(path, faults))
    return delivery


def load_stages(delivery: Delivery) -> Stages:
    """The environments that `delivery` names. Raises ConfigurationError when they cannot share one image."""
    stages = Stages(
        staging=load_environment(delivery.staging),
        production=load_environment(delivery.production),
        previews=load_environment(delivery.previews) if delivery.previews else None,
    )
    if stages.staging.cpu_architecture != stages.production.cpu_architecture:
        raise ConfigurationError(
            f"{delivery.staging} runs on {stages.staging.cpu_architecture} and {delivery.production} on "
            f"{stages.production.cpu_architecture}: what is tested has to be the image that is released"
        )
    return stages


def _across(delivery: Delivery) -> Iterator[tuple[str, object, str]]:
    if delivery.staging == delivery.production:
        yield "staging", delivery.staging, "an environment other than production"
    region = delivery.source.connection_arn.split(":")[3]
    if region != delivery.region:
        yield "source.connection_arn", delivery.source.connection_arn, f"a connection in {delivery.region}"
    if delivery.load.seconds > delivery.timeout_minutes.verify * 60 // 2:
        yield (
            "load.seconds",
            delivery.load.seconds,
            "at most half of timeout_minutes.verify: the smoke test comes first",
        )


def _of_model(error: ValidationError) -> Iterator[tuple[str, object, str]]:
    for details in error.errors(include_url=False):
        missing = details["type"] == "missing"
        value = "(not set)" if missing else details["input"]
        yield ".".join(map(str, details["loc"])), value, details["msg"].removeprefix("Input should be ")


def _message(path: Path, faults: Iterator[tuple[str, object, str]] | list[tuple[str, object, str]]) -> str:
    lines = [
        f"  {path.parent.name}/{path.name}: {key} = {value!r}\n      accepted: {text}" for key, value, text in faults
    ]
    count = "1 fault" if len(lines) == 1 else f"{len(lines)} faults"
    return f"{count} in the configuration of the pipelines:\n" + "\n".join(lines)
