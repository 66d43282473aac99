"""Each assembly is synthesized once in the session."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from pipelines.app import DeliveryApp
from tests.audit.estates import synthesize


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of an environment's assembly; `tooling` is that of the pipelines."""

    @cache
    def synthesized(environment: str) -> Path:
        made = tmp_path_factory.mktemp(f"access-{environment}")
        if environment == "tooling":
            DeliveryApp(validate=False, outdir=str(made)).synth()
            return made
        return synthesize(environment, made)

    return synthesized
