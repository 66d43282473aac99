"""The real environments' assemblies, each synthesized once in the session."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from stacks.platform import SpendSmartPlatform


@pytest.fixture(scope="session")
def synthesized(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of an environment's cloud assembly."""

    @cache
    def synthesize(environment: str) -> Path:
        folder = tmp_path_factory.mktemp(f"plan-{environment}")
        SpendSmartPlatform(environment=environment, validate=False, outdir=str(folder)).synth()
        return folder

    return synthesize


@pytest.fixture(scope="session")
def prod(synthesized: Callable[[str], Path]) -> Path:
    return synthesized("prod")
