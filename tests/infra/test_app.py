"""The app as people start it: which stacks there are, and that a synth needs nothing but the repository."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from infra.config.loading import FOLDER
from stacks.platform import SpendSmartPlatform
from tests.infra.conftest import KEYS
from tests.infra.synthesized import Assembly

REPOSITORY = FOLDER.parent
ALWAYS = {"Network", "Data", "Storage", "Ingress", "Observability", "Service", "Monitoring"}


def test_each_environment_has_its_stacks(prod: Assembly, preview: Assembly) -> None:
    copies = {"StorageReplica", "DataReplica", "BackupReplica", "Backup"}
    assert prod.templates.keys() == ALWAYS | copies | {"Edge", "RegionalWaf"}
    assert preview.templates.keys() == ALWAYS | {"Previews", "PreviewSweeper"}


def test_copies_are_in_the_other_region(prod: Assembly) -> None:
    regions = {name: template.region for name, template in prod.templates.items()}
    replicas = {name for name, region in regions.items() if region == "us-west-2"}
    assert replicas == {"StorageReplica", "DataReplica", "BackupReplica"}
    assert {region for name, region in regions.items() if name not in replicas} == {"us-east-1"}


def test_copies_are_deployed_before_what_is_copied(prod: Assembly) -> None:
    def needs(stack: str) -> list[str]:
        dependencies: list[str] = prod.manifest["artifacts"][f"SpendSmart-Prod-{stack}"]["dependencies"]
        return dependencies

    assert "SpendSmart-Prod-StorageReplica" in needs("Storage")
    assert "SpendSmart-Prod-BackupReplica" in needs("Data")
    assert "SpendSmart-Prod-BackupReplica" in needs("Backup")


def test_processes_agree_to_the_byte_and_need_no_network(tmp_path: Path) -> None:
    """Different hash seeds, no credentials, and a dead end for every HTTP request."""
    with ThreadPoolExecutor() as pool:
        first, second = pool.map(lambda seed: _synthesize(tmp_path / seed, seed=seed), ("1", "2"))
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []
    assert len([name for name in first if name.endswith(".template.json")]) == 13


def _synthesize(directory: Path, *, seed: str) -> dict[str, bytes]:
    dead_end = "http://127.0.0.1:9"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | {
        "HTTPS_PROXY": dead_end,
        "HTTP_PROXY": dead_end,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "PYTHONHASHSEED": seed,
        "CDK_VALIDATION": "false",
        "CDK_CONTEXT_JSON": '{"env": "prod"}',
        "CDK_OUTDIR": str(directory),
    }
    ended = subprocess.run(
        [sys.executable, "app.py"], cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 0, ended.stderr
    return {
        # The report's traces name the folder that jsii has unpacked itself into.
        str(path.relative_to(directory)): re.sub(rb"jsii-kernel-\w+", b"jsii-kernel", path.read_bytes())
        for path in directory.rglob("*")
        if path.is_file() and not path.name.endswith(".metadata.json")
    }


def test_validation_finds_nothing_in_an_unprotected_environment(tmp_path: Path) -> None:
    """Here buckets empty themselves, which production's do not."""
    SpendSmartPlatform(environment="dev", validate=True, outdir=str(tmp_path), keys=KEYS).synth()
    report = json.loads((tmp_path / "validation-report.json").read_text())
    assert report["pluginReports"], "nothing was validated"
    assert [finding for plugin in report["pluginReports"] for finding in plugin["violations"]] == []
