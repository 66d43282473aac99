"""Runs a buildspec as CodeBuild does, in a clean copy of the tree: `scripts/buildspec NAME`.

Phases in CodeBuild's order, one shell for all commands, stop at the first that fails, `finally` always, post_build
after a failed build but not after a failed install or pre_build, exported variables, artifacts. What it leaves is in
out/buildspec/NAME: log.txt, summary.json, artifacts/, and the copy's out/ as out/.

Not imitated: runtime-versions (the machine's own are used), caches, reports, secrets and batch builds.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any, Literal

import yaml

from pipelines.tools.tree import commit, files

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "pipelines" / "buildspecs"
PHASES = ("install", "pre_build", "build", "post_build")

State = Literal["passed", "failed", "not run"]


@dataclass(frozen=True, kw_only=True)
class Step:
    """One command, what became of it, and why it was not run."""

    phase: str
    command: str
    state: State
    code: int | None = None
    seconds: float = 0.0
    because: str = ""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a run did. `complete` says that no step was left out."""

    name: str
    steps: tuple[Step, ...]
    exported: Mapping[str, str]
    missing_artifacts: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.missing_artifacts and all(step.state != "failed" for step in self.steps)

    @property
    def complete(self) -> bool:
        return all(step.state == "passed" for step in self.steps)


@dataclass(frozen=True, kw_only=True)
class Order:
    """What to run: the project's and the action's `variables`, which win over the buildspec's own.

    `skip` maps a regular expression to the reason why matching commands are left out; `links` are paths of the tree
    that the copy shares, as they take long to make; `inputs` are folders by the name of a secondary source.
    """

    name: str
    variables: Mapping[str, str] = field(default_factory=dict)
    skip: Mapping[str, str] = field(default_factory=dict)
    links: Sequence[str] = ()
    inputs: Mapping[str, Path] = field(default_factory=dict)
    output: Path | None = None


class BuildspecError(Exception):
    """The buildspec, or what was asked of it, is wrong."""


class Shell:
    """One shell that lives as long as the build: what a command exports, the next one sees."""

    def __init__(self, folder: Path, *, variables: Mapping[str, str], log: IO[str], program: str) -> None:
        self._status_read, status = os.pipe()
        self._process = subprocess.Popen(
            [program],
            cwd=folder,
            env=dict(variables),
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            pass_fds=[status],
            text=True,
        )
        os.close(status)
        self._status = status
        self._answers = os.fdopen(self._status_read)
        self._scratch = tempfile.TemporaryDirectory(prefix="buildspec")

    def run(self, command: str) -> int:
        """The command's exit code; a shell that ended with it counts as that code, and stays ended."""
        file = Path(self._scratch.name) / "command"
        file.write_text(command + "\n")
        try:
            assert self._process.stdin  # noqa: S101  (asked for above)
            self._process.stdin.write(f'. "{file}" </dev/null; echo $? >/proc/self/fd/{self._status}\n')
            self._process.stdin.flush()
        except BrokenPipeError:
            return self._process.wait() or 1
        answer = self._answers.readline()
        return int(answer) if answer else (self._process.wait() or 1)

    def value(self, name: str) -> str:
        """An exported variable's value, empty where it is not set."""
        file = Path(self._scratch.name) / "value"
        self.run(f'printf %s "${{{name}-}}" > "{file}"')
        return file.read_text() if file.exists() else ""

    def close(self) -> None:
        if self._process.stdin:
            with suppress(BrokenPipeError):  # a command has ended the shell
                self._process.stdin.close()
        self._process.wait(timeout=30)
        self._answers.close()
        self._scratch.cleanup()


def run(order: Order) -> Outcome:
    """Run a buildspec. Raises BuildspecError where it cannot be read, or a reason to skip matches nothing."""
    spec = _read(order.name)
    _check_skips(order, spec)
    output = order.output or ROOT / "out" / "buildspec" / order.name
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    environment = spec.get("env", {})
    with (
        tempfile.TemporaryDirectory(prefix=f"buildspec-{order.name}-") as folder,
        (output / "log.txt").open("w") as log,
    ):
        tree = Path(folder) / "src"
        _copy(tree, order.links)
        shell = Shell(
            tree, variables=_variables(order, environment, tree), log=log, program=environment.get("shell", "sh")
        )
        try:
            steps = tuple(_steps(spec, order, shell, log))
            exported = {name: shell.value(name) for name in environment.get("exported-variables", [])}
        finally:
            shell.close()
        succeeded = all(step.state != "failed" for step in steps)
        missing = _collect(spec.get("artifacts", {}), tree, output / "artifacts") if succeeded else ()
        if (tree / "out").is_dir():
            shutil.copytree(tree / "out", output / "out", symlinks=True, dirs_exist_ok=True)
    outcome = Outcome(name=order.name, steps=steps, exported=exported, missing_artifacts=missing)
    document = {"ok": outcome.ok, "complete": outcome.complete, **asdict(outcome)}
    (output / "summary.json").write_text(json.dumps(document, indent=2) + "\n")
    return outcome


def _read(name: str) -> dict[str, Any]:
    path = FOLDER / f"{name}.yml"
    if not path.exists():
        known = ", ".join(sorted(each.stem for each in FOLDER.glob("*.yml")))
        raise BuildspecError(f"no buildspec {name}; there are {known}")
    spec: dict[str, Any] = yaml.safe_load(path.read_text())
    if spec.get("version") != 0.2 or not set(spec.get("phases", {})) <= set(PHASES):
        raise BuildspecError(f"{path.name} is not of version 0.2, or has a phase other than {', '.join(PHASES)}")
    return spec


