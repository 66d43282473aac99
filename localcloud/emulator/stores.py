"""Records of our own that live, are scoped by account and region, and persist like those of MiniStack's services."""

from __future__ import annotations

import copy
import types
from typing import Any

from ministack import app as ministack_app
from ministack.core.responses import AccountRegionScopedDict

_stores: dict[str, Any] = {}
_services: dict[str, list[str]] = {}


def store(name: str, *, service: str) -> Any:
    """A mapping from keys to records that calls of `service` write to; asked for once, on import."""
    return keep(name, AccountRegionScopedDict(), service=service)


def keep(name: str, content: Any, *, service: str) -> Any:
    """The same for a mapping of MiniStack's that it does not save itself."""
    _stores[name] = content
    _services.setdefault(service, []).append(f"localcloud_{name}")
    return content


def state_keys(service: str) -> list[str]:
    """The keys under which a service's stores are saved."""
    return _services.get(service, [])


def install() -> None:
    """Enter every store into what MiniStack saves and loads."""
    for name, content in _stores.items():
        key = f"localcloud_{name}"
        module = types.SimpleNamespace(
            get_state=lambda content=content: {"records": copy.deepcopy(content)},
            load_persisted_state=lambda data, content=content: content.update(data["records"]),
        )
        ministack_app._state_map[key] = key
        ministack_app._loaded_modules[key] = module
