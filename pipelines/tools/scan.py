"""Secrets in the tree, insecure code, the Dockerfile, and known vulnerabilities of the locked packages.

`python -m pipelines.tools.scan` writes out/scan/summary.json. A tool that cannot run says "not run" and why; with
SCAN_STRICT=1, as in the pipelines, that fails, too.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from pipelines.tools import tree
from pipelines.tools.findings import ROOT, Acceptance, Finding, Verdict, accepted, judge, report

OUTPUT = ROOT / "out" / "scan" / "summary.json"
CODE = ("app_src", "infra", "stacks", "pipelines", "localcloud", "preflight", "plan", "audit", "migrations_check")
PATIENCE = 300
"""Seconds for one tool."""

_NOT_SECRETS = ("Base64HighEntropyString", "HexHighEntropyString", "KeywordDetector")
"""Detectors that guess: hashes, and whatever is called a secret. The others know the forms of real credentials."""


class NotRunError(Exception):
    """The tool could not do its work; the message says why."""


def secrets(root: Path = ROOT) -> list[Finding]:
    """Credentials in files that are under version control, or would be."""
    disabled = [part for name in _NOT_SECRETS for part in ("--disable-plugin", name)]
    files = _files(root)
    found = json.loads(_run(["detect-secrets", "scan", *disabled, *files], root=root))["results"]
    return [
        Finding(tool="detect-secrets", id=each["type"], where=path, text=f"line {each['line_number']}")
        for path, results in found.items()
        for each in results
    ]


def code(root: Path = ROOT) -> list[Finding]:
    """Bandit's findings of medium and high severity; ruff's rules S, in `make lint`, see to the low ones."""
    written = _run(["bandit", "-q", "-ll", "-r", *CODE, "-f", "json"], root=root, codes=(0, 1))
    return [
        Finding(
            tool="bandit",
            id=each["test_id"],
            where=each["filename"].removeprefix("./"),
            text=f"line {each['line_number']}: {each['issue_text']}",
        )
        for each in json.loads(written)["results"]
    ]


def dockerfile(root: Path = ROOT) -> list[Finding]:
    written = _run(["hadolint", "--format", "json", "app_src/Dockerfile"], root=root, codes=(0, 1))
    return [
        Finding(
            tool="hadolint", id=each["code"], where="app_src/Dockerfile", text=f"line {each['line']}: {each['message']}"
        )
        for each in json.loads(written)
    ]


def dependencies(root: Path = ROOT) -> list[Finding]:
    """Known vulnerabilities of what the image runs, by pip-audit; raises NotRunError without its database."""
    command = ["pip-audit", "--requirement", "app_src/requirements.txt", "--disable-pip", "--format", "json"]
    written = _run([*command, "--progress-spinner", "off", "--timeout", "15"], root=root, codes=(0, 1))
    try:
        packages = json.loads(written)["dependencies"]
    except (json.JSONDecodeError, KeyError) as error:
        raise NotRunError("pip-audit got no answer from the vulnerability database") from error
    return [
        Finding(
            tool="pip-audit",
            id=each["id"],
            where=package["name"],
            text=f"{package['version']}, mended in {', '.join(each['fix_versions']) or 'no version yet'}",
        )
        for package in packages
        for each in package.get("vulns", [])
    ]


TOOLS: dict[str, Callable[[], list[Finding]]] = {
    "detect-secrets": secrets,
    "bandit": code,
    "hadolint": dockerfile,
    "pip-audit": dependencies,
}


def verdict(
    tool: str, find: Callable[[], list[Finding]], acceptances: Sequence[Acceptance], *, strict: bool
) -> Verdict:
    """The tool's verdict; where it cannot run, "not run", or "failed" if `strict`."""
    try:
        return judge(tool, find(), acceptances)
    except NotRunError as error:
        return Verdict(tool=tool, state="failed" if strict else "not run", because=(str(error),))


def _files(root: Path) -> list[str]:
    """The repository's files without the locked requirements, which hold thousands of hashes."""
    return [path for path in tree.files(root) if not path.endswith(("requirements.txt", "-lock.json"))]


def _run(command: list[str], *, root: Path, codes: Sequence[int] = (0,)) -> str:
    beside = Path(sys.executable).parent / command[0]
    program = str(beside) if beside.exists() else command[0]
    try:
        ended = subprocess.run(
            [program, *command[1:]], cwd=root, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except FileNotFoundError as error:
        raise NotRunError(f"{command[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise NotRunError(f"{command[0]} did not end within {PATIENCE} s") from error
    if ended.returncode not in codes:
        last: Any = (ended.stderr.strip() or ended.stdout.strip()).splitlines()[-1:] or ["no word"]
        raise NotRunError(f"{command[0]} ended with {ended.returncode}: {last[0][:300]}")
    return ended.stdout


def main() -> int:
    """0 when nothing stands, 1 otherwise."""
    strict, acceptances = bool(os.environ.get("SCAN_STRICT")), accepted()
    with ThreadPoolExecutor() as pool:
        verdicts = list(pool.map(lambda tool: verdict(tool, TOOLS[tool], acceptances, strict=strict), TOOLS))
    return 0 if report(verdicts, OUTPUT, tree=tree.digest(ROOT)) else 1


if __name__ == "__main__":
    sys.exit(main())
