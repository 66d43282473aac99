"""Rules of our own, a module for each subject."""

from __future__ import annotations

import importlib
import pkgutil

from audit.pack.rule import REGISTRY, Rule


def all_rules() -> list[Rule]:
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return [REGISTRY[name] for name in sorted(REGISTRY)]
