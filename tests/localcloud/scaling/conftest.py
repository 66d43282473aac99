"""The services of the real environments, from their synthesized templates."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from localcloud.scaling.model import Service
from localcloud.scaling.template import Assembly
from stacks.platform import SpendSmartPlatform


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of an environment's cloud assembly."""

    @cache
    def synthesize(environment: str) -> Path:
        folder = tmp_path_factory.mktemp(f"scaling-{environment}")
        SpendSmartPlatform(environment=environment, validate=False, outdir=str(folder)).synth()
        return folder

    return synthesize


@pytest.fixture(scope="session")
def services(assembly: Callable[[str], Path]) -> Callable[[str], list[Service]]:
    return lambda environment: Assembly(folder=assembly(environment)).services()


@pytest.fixture(scope="session")
def prod(services: Callable[[str], list[Service]]) -> list[Service]:
    return services("prod")
