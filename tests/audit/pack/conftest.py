"""Apps judged by every pack: what `npx cdk synth` does, in this process."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest

from audit.pack.plugin import plugins
from pipelines.app import DeliveryApp
from stacks.platform import SpendSmartPlatform
from stacks.preview_app import PreviewApp
from tests.infra.test_recovery import BACKUP

KEYS = Path(__file__).parents[2] / "infra" / "keys"
"""Public keys of signed image URLs, whose private halves nobody has."""


APPS = ("dev", "staging", "prod", "recovered", "preview", "branch", "pipeline")
"""`branch` is a preview, `recovered` is prod in its second region."""
TODAY = date(2026, 12, 1)


@dataclass(frozen=True, kw_only=True)
class Found:
    """One place in a validation report."""

    pack: str
    rule: str
    path: str
    severity: str
    description: str
    fix: str


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What a synth left behind. `passed` is False where it ended with an error."""

    folder: Path
    passed: bool

    def _report(self) -> list[dict[str, Any]]:
        path = self.folder / "validation-report.json"
        reports: list[dict[str, Any]] = json.loads(path.read_text())["pluginReports"] if path.exists() else []
        return reports

    def standing(self) -> list[Found]:
        return list(self._places("violations"))

    def acknowledged(self) -> list[Found]:
        return list(self._places("suppressedViolations"))

    def _places(self, key: str) -> Iterator[Found]:
        for plugin in self._report():
            for violation in plugin.get(key) or []:
                for place in violation["violatingConstructs"]:
                    yield Found(
                        pack=plugin["pluginName"],
                        rule=violation["ruleName"],
                        path=place["constructPath"],
                        severity=violation["severity"],
                        description=violation["description"],
                        fix=violation.get("suggestedFix", ""),
                    )


def judge(app: cdk.App, folder: Path, *, today: date = TODAY) -> Judged:
    """Synthesizes an app under all packs."""
    cdk.Validations.of(app).add_plugins(*plugins(app, today=today))
    try:
        app.synth()
    except RuntimeError as error:
        assert "ValidationFailed" in str(error)
        return Judged(folder=folder, passed=False)
    return Judged(folder=folder, passed=True)


@pytest.fixture(scope="session")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Judged]:
    @cache
    def run(name: str) -> Judged:
        folder = tmp_path_factory.mktemp(name)
        return judge(_app(name, folder), folder)

    return run


def _app(name: str, folder: Path) -> cdk.App:
    if name == "pipeline":
        return DeliveryApp(validate=False, outdir=str(folder))
    if name == "branch":
        return PreviewApp(environment="preview", branch="feature-x", validate=False, outdir=str(folder))
    context = {"region": "us-west-2", "restore": BACKUP} if name == "recovered" else None
    environment = "prod" if name == "recovered" else name
    return SpendSmartPlatform(environment=environment, validate=False, outdir=str(folder), keys=KEYS, context=context)
