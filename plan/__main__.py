"""`python -m plan --env prod`: what a change will do, before it is deployed.

Ends with 0 when nothing is refused, 1 when something is, 2 when it cannot be worked out.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.config import ConfigurationError, load_environment
from plan.cost.prices import price_book
from plan.deployed import deployed
from plan.earlier import empty_like, from_folder, from_git
from plan.errors import PlanError
from plan.outcome import Outcome, work_out
from plan.report.gantt import as_svg
from plan.report.markdown import as_markdown
from plan.report.page import as_html
from plan.report.summary import as_json
from plan.report.terminal import as_text
from preflight.assembly import Assembly


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        environment = load_environment(options.env)
        after = from_folder(options.assembly)
        with _before(options, after) as (before, against):
            outcome = work_out(
                before=before, after=after, environment=environment, against=against, prices=price_book()
            )
        _write(outcome, options.output)
    except (ConfigurationError, PlanError) as error:
        print(f"plan: {error}", file=sys.stderr)
        return 2
    print(as_text(outcome), flush=True)
    print(f"for people: {options.output / 'plan.html'}   for a pull request: {options.output / 'plan.md'}")
    return 0 if outcome.ok else 1


@contextmanager
def _before(options: argparse.Namespace, after: Assembly) -> Iterator[tuple[Assembly, str]]:
    if options.against_git:
        with from_git(options.against_git, environment=options.env) as assembly:
            yield assembly, f"revision {options.against_git}"
    elif options.against == "deployed":
        yield deployed(after), "what is deployed"
    elif options.against == "nothing":
        yield empty_like(after), "nothing, as a first deploy"
    else:
        yield from_folder(Path(options.against)), options.against


def _write(outcome: Outcome, folder: Path) -> None:
    files = {
        "plan.md": as_markdown(outcome),
        "plan.html": as_html(outcome),
        "gantt.svg": as_svg(outcome.schedule),
        "summary.json": json.dumps(as_json(outcome), indent=2) + "\n",
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (folder / name).write_text(content, errors="replace")
    except OSError as error:
        raise PlanError(f"{folder}: cannot be written: {error.strerror}") from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="plan", description="What a change will do, before it is deployed.")
    parser.add_argument("--env", required=True, help="the environment: a file name in config/")
    parser.add_argument("--assembly", type=Path, default=Path("cdk.out"), help="what is to be deployed (cdk.out)")
    before = parser.add_mutually_exclusive_group()
    before.add_argument(
        "--against",
        default="deployed",
        help="deployed (the stacks in the account, read-only), nothing (a first deploy), or a folder with an assembly",
    )
    before.add_argument("--against-git", metavar="REV", help="what an earlier revision synthesizes")
    parser.add_argument("--output", type=Path, default=Path("out/plan"), help="folder for the reports")
    return parser


if __name__ == "__main__":
    sys.exit(main())
