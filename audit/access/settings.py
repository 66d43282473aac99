"""What the checks judge by: `config/access.toml`."""

from __future__ import annotations

import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from audit.access.patterns import action_covers, covers

FILE = Path("config/access.toml")


class SettingsError(Exception):
    """What is wrong in the file, for people."""


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Untrusted(_Section):
    """Principals that run what nobody has approved for production: by environment, or by construct path."""

    environment: str = ""
    principals: str = ""
    reason: str = Field(min_length=10)

    def matches(self, *, path: str, environment: str) -> bool:
        return self.environment == environment if self.environment else covers(self.principals, path)


class AcceptedPath(_Section):
    """A way into production that is meant. `only_in_account` ends the acceptance where the account is another one."""

    principals: str = Field(min_length=1)
    reason: str = Field(min_length=30)
    only_in_account: str = ""

    def matches(self, *, path: str, account: str) -> bool:
        return covers(self.principals, path) and self.only_in_account in ("", account)


class AcceptedWildcard(_Section):
    """A wildcard that stays, and why."""

    principals: str = Field(min_length=1)
    actions: tuple[str, ...] = Field(min_length=1)
    resource: str = Field(min_length=1)
    reason: str = Field(min_length=30)

    def matches(self, path: str, actions: tuple[str, ...], resource: str) -> bool:
        return (
            covers(self.principals, path)
            and covers(self.resource, resource)
            and all(any(action_covers(pattern, action) for pattern in self.actions) for action in actions)
        )


class StoreReach(_Section):
    """Who may open connections to stores of a type: patterns of construct paths of tasks and functions."""

    type: str = Field(min_length=1)
    stores: str = Field(min_length=1)
    sources: tuple[str, ...] = Field(min_length=1)


class PublicEntry(_Section):
    """What may face the internet, and on which ports; `without_firewall` are environments where no WAF is asked for."""

    type: str = Field(min_length=1)
    ports: tuple[int, ...] = Field(min_length=1)
    reason: str = Field(min_length=10)
    without_firewall: tuple[str, ...] = ()


class Settings(_Section):
    production: tuple[str, ...] = Field(min_length=1)
    untrusted: tuple[Untrusted, ...] = ()
    accepted_path: tuple[AcceptedPath, ...] = ()
    accepted_wildcard: tuple[AcceptedWildcard, ...] = ()
    store_reach: tuple[StoreReach, ...] = ()
    public_entry: tuple[PublicEntry, ...] = ()


def load_settings(file: Path = FILE) -> Settings:
    """Raises SettingsError with a message that names file and place."""
    try:
        return Settings.model_validate(tomllib.loads(file.read_text()))
    except OSError as error:
        raise SettingsError(f"{file}: {error.strerror}") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file}: {error}") from None
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise SettingsError(f"{file}: {faults}") from None
