"""Policies to try instead of the template's: a TOML file, or one of those that come with the simulator by name.

about = "one line for people"

[service.web]                 # or [service."*"], every service that the file does not name
maximum = 4                   # minimum and maximum are the template's where they are not given

[[service.web.policy]]        # where there is any, these replace all of the template's
name = "Cpu/UpperPolicy"
steps = [{ lower = 0, adjustment = 1 }]
cooldown = 120
alarm = { MetricName = "CPUUtilization", Threshold = 70, … }   # as CloudFormation writes it
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from localcloud.scaling.errors import ScalingError
from localcloud.scaling.model import Service, StepPolicy
from localcloud.scaling.steps import AdjustmentType, StepAdjustment
from localcloud.scaling.template import alarm_of

FOLDER = Path(__file__).resolve().parent / "policies"


@dataclass(frozen=True, kw_only=True)
class Overlay:
    """What a file puts in the place of the template's."""

    about: str
    services: dict[str, dict[str, Any]]

    def applied(self, service: Service) -> Service:
        """The service as the file would have it. Raises ScalingError for what is missing or unknown in it."""
        given = self.services.get(service.name, self.services.get("*", {}))
        try:
            policies = tuple(_policy(one) for one in given.get("policy", ()))
        except (KeyError, TypeError, ValueError) as error:
            raise ScalingError(f"a policy for {service.name} is not complete: {type(error).__name__} {error}") from None
        return replace(
            service,
            minimum=int(given.get("minimum", service.minimum)),
            maximum=int(given.get("maximum", service.maximum)),
            policies=policies or service.policies,
        )


def read(name: str) -> Overlay:
    """A policy file by its path, or by its name in `policies/`. Raises ScalingError."""
    path = Path(name) if Path(name).suffix else FOLDER / f"{name}.toml"
    try:
        content = tomllib.loads(path.read_text())
    except OSError:
        known = ", ".join(sorted(one.stem for one in FOLDER.glob("*.toml")))
        raise ScalingError(f"there is no policy file {path}; those that come with it are {known}") from None
    except tomllib.TOMLDecodeError as error:
        raise ScalingError(f"{path}: {error}") from None
    return Overlay(about=str(content.get("about", path.stem)), services=content.get("service", {}))


def _policy(given: dict[str, Any]) -> StepPolicy:
    return StepPolicy(
        name=str(given["name"]),
        alarm=alarm_of({"EvaluationPeriods": 1, **given["alarm"]}, path=str(given["name"])),
        kind=AdjustmentType(given.get("kind", "ChangeInCapacity")),
        steps=tuple(
            StepAdjustment(lower=one.get("lower"), upper=one.get("upper"), adjustment=int(one["adjustment"]))
            for one in given["steps"]
        ),
        cooldown=float(given.get("cooldown", 300)),
        aggregation=str(given.get("aggregation", "Average")),
        minimum_magnitude=int(given.get("minimum_magnitude", 0)),
    )
