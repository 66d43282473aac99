"""The four environments' real assemblies, synthesized once."""

from __future__ import annotations

from pathlib import Path

import pytest

from preflight.assembly import Assembly
from preflight.loading import load
from stacks.platform import SpendSmartPlatform

ENVIRONMENTS = ("dev", "staging", "prod", "preview")


@pytest.fixture(scope="session")
def assemblies(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folder of each environment's cloud assembly."""
    folders = {}
    for name in ENVIRONMENTS:
        folder = tmp_path_factory.mktemp(name)
        SpendSmartPlatform(environment=name, validate=False, outdir=str(folder)).synth()
        folders[name] = folder
    return folders


@pytest.fixture(scope="session")
def sound_prod(assemblies: dict[str, Path]) -> Assembly:
    return load(assemblies["prod"])
