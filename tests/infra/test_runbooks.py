"""A page for each alarm, whose commands are such that the AWS CLI takes them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import botocore.session
import pytest
from botocore import xform_name
from botocore.exceptions import UnknownServiceError

from infra.config.loading import FOLDER
from tests.infra.alarms_of import AlarmOf, alarms_of
from tests.infra.synthesized import Assembly

RUNBOOKS = FOLDER.parent / "docs" / "runbooks"
SECTIONS = ["What it means", "What users see", "Look first", "Mend", "Prevent"]
OF_NO_ALARM = {"spending": "budget and anomaly detection speak by themselves"}
_EVERYWHERE = {"query", "output", "region", "max-items"}
_OF_THE_CLI_ALONE = {"put-metric-data": {"metric-name", "value"}}
"""Options that the CLI adds to what the service's model has."""


def _pages() -> list[Path]:
    return sorted(path for path in RUNBOOKS.glob("*.md") if "Severity: " in path.read_text())


def _said(page: Path, key: str) -> str:
    found = re.search(rf"^{key}: (\S+)$", page.read_text(), flags=re.M)
    assert found, f"{page.name} has no line {key}: …"
    return found[1]


def faults(alarms: Iterable[AlarmOf], folder: Path) -> Iterator[str]:
    """What keeps somebody who is paged from finding their page."""
    for alarm in alarms:
        if alarm.for_machines:
            continue
        page = folder / (alarm.runbook or "-")
        if not page.exists():
            yield f"{alarm.name}: there is no {folder.name}/{alarm.runbook or '(runbook line in its description)'}"
        elif _said(page, "Owner") != alarm.facts["owner"]:
            yield f"{alarm.name} is owned by {alarm.facts['owner']}, {page.name} by {_said(page, 'Owner')}"
        elif _said(page, "Severity") > alarm.facts["severity"]:
            yield f"{alarm.name} is {alarm.facts['severity']}, {page.name} is for {_said(page, 'Severity')}"


def test_each_alarm_has_its_page(assembly: Assembly) -> None:
    alarms = list(alarms_of(assembly))
    assert [alarm for alarm in alarms if not alarm.for_machines], "nothing was looked at"
    assert list(faults(alarms, RUNBOOKS)) == []


def test_an_alarm_without_a_page_is_refused(prod: Assembly, tmp_path: Path) -> None:
    new = AlarmOf(stack="Monitoring", logical_id="New", properties={"AlarmName": "new", "AlarmDescription": "New."})
    lost = next(alarm for alarm in alarms_of(prod) if alarm.runbook == "web-errors.md")
    assert len(list(faults([new, lost], tmp_path))) == 2
    (tmp_path / "web-errors.md").write_text("Severity: P1\nOwner: platform\n")
    assert ["owned by" in fault for fault in faults([lost], tmp_path)] == [True]


def test_no_page_is_left_over(prod: Assembly, staging: Assembly) -> None:
    used = {alarm.runbook.removesuffix(".md") for one in (prod, staging) for alarm in alarms_of(one)}
    unused = {page.stem for page in _pages()} - used - OF_NO_ALARM.keys()
    # Only an environment with a name of its own has certificates.
    assert unused == {"certificate-expires"}


@pytest.mark.parametrize("page", _pages(), ids=lambda page: page.stem)
def test_a_page_says_what_to_do(page: Path) -> None:
    text = page.read_text()
    parts = re.split(r"^## (.+)$", text, flags=re.M)
    assert parts[1::2] == SECTIONS
    assert all(part.strip() for part in parts[2::2])
    looks = parts[2 + 2 * SECTIONS.index("Look first")]
    steps = re.split(r"^\d\. ", looks, flags=re.M)[1:]
    assert len(steps) == 3
    assert all(step.count("```sh\n") == 1 for step in steps)
    assert _said(page, "Severity") in ("P0", "P1", "P2")
    for link in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (RUNBOOKS / link).exists(), f"{page.name} links to {link}"


@pytest.mark.parametrize("page", _pages(), ids=lambda page: page.stem)
def test_commands_are_the_ones_of_the_aws_cli(page: Path) -> None:
    commands = list(_aws_commands(page.read_text()))
    assert commands or "aws" not in page.read_text()
    assert [fault for command in commands for fault in _command_faults(command)] == []


def test_a_command_that_does_not_exist_is_found() -> None:
    assert list(_command_faults("aws rds describe-db-instance"))
    assert list(_command_faults("aws rds describe-db-instances --db-instance x"))
    assert list(_command_faults("aws rdz describe-db-instances"))
    assert list(_command_faults("aws rds describe-db-instances --db-instance-identifier x")) == []


@pytest.mark.parametrize("page", _pages(), ids=lambda page: page.stem)
def test_variables_are_set_by_the_script_of_names(page: Path) -> None:
    known = set(re.findall(r"^(?:export )?([A-Z_]+)=|(?<= )([A-Z_]+)=\$\(", (RUNBOOKS / "names.sh").read_text(), re.M))
    names = {name for pair in known for name in pair if name}
    used = set(re.findall(r"\$\{?([A-Z][A-Z_]+)", page.read_text()))
    assert used <= names


def test_the_pages_are_listed(prod: Assembly) -> None:
    listed = (RUNBOOKS / "README.md").read_text()
    assert [page.name for page in _pages() if f"({page.name})" not in listed] == []


def _aws_commands(text: str) -> Iterator[str]:
    """Commands of code blocks and of code in lines, each without its quoted texts."""
    blocks = re.findall(r"```sh\n(.*?)```", text, flags=re.S) + re.findall(r"(?<!`)`([^`\n]+)`(?!`)", text)
    for block in blocks:
        rest = re.sub(r"'[^']*'|\"[^\"]*\"", "Q", block.replace("\\\n", " "))
        while found := re.search(r"\$\(([^()]*)\)", rest):
            yield from _split(found[1])
            rest = rest.replace(found[0], "V", 1)
        yield from _split(rest)


def _split(line: str) -> Iterator[str]:
    for part in re.split(r"[|;\n]|&&", line):
        if found := re.search(r"\baws [a-z0-9-]+ [a-z0-9-]+.*", part):
            yield found[0].strip()


def _command_faults(command: str) -> Iterator[str]:
    """What the AWS CLI would not know, by the services' own models."""
    _, service, operation, *_ = command.split()
    service = {"s3api": "s3", "configservice": "config"}.get(service, service)
    try:
        model = botocore.session.get_session().get_service_model(service)
    except UnknownServiceError:
        yield f"{command}: no such service"
        return
    operations = {xform_name(name, "-"): name for name in model.operation_names}
    if operation not in operations:
        yield f"{command}: no such operation"
        return
    shape = model.operation_model(operations[operation]).input_shape
    options = {option for member in (shape.members if shape else ()) for option in _options(member)}
    for option in re.findall(r"(?<= )--([a-z0-9-]+)", command):
        if option not in options | _EVERYWHERE | _OF_THE_CLI_ALONE.get(operation, set()):
            yield f"{command}: no option --{option}"


def _options(member: str) -> tuple[str, ...]:
    """A member's option, and the one that says no to a switch."""
    name = xform_name(member, "-")
    return name, f"no-{name}"
