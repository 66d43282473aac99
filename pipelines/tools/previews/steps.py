"""The pipeline's steps: may it be, deploy it, end it, and look after all of them.

Each ends with a comment that says how things are, and may be run again.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipelines.tools.findings import ROOT
from pipelines.tools.previews import admission, assembly, saying
from pipelines.tools.previews.account import Account
from pipelines.tools.previews.github import GitHub, PullRequest
from previews import failure as failures
from previews.comment import Failure
from previews.life import Preview
from previews.names import PreviewName
from previews.places import KEEP_LABEL

_PATIENCE = 900
"""Seconds for a stack to be deleted."""

_CLOCKS = timedelta(minutes=2)
"""How far the clocks of CloudFormation and of this machine may be apart."""


@dataclass(frozen=True, kw_only=True)
class Push:
    """A commit on a branch of ours."""

    branch: str
    commit: str

    @property
    def name(self) -> str:
        """Raises PreviewNameError."""
        return PreviewName.of(self.branch).name


def admit(account: Account, github: GitHub, push: Push, told: Path) -> int:
    """0 when the branch may have a preview; what is refused for its limits is told on the pull request.

    `told` is a shell file that says the number and the author of the pull request to the steps after this one.
    """
    found = admission.pull_request(github.pull_request_of(push.branch), branch=push.branch, commit=push.commit)
    previews = account.environment.previews
    if previews is None:
        raise admission.RefusedError(f"{account.environment.name} carries no previews")
    try:
        admission.limits(push.name, account.previews(), previews, account.daily_usd)
    except admission.RefusedError as error:
        why = Failure(what="there is no room for it", said=str(error), remedy="", commit=push.commit)
        github.comment(found.number, saying.comment(account, push.name, with_link=False, failure=why))
        raise
    told.parent.mkdir(parents=True, exist_ok=True)
    told.write_text(f"export PULL_REQUEST={found.number}\nexport OWNER={shlex.quote(found.author)}\n")
    return 0


def deploy(account: Account, github: GitHub, push: Push, folder: Path) -> int:
    """Deploy what was assembled, and say how it went; 0 when the new version serves."""
    found = admission.pull_request(github.pull_request_of(push.branch), branch=push.branch, commit=push.commit)
    _wait_while_busy(account, push.name)
    why = _not_assembled(account, push, folder) or _deployed(account, push, folder)
    if why:
        clear_dead(account, push.name)
    # Afterwards: a deployment sets the stack's protection as its template has it.
    if preview := account.preview(push.name):
        account.keep(preview, wanted=KEEP_LABEL in found.labels)
    if why:
        print(f"{why.what}\n{why.said}", file=sys.stderr)
    print(github.comment(found.number, saying.comment(account, push.name, with_link=False, failure=why)))
    return 1 if why else 0


def end(account: Account, github: GitHub | None, name: str, *, why: str, number: int | None = None) -> int:
    """Delete a preview and wait until it is gone; nothing to do where there is none."""
    if preview := account.preview(name):
        account.end(preview)
        wait_until_gone(account, name)
    if github and number:
        print(github.comment(number, saying.comment(account, name, with_link=False, ended=why)))
    return 0


def tend(account: Account, github: GitHub) -> int:
    """Bring every comment up to date, take the label `keep` for what it says, end what has no open pull request.

    One that has none at all, as it was made by hand, is left to its time.
    """
    for preview in account.previews():
        if not preview.pull_request.isdigit():
            continue
        found = github.pull_request(int(preview.pull_request))
        if not found.open:
            end(account, github, preview.name, why=_closed(found), number=found.number)
            continue
        account.keep(preview, wanted=KEEP_LABEL in found.labels)
        if not preview.busy:
            print(github.comment(found.number, saying.comment(account, preview.name, with_link=False)))
    return 0


def clear_dead(account: Account, name: str) -> None:
    """Delete what a first push left that failed. CloudFormation has taken all of it back but the stack's name."""
    preview = account.preview(name)
    if preview and is_dead(preview):
        account.end(preview)
        wait_until_gone(account, name)


def is_dead(preview: Preview) -> bool:
    """Whether it has never served and never will."""
    return preview.status in ("CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "REVIEW_IN_PROGRESS")


def wait_until_gone(account: Account, name: str) -> None:
    """Raises TimeoutError when the stack is still there after a quarter of an hour, or cannot be deleted."""
    deadline = time.monotonic() + _PATIENCE
    while preview := account.preview(name):
        if preview.status == "DELETE_FAILED" or time.monotonic() > deadline:
            raise TimeoutError(
                f"{preview.stack} is {preview.status}; the sweeper goes on trying, and tells if it cannot"
            )
        time.sleep(2)


def _wait_while_busy(account: Account, name: str) -> None:
    """Another push, or the end of a preview, may be under way: CloudFormation does one thing at a time."""
    deadline = time.monotonic() + _PATIENCE
    while (preview := account.preview(name)) and preview.busy:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{preview.stack} is {preview.status} for {_PATIENCE} s")
        time.sleep(5)


def _closed(found: PullRequest) -> str:
    return "the pull request was merged" if found.merged else "the pull request was closed"


def _not_assembled(account: Account, push: Push, folder: Path) -> Failure | None:
    for file, what in (("image.txt", failures.IMAGE), ("synth.txt", failures.SYNTHESIS)):
        if (folder / file).exists():
            return failures.of_tool(what, (folder / file).read_text(errors="replace"), commit=push.commit)
    environment = account.environment
    wrong = list(
        assembly.faults(
            folder,
            stack=f"{account.prefix}{push.name}",
            account=environment.account,
            region=environment.regions.primary,
            boundary=environment.boundary_name,
        )
    )
    if wrong:
        return failures.of_tool("it is more than a preview", "\n".join(wrong), commit=push.commit)
    return None


def _deployed(account: Account, push: Push, folder: Path) -> Failure | None:
    began = datetime.now(tz=UTC) - _CLOCKS
    done = subprocess.run(
        [
            str(ROOT / "scripts" / "cdk"), "deploy", "--app", str(folder), "--all", "--method", "change-set",
            "--require-approval", "never", "--progress", "events", "--no-notices",
        ],
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )  # fmt: skip
    print(done.stdout)
    if done.returncode == 0:
        return None
    reasons = account.failures(f"{account.prefix}{push.name}", since=began)
    return failures.of_deployment(reasons, done.stdout[-3000:], commit=push.commit)
