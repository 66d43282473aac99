"""Each environment is synthesized once in the session."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from audit.access.settings import Settings, load_settings
from tests.audit.estates import synthesize


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of an environment's assembly."""

    @cache
    def synthesized(environment: str) -> Path:
        return synthesize(environment, tmp_path_factory.mktemp(f"network-{environment}"))

    return synthesized


@pytest.fixture(scope="session")
def settings() -> Settings:
    return load_settings()
