"""Hostile templates: each gives a result or an error in bounded time and memory, never a traceback."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.preflight.hostile import BYTES, MEGABYTE, TEXTS, template

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60
MEMORY = 2 * 1024**3
"""Of address space; the largest template that is read at all needs a fraction of it."""


def judge(path: Path) -> subprocess.CompletedProcess[str]:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))

    return subprocess.run(
        [sys.executable, "-m", "preflight", str(path)],
        cwd=ROOT,
        preexec_fn=limit,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=SECONDS,
        check=False,
    )


def assert_withstood(path: Path) -> str:
    """The command ended by itself, with an answer: 0 nothing found, 1 findings, 2 not a template."""
    done = judge(path)
    said = done.stdout + done.stderr
    assert "Traceback" not in said, said[-3000:]
    assert "MemoryError" not in said, said[-3000:]
    assert done.returncode in (0, 1, 2), (done.returncode, said[-3000:])
    assert said.strip(), "it said nothing"
    assert len(said) < MEGABYTE, "what it says is bounded, too"
    return said


@pytest.mark.parametrize("name", TEXTS)
def test_a_hostile_text(name: str, tmp_path: Path) -> None:
    path = tmp_path / "hostile.template"
    path.write_bytes(TEXTS[name]().encode("utf-8", errors="surrogatepass"))
    assert_withstood(path)


@pytest.mark.parametrize("name", BYTES)
def test_hostile_bytes(name: str, tmp_path: Path) -> None:
    path = tmp_path / "hostile.yaml"
    path.write_bytes(BYTES[name])
    assert_withstood(path)


STACK = "aws:cloudformation:stack"
MANIFESTS: tuple[Any, ...] = (
    [],
    {"artifacts": []},
    {"artifacts": {"A": []}},
    {"artifacts": {"A": {"type": STACK}}},
    {"artifacts": {"A": {"type": STACK, "properties": {"templateFile": "../../../../../../../../etc/passwd"}}}},
    {"artifacts": {"A": {"type": STACK, "properties": {"templateFile": "missing.json"}}}},
    {"artifacts": {"A": {"type": STACK, "properties": {"templateFile": "."}}}},
    {"artifacts": {"A": {"type": STACK, "properties": {"templateFile": "t.json\u0000"}}}},
    {"artifacts": {"A": {"type": STACK, "additionalMetadataFile": [], "properties": {"templateFile": "t.json"}}}},
    {"artifacts": {"A": {"type": "cdk:cloud-assembly", "properties": {"directoryName": "."}}}},
    {
        "artifacts": {
            "A": {
                "type": STACK,
                "environment": [],
                "dependencies": 1,
                "metadata": [],
                "properties": {"templateFile": "t.json", "stackName": [], "terminationProtection": "x"},
            }
        }
    },
)


@pytest.mark.parametrize("manifest", MANIFESTS, ids=range(len(MANIFESTS)))
def test_a_hostile_manifest(manifest: Any, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    (tmp_path / "t.json").write_text(template(), encoding="utf-8")
    assert "root:" not in assert_withstood(tmp_path)


def test_a_template_that_nests_itself(tmp_path: Path) -> None:
    again = {"Type": "AWS::CloudFormation::Stack", "Metadata": {"aws:asset:path": "t.json"}}
    (tmp_path / "t.json").write_text(template({f"N{i}": again for i in range(30)}), encoding="utf-8")
    stack = {"type": "aws:cloudformation:stack", "properties": {"templateFile": "t.json"}}
    (tmp_path / "manifest.json").write_text(json.dumps({"artifacts": {"A": stack}}), encoding="utf-8")
    assert_withstood(tmp_path)


def test_what_is_no_file(tmp_path: Path) -> None:
    assert_withstood(tmp_path / "missing.json")
    assert_withstood(tmp_path)
    assert_withstood(Path("/dev/null"))
