"""Everything that completes and corrects MiniStack, put in place once before the server starts."""

from __future__ import annotations

import importlib
import pkgutil

from localcloud.emulator import (
    authentication,
    authorization,
    cloudformation,
    ecs_roles,
    lost_regions,
    parallel,
    passed_roles,
    recorded_calls,
    registry,
    resources,
    services,
    stores,
    unfinished,
    wire,
)


def install() -> None:
    """Install every module of `services`, and every resource type that the modules of `resources` register."""
    authentication.install()
    recorded_calls.install()
    authorization.install()
    passed_roles.install()
    ecs_roles.install()
    cloudformation.install()
    parallel.install()
    for package in (services, resources):
        for found in pkgutil.iter_modules(package.__path__):
            module = importlib.import_module(f"{package.__name__}.{found.name}")
            if package is services:
                module.install()
    registry.install()
    wire.install()
    stores.install()
    # The innermost first: what is lost is not to be tidied up after.
    lost_regions.install()
    unfinished.install()
