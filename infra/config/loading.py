"""Reads `config/<environment>.toml` and says everything that is wrong with it in one message."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from ipaddress import IPv4Network
from pathlib import Path
from typing import Annotated, Any, get_args

from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from infra.config import preview_rules, rollout_rules, rules
from infra.config.models import Environment, Section
from infra.config.rule import RULES, Fault

RULE_MODULES = (rules, rollout_rules, preview_rules)
"""Their import is what puts rules into `RULES`."""

FOLDER = Path(__file__).resolve().parent.parent.parent / "config"


class ConfigurationError(Exception):
    """The configuration cannot be used; the message names file, key, value and what would be accepted."""


def load_environment(
    name: str, *, folder: Path = FOLDER, overrides: Mapping[str, Mapping[str, Any]] | None = None
) -> Environment:
    """The checked configuration of one environment.

    `overrides` replaces values of sections: `{"rollout": {"strategy": "canary"}}`.
    Raises ConfigurationError with all faults at once.
    """
    overrides = overrides or {}
    known = sorted(path.stem for path in folder.glob("*.toml"))
    if name not in known:
        raise ConfigurationError(f"env = {name!r}: no such environment; {folder.name}/ has {', '.join(known)}")
    raw = _read(folder / f"{name}.toml")
    for section, values in overrides.items():
        raw[section] = {**raw.get(section, {}), **values}
    valid, faults = _validate(raw)
    environment = Environment.model_construct(**valid)
    for rule in RULES:
        if rule.sections <= valid.keys():
            faults.extend(rule.check(environment))
    if valid.get("name", name) != name:
        faults.append(Fault(key="name", value=valid["name"], accepted=f"{name!r}, as the file is called"))
    if "network" in valid:
        others = {other: network for other in known if (network := _network(folder / f"{other}.toml"))}
        faults.extend(rules.overlapping(name, environment.network.cidr, others))
    if faults:
        overridden = {f"{section}.{key}" for section, values in overrides.items() for key in values}
        raise ConfigurationError(_message(folder, name, faults, overridden))
    return environment


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path.parent.name}/{path.name}: not valid TOML: {error}") from error


def _network(path: Path) -> IPv4Network | None:
    """The network of another environment; None where that file is at fault itself."""
    try:
        return IPv4Network(_read(path)["network"]["cidr"])
    except (ConfigurationError, KeyError, TypeError, ValueError):
        return None


@cache
def _adapter(name: str) -> TypeAdapter[Any]:
    field: FieldInfo = Environment.model_fields[name]
    annotation: Any = field.annotation
    for constraint in field.metadata:  # pydantic keeps a pattern or a bound beside the bare type
        annotation = Annotated[annotation, constraint]
    return TypeAdapter(annotation)


def _validate(raw: dict[str, Any]) -> tuple[dict[str, Any], list[Fault]]:
    """Each section on its own, so that one fault does not hide the next."""
    valid: dict[str, Any] = {}
    faults = [
        Fault(key=key, value=value, accepted=_unknown(Environment))
        for key, value in raw.items()
        if key not in Environment.model_fields
    ]
    for name, field in Environment.model_fields.items():
        if name not in raw:
            if field.is_required():
                faults.append(Fault(key=name, value="nothing", accepted="required: see the other environments' files"))
            else:
                valid[name] = field.get_default()
            continue
        try:
            valid[name] = _adapter(name).validate_python(raw[name])
        except ValidationError as error:
            faults.extend(_fault(name, details) for details in error.errors(include_url=False))
    return valid, faults


def _fault(section: str, details: ErrorDetails) -> Fault:
    key = ".".join([section, *(str(part) for part in details["loc"])])
    if details["type"] == "missing":
        return Fault(key=key, value="nothing", accepted="required: see the other environments' files")
    if details["type"] == "extra_forbidden":
        return Fault(key=key, value=details["input"], accepted=_unknown(_section(section, *details["loc"][:-1])))
    return Fault(key=key, value=details["input"], accepted=details["msg"].removeprefix("Input should be "))


def _section(*names: str | int) -> type[Section]:
    """The model of a section, or of one in it."""
    model: type[Section] = Environment
    for name in names:
        annotation: Any = model.model_fields[str(name)].annotation
        candidates = [annotation, *get_args(annotation)]  # `Domain | None` is a union
        model = next(c for c in candidates if isinstance(c, type) and issubclass(c, Section))
    return model


def _unknown(model: type[Section]) -> str:
    return f"no such key; there are {', '.join(model.model_fields)}"


def _message(folder: Path, name: str, faults: list[Fault], overridden: set[str]) -> str:
    file = f"{folder.name}/{name}.toml: "
    lines = [
        f"  {'-c ' if fault.key in overridden else file}{fault.key} = {_shown(fault.value)}\n"
        f"      accepted: {fault.accepted}"
        for fault in faults
    ]
    count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
    return f"{count} in the configuration of {name}:\n" + "\n".join(lines)


def _shown(value: object) -> str:
    if value == "nothing":
        return "(not set)"
    return str(value).lower() if isinstance(value, bool) else repr(value)
