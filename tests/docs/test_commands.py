"""Commands that documents tell people to type exist, with these options: nobody finds out at night that one does not.

AWS CLI commands are held against the API models of botocore, from which the AWS CLI makes its commands, too.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import botocore.exceptions
import botocore.session
import pytest
from botocore import xform_name

REPOSITORY = Path(__file__).parents[2]
DOCUMENTS = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]

_CODE = re.compile(r"```\w*\n(?P<block>.*?)```|(?<!`)`(?P<span>[^`\n]+)`", re.DOTALL)
_AWS = re.compile(r"(?:^|(?<=[\s;|&(]))aws\s+(?P<rest>[a-z0-9-]+\s[^\n;|&#]*)", re.MULTILINE)
_MAKE = re.compile(r"(?:^|(?<=[\s;|&(]))make\s+(?!-)(?P<target>[a-z][a-z-]*)", re.MULTILINE)
_GLOBAL = {"--region", "--profile", "--query", "--output", "--no-cli-pager", "--cli-input-json", "--page-size"}
_GLOBAL |= {"--max-items", "--endpoint-url", "--no-paginate"}
# What the AWS CLI adds to what the API has, by service: commands, and options that a command has besides the API's.
_CLI_ONLY = {
    "s3": {"cp": {"--recursive", "--version-id"}, "ls": {"--recursive", "--summarize"}, "sync": set(), "rm": set()},
    "logs": {"tail": {"--follow", "--since", "--filter-pattern", "--format", "--log-stream-names"}},
    "configure": {"sso": set()},
    "sso": {"login": set()},
}
_SERVICE = {"s3api": "s3"}
# Short forms that the AWS CLI offers for a structure of the API.
_SHORT = {
    "cloudwatch put-metric-data": {"--metric-name", "--value", "--unit", "--dimensions", "--timestamp"},
}


class Command(NamedTuple):
    document: str
    text: str


def commands() -> Iterator[Command]:
    for document in DOCUMENTS:
        for code in _CODE.finditer(document.read_text()):
            for text in _lines((code["block"] or code["span"]).replace("\\\n", " ")):
                for found in _AWS.finditer(text):
                    yield Command(str(document.relative_to(REPOSITORY)), found["rest"].strip())


def _lines(text: str) -> Iterator[str]:
    """The text with a word for each command that is substituted in it, and these commands."""
    while found := re.search(r"\$\(([^()]*)\)", text):
        yield from _lines(found[1])
        text = text.replace(found[0], "VALUE", 1)
    yield text


def fault(text: str) -> str | None:
    """What is wrong with the rest of a command after `aws`; None when nothing is."""
    try:
        words = shlex.split(text)
    except ValueError:
        words = text.replace("'", "").replace('"', "").split()
    service, operation, *rest = words
    given = {word.split("=")[0] for word in rest if word.startswith("--")} - _GLOBAL
    if operation in _CLI_ONLY.get(service, {}):
        unknown = given - _CLI_ONLY[service][operation]
        return f"no option {', '.join(sorted(unknown))}" if unknown else None
    try:
        operations = operations_of(_SERVICE.get(service, service))
    except botocore.exceptions.UnknownServiceError:
        return f"no service {service}"
    if operation == "wait":
        return None if rest and rest[0] in waiters_of(service) else f"no waiter {rest[:1]}"
    if operation not in operations:
        return f"no command {service} {operation}"
    options, required = operations[operation]
    if short := _SHORT.get(f"{service} {operation}", set()) & given:
        required, given = frozenset(), given - short
    if unknown := {
        option for option in given if option not in options and option.replace("--no-", "--") not in options
    }:
        return f"{service} {operation} has no option {', '.join(sorted(unknown))}"
    if missing := required - given - _GLOBAL:
        return f"{service} {operation} wants {', '.join(sorted(missing))}" if given else None
    return None


@cache
def operations_of(service: str) -> dict[str, tuple[frozenset[str], frozenset[str]]]:
    """By command: its options, and those that it cannot do without."""
    model = botocore.session.get_session().get_service_model(service)
    found = {}
    for name in model.operation_names:
        shape: Any = model.operation_model(name).input_shape
        members = shape.members if shape else {}
        options = {f"--{xform_name(member, '-')}" for member in members}
        required = {f"--{xform_name(member, '-')}" for member in (shape.required_members if shape else [])}
        found[xform_name(name, "-")] = (frozenset(options), frozenset(required))
    return found


def waiters_of(service: str) -> set[str]:
    config = botocore.session.get_session().get_waiter_model(_SERVICE.get(service, service))
    return {xform_name(name, "-") for name in config.waiter_names}


@pytest.mark.parametrize(
    "command", sorted(set(commands())), ids=lambda command: f"{command.document}: {command.text}"[:90]
)
def test_the_aws_cli_has_the_command(command: Command) -> None:
    assert fault(command.text) is None, f"{command.document}: aws {command.text}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ecs stop-deployment --cluster C", "no command"),
        ("ecs stop-service-deployment --deployment-arn A", "no option --deployment-arn"),
        ("ecs stop-service-deployment --stop-type ROLLBACK", "wants --service-deployment-arn"),
        ("container-service list-tasks --cluster C", "no service"),
        ("s3 cp a b --versions", "no option --versions"),
        ("ecs wait services-steady --cluster C", "no waiter"),
    ],
)
def test_a_wrong_command_is_found(text: str, said: str) -> None:
    assert said in (fault(text) or "")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_make_has_the_target(document: Path) -> None:
    makefile = (REPOSITORY / "Makefile").read_text()
    known = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    for code in _CODE.finditer(document.read_text()):
        text = code["block"] or code["span"]
        if text.startswith(("make", "$ make", "eval")) or code["block"]:
            unknown = {found["target"] for found in _MAKE.finditer(text)} - known
            assert not unknown, f"{document.name}: make {', '.join(unknown)}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)\s#]+)", document.read_text()):
        assert (document.parent / target).exists(), f"{document.name} links to {target}"
