"""Command line: `python -m pipelines.tools.previews list --env preview`.

For people: list, comment, link, password, keep, release, end, sweep. For the pipeline: admit, deploy, tend.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from infra.config import ConfigurationError, load_environment
from pipelines.tools.findings import ROOT
from pipelines.tools.previews import saying, steps
from pipelines.tools.previews.account import Account, assumed
from pipelines.tools.previews.admission import RefusedError
from pipelines.tools.previews.github import URL, GitHub, GitHubError
from pipelines.tools.stage import StageError, variable
from previews.comment import Failure
from previews.life import Preview
from previews.names import PreviewName, PreviewNameError
from previews.places import failure_file
from previews.table import as_text

_FOR_PEOPLE = ("list", "comment", "link", "password", "keep", "release", "end", "sweep")
_FOR_PIPELINE = ("admit", "deploy", "tend")


def main(arguments: list[str] | None = None) -> int:
    """0 when it is done, 1 when not, with what to do about it."""
    options = _parser().parse_args(arguments)
    try:
        environment = load_environment(options.env)
        if options.what in _FOR_PIPELINE:
            session = assumed("lookup" if options.what == "admit" else "deploy", environment)
            return _for_pipeline(options, Account(environment, session))
        return _for_people(options, Account(environment))
    except (ConfigurationError, PreviewNameError, RefusedError, StageError, GitHubError) as error:
        print(f"previews: {error}", file=sys.stderr)
    except (LookupError, RuntimeError, TimeoutError) as error:
        print(f"previews: {error}", file=sys.stderr)
    except (ClientError, BotoCoreError) as error:
        print(
            f'previews: {error}\n  give it credentials (AWS_PROFILE=…), or the local cloud: eval "$(make -s env)"',
            file=sys.stderr,
        )
    return 1


def _for_people(options: argparse.Namespace, account: Account) -> int:
    match options.what:
        case "list":
            return _list(account)
        case "sweep":
            said = account.sweep()
            for key, value in said.items():
                print(f"{key}: {', '.join(value) if isinstance(value, list) else value}")
            return 1 if said["orphaned"] else 0
        case "password":
            print(_password(account))
            return 0
    name = PreviewName.of(options.name or "").name
    match options.what:
        case "end":
            return steps.end(account, None, name, why="by hand")
        case "keep" | "release":
            account.keep(_there(account, name), wanted=options.what == "keep")
            preview = _there(account, name)
            print(f"{name} ends at {preview.expires(account.terms):%Y-%m-%d %H:%M} UTC")
            return 0
        case "link":
            if not (address := saying.link(account, _there(account, name))):
                raise LookupError(f"these credentials may not read the token of {name}, or it has no address yet")
            print(address)
            return 0
    file = options.output / f"{name}.md"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(saying.comment(account, name, with_link=True, failure=_failed_by_hand(name)))
    print(file.read_text())
    return 0


def _failed_by_hand(name: str) -> Failure | None:
    """What became of the last `make preview`, where it failed."""
    file = failure_file(ROOT, name)
    return Failure(**json.loads(file.read_text())) if file.exists() else None


def _for_pipeline(options: argparse.Namespace, account: Account) -> int:
    # The name is GitHub's own, for an enterprise's server.
    url = os.environ.get("GITHUB_API_URL", URL)
    github = GitHub(repository=variable("REPOSITORY"), token=variable("GITHUB_TOKEN"), url=url)
    if options.what == "tend":
        return steps.tend(account, github)
    push = steps.Push(branch=variable("BRANCH"), commit=variable("COMMIT"))
    if options.what == "admit":
        return steps.admit(account, github, push, ROOT / "out" / "preview" / "admitted")
    return steps.deploy(account, github, push, options.assembly)


def _there(account: Account, name: str) -> Preview:
    if preview := account.preview(name):
        return preview
    raise LookupError(f"there is no preview {name}; make previews lists those that there are")


def _list(account: Account) -> int:
    previews, now = account.previews(), datetime.now(tz=UTC)
    if not previews:
        print(f"{account.environment.name} has no previews; make preview NAME=… makes one")
        return 0
    costs = {preview.name: account.daily_usd(preview) for preview in previews}
    print(as_text(previews, terms=account.terms, daily_usd=costs, now=now))
    total = sum(cost for cost in costs.values() if cost is not None)
    limit = account.environment.previews.life.daily_usd if account.environment.previews else 0
    print(f"\n{len(previews)} previews, USD {total:.2f} a day of {limit} that they may cost together")
    return 0


def _password(account: Account) -> str:
    stack = f"{account.prefix[:-1]}s"
    described = account.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    secret = next(each["OutputValue"] for each in described["Outputs"] if each["OutputKey"] == "PreviewPasswordSecret")
    return str(account.client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="previews", description="Previews of branches, by AWS's API.")
    parser.add_argument("what", choices=[*_FOR_PEOPLE, *_FOR_PIPELINE])
    parser.add_argument("--env", default=os.environ.get("ENVIRONMENT", "preview"), help="the environment that has them")
    parser.add_argument("--name", help="a preview's name, or its branch")
    parser.add_argument(
        "--output", type=Path, default=ROOT / "out" / "preview", help="folder of comments (out/preview)"
    )
    parser.add_argument("--assembly", type=Path, default=Path("cdk.out"), help="what the branch was assembled to")
    return parser


if __name__ == "__main__":
    sys.exit(main())
