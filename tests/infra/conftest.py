"""Each environment is synthesized once per session, in one process: jsii starts once, and the first app pays for it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from stacks.platform import SpendSmartPlatform
from tests.infra.synthesized import Assembly

ENVIRONMENTS = ("dev", "staging", "prod", "preview")
KEYS = Path(__file__).parent / "keys"
"""Public keys of signed image URLs, whose private halves nobody has: prod and dev have one, staging has none."""


@pytest.fixture(scope="session")
def synth(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Assembly]:
    """Synthesizes an environment by name, the first time that it is asked for; without CDK's template validation."""

    @cache
    def synthesize(environment: str) -> Assembly:
        directory = tmp_path_factory.mktemp(environment)
        SpendSmartPlatform(environment=environment, validate=False, outdir=str(directory), keys=KEYS).synth()
        return Assembly(environment=environment, directory=directory)

    return synthesize


@pytest.fixture(scope="session", params=ENVIRONMENTS)
def assembly(request: pytest.FixtureRequest, synth: Callable[[str], Assembly]) -> Assembly:
    """Every environment in turn."""
    return synth(request.param)


@pytest.fixture(scope="session")
def prod(synth: Callable[[str], Assembly]) -> Assembly:
    return synth("prod")


@pytest.fixture(scope="session")
def staging(synth: Callable[[str], Assembly]) -> Assembly:
    return synth("staging")


@pytest.fixture(scope="session")
def dev(synth: Callable[[str], Assembly]) -> Assembly:
    return synth("dev")


@pytest.fixture(scope="session")
def preview(synth: Callable[[str], Assembly]) -> Assembly:
    return synth("preview")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-snapshots", action="store_true", help="rewrite tests/infra/snapshots/")