def _check_skips(order: Order, spec: dict[str, Any]) -> None:
    commands = [
        command
        for phase in spec["phases"].values()
        for part in ("commands", "finally")
        for command in phase.get(part, [])
    ]
    for pattern in order.skip:
        if not any(re.search(pattern, command) for command in commands):
            raise BuildspecError(f"{order.name} has no command like {pattern!r} to leave out")


def _copy(target: Path, links: Sequence[str]) -> None:
    """The repository's files as they are now, and `links` to what the copy shares."""
    target.mkdir(parents=True)
    for name in files(ROOT):
        if name not in links:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name, follow_symlinks=False)
    for name in links:
        if (ROOT / name).exists():
            (target / name).symlink_to((ROOT / name).resolve())


def _variables(order: Order, environment: dict[str, Any], tree: Path) -> dict[str, str]:
    """What CodeBuild sets, the buildspec's variables, and those of project and action, each winning over the last."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TERM", "TMPDIR") if name in os.environ}
    given = {
        "CODEBUILD_SRC_DIR": str(tree),
        "CODEBUILD_BUILD_SUCCEEDING": "1",
        "CODEBUILD_RESOLVED_SOURCE_VERSION": commit(ROOT),
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "CI": "true",
        **{f"CODEBUILD_SRC_DIR_{name}": str(path) for name, path in order.inputs.items()},
    }
    own = {name: str(value) for name, value in environment.get("variables", {}).items()}
    return {**kept, **given, **own, **order.variables}


def _steps(spec: dict[str, Any], order: Order, shell: Shell, log: IO[str]) -> Iterator[Step]:
    failed_in = ""
    for phase in PHASES:
        content = spec["phases"].get(phase, {})
        # A failed build still has its post_build; a failed install or pre_build ends everything.
        if failed_in and not (phase == "post_build" and failed_in == "build"):
            because = f"{failed_in} failed"
            yield from (Step(phase=phase, command=each, state="not run", because=because) for each in _all(content))
            continue
        stopped = False
        for command in content.get("commands", []):
            if stopped:
                yield Step(phase=phase, command=command, state="not run", because="the command before it failed")
                continue
            step = _step(phase, command, order, shell, log)
            yield step
            stopped = step.state == "failed"
        for command in content.get("finally", []):
            step = _step(phase, command, order, shell, log)
            yield step
            stopped = stopped or step.state == "failed"
        if stopped:
            failed_in = failed_in or phase
            shell.run("export CODEBUILD_BUILD_SUCCEEDING=0")


def _all(content: dict[str, Any]) -> list[str]:
    return [*content.get("commands", []), *content.get("finally", [])]


def _step(phase: str, command: str, order: Order, shell: Shell, log: IO[str]) -> Step:
    for pattern, reason in order.skip.items():
        if re.search(pattern, command):
            step = Step(phase=phase, command=command, state="not run", because=reason)
            break
    else:
        log.write(f"\n$ {command}\n")
        log.flush()
        started = time.monotonic()
        code = shell.run(command)
        state: State = "failed" if code else "passed"
        step = Step(phase=phase, command=command, state=state, code=code, seconds=round(time.monotonic() - started, 1))
    print(f"{step.state:8} {phase:10} {step.seconds:6.1f} s  {command}{f'  ({step.because})' if step.because else ''}")
    return step


def _collect(artifacts: dict[str, Any], tree: Path, output: Path) -> tuple[str, ...]:
    """Copies what `artifacts` names; the patterns that match no file."""
    base = tree / artifacts.get("base-directory", ".")
    missing: list[str] = []
    for pattern in artifacts.get("files", []):
        files = [path for path in base.glob(pattern) if path.is_file()]
        if not files:
            missing.append(pattern)
        for path in files:
            target = output / path.relative_to(base)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target)
    return tuple(missing)


def _pairs(texts: Sequence[str], what: str) -> dict[str, str]:
    pairs = dict(text.partition("=")[::2] for text in texts)
    if any(not value and "=" not in text for text, value in zip(texts, pairs.values(), strict=False)):
        raise BuildspecError(f"{what} wants NAME=VALUE")
    return pairs


@contextmanager
def _complaints() -> Iterator[None]:
    try:
        yield
    except BuildspecError as error:
        print(f"buildspec: {error}", file=sys.stderr)
        sys.exit(2)


def main() -> int:
    """0 when no step failed, 1 when one did, 2 when the order makes no sense."""
    parser = argparse.ArgumentParser(prog="scripts/buildspec", description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("name", help="a file of pipelines/buildspecs without its ending")
    parser.add_argument("--env", action="append", default=[], metavar="NAME=VALUE", help="as the project defines it")
    parser.add_argument("--skip", action="append", default=[], metavar="REGEX=REASON", help="leave out, and say why")
    parser.add_argument("--input", action="append", default=[], metavar="NAME=FOLDER", help="a secondary source")
    parser.add_argument("--link", action="append", default=[], metavar="PATH", help="share with the tree, as .venv")
    options = parser.parse_args()
    with _complaints():
        outcome = run(
            Order(
                name=options.name,
                variables=_pairs(options.env, "--env"),
                skip=_pairs(options.skip, "--skip"),
                links=options.link,
                inputs={name: Path(path).resolve() for name, path in _pairs(options.input, "--input").items()},
            )
        )
    left_out = sum(step.state == "not run" for step in outcome.steps)
    for pattern in outcome.missing_artifacts:
        print(f"failed   artifacts: nothing matches {pattern}")
    print(
        f"{outcome.name}: {'ok' if outcome.ok else 'FAILED'}, {len(outcome.steps) - left_out} steps, {left_out} not run"
    )
    print(f"log: out/buildspec/{outcome.name}/log.txt")
    return 0 if outcome.ok else 1


if __name__ == "__main__":
    sys.exit(main())
