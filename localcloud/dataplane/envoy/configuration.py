"""What one Envoy serves, as xDS resources (Envoy API v3) by name, and the files it reads them from.

Envoy watches the files and takes a new one when it is moved into place. Routes and endpoints have a file each, so a
shifted weight or a new target leaves listeners and their connections alone.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localcloud import layout

Resource = dict[str, Any]

_TYPE = "type.googleapis.com/"
_ENVOY = _TYPE + "envoy."
LISTENER = _ENVOY + "config.listener.v3.Listener"
CLUSTER = _ENVOY + "config.cluster.v3.Cluster"
ROUTES = _ENVOY + "config.route.v3.RouteConfiguration"
ENDPOINTS = _ENVOY + "config.endpoint.v3.ClusterLoadAssignment"


def typed(name: str, **members: Any) -> Resource:
    """A typed configuration; `name` is the message's full name behind `envoy.`."""
    return {"@type": _ENVOY + name, **members}


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """Resources by name. Listeners name their routes, clusters their endpoints, by `source(...)`."""

    listeners: Mapping[str, Resource] = field(default_factory=dict)
    routes: Mapping[str, Resource] = field(default_factory=dict)
    clusters: Mapping[str, Resource] = field(default_factory=dict)
    endpoints: Mapping[str, Resource] = field(default_factory=dict)


class Files:
    """The xDS files of one Envoy in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def source(self, kind: str, name: str = "") -> Resource:
        """A config source that names the file of resource `name`, or the one of all listeners or clusters."""
        return {
            "path_config_source": {
                "path": str(self._path(kind, name)),
                "watched_directory": {"path": str(self.folder)},
            },
            "resource_api_version": "V3",
        }

    def write_all(self, kind: str, resources: Mapping[str, Resource], type_url: str) -> bool:
        """Write listeners or clusters into their one file; True when it changed."""
        return self._write(self._path(kind), [{"@type": type_url, **resources[name]} for name in sorted(resources)])

    def write_each(self, kind: str, resources: Mapping[str, Resource], type_url: str) -> bool:
        """Write each resource into a file of its own; True when any changed."""
        changed = [
            self._write(self._path(kind, name), [{"@type": type_url, **resource}])
            for name, resource in resources.items()
        ]
        return any(changed)

    def remove_others(self, kind: str, resources: Mapping[str, Resource]) -> None:
        """Remove the files of resources that are no more."""
        wanted = {self._path(kind, name) for name in resources}
        for path in self.folder.glob(f"{kind}-*.json"):
            if path not in wanted:
                path.unlink()

    def read_all(self, kind: str) -> dict[str, Resource]:
        """What the one file of a kind holds, by name."""
        path = self._path(kind)
        if not path.exists():
            return {}
        found: dict[str, Any] = json.loads(path.read_text())
        return {
            resource["name"]: {key: value for key, value in resource.items() if key != "@type"}
            for resource in found["resources"]
        }

    def _path(self, kind: str, name: str = "") -> Path:
        if not name:
            return self.folder / f"{kind}.json"
        plain = re.sub(r"[^A-Za-z0-9]+", "-", name)[-60:].strip("-")
        return self.folder / f"{kind}-{plain}-{hashlib.sha256(name.encode()).hexdigest()[:8]}.json"

    def _write(self, path: Path, resources: list[Resource]) -> bool:
        body = json.dumps(resources, sort_keys=True)
        version = hashlib.sha256(body.encode()).hexdigest()[:16]
        text = f'{{"version_info": "{version}", "resources": {body}}}'
        if path.exists() and path.read_text() == text:
            return False
        layout.write_private(path, text)
        return True
