"""What a change is compared with: what is deployed, an assembly on disk, or one of an earlier git revision."""

from __future__ import annotations

import os
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

from plan.errors import PlanError
from preflight.assembly import Assembly, Stack
from preflight.loading import LoadError, load

REPOSITORY = Path(__file__).resolve().parent.parent
_SYNTH_SECONDS = 600


def from_folder(path: Path) -> Assembly:
    """An assembly (cdk.out), a template or a folder of templates. Raises PlanError where it cannot be read."""
    try:
        return load(path)
    except LoadError as error:
        raise PlanError(str(error)) from None


@contextmanager
def from_git(revision: str, *, environment: str, repository: Path = REPOSITORY) -> Iterator[Assembly]:
    """The assembly that an earlier revision synthesizes, in a folder that is gone afterwards.

    It runs with the packages that are installed now. Raises PlanError where there is no such revision or it does not
    synthesize.
    """
    commit = _git(repository, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if not commit:
        raise PlanError(
            f"git knows no revision {revision!r}; a shallow clone has only its newest (git fetch --unshallow)"
        )
    with tempfile.TemporaryDirectory(prefix="plan-") as folder:
        tree = Path(folder)
        archive = subprocess.run(
            ["git", "archive", "--format=tar", commit.decode().strip()], cwd=repository, capture_output=True, check=True
        )
        with tarfile.open(fileobj=BytesIO(archive.stdout)) as files:
            files.extractall(tree, filter="data")
        for name in (".venv", "node_modules"):
            if (repository / name).exists() and not (tree / name).exists():
                (tree / name).symlink_to((repository / name).resolve())
        yield from_folder(_synthesized(tree, environment, revision))


def _synthesized(tree: Path, environment: str, revision: str) -> Path:
    output = tree / "cdk.out"
    command = [
        "scripts/cdk",
        "synth",
        "--quiet",
        "--no-validation",
        "-c",
        f"env={environment}",
        "--output",
        str(output),
    ]
    try:
        done = subprocess.run(
            command,
            cwd=tree,
            capture_output=True,
            text=True,
            timeout=_SYNTH_SECONDS,
            check=False,
            env={**os.environ, "AWS_EC2_METADATA_DISABLED": "true", "CDK_OUTDIR": ""},
        )
    except FileNotFoundError:
        raise PlanError(f"revision {revision} has no scripts/cdk, so it cannot be synthesized") from None
    except subprocess.TimeoutExpired:
        raise PlanError(f"revision {revision} was not synthesized within {_SYNTH_SECONDS} s") from None
    # A synth that its own rules refuse has still written its templates.
    if not (output / "manifest.json").is_file():
        last = "\n".join((done.stderr or done.stdout).strip().splitlines()[-5:])
        raise PlanError(f"revision {revision} does not synthesize {environment}:\n{last}")
    return output


def _git(repository: Path, *arguments: str) -> bytes:
    try:
        return subprocess.run(["git", *arguments], cwd=repository, capture_output=True, check=False).stdout
    except FileNotFoundError:
        raise PlanError("git is not installed") from None


def empty_like(after: Assembly) -> Assembly:
    """Nothing deployed yet."""
    assembly = Assembly()
    for stack in after.stacks:
        if stack.parent is None:
            assembly.stacks.append(_stack(stack, assembly, {"Resources": {}}))
    return assembly


def _stack(like: Stack, assembly: Assembly, template: dict[str, Any], *, protected: bool | None = None) -> Stack:
    return Stack(
        like.name,
        template,
        assembly,
        file=f"the deployed stack {like.name}",
        region=like.region,
        account=like.account,
        termination_protection=protected,
        depends_on=like.depends_on,
    )
