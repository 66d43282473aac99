"""A page for each alarm. That its commands and links are right is tested in tests/docs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from infra.config.loading import FOLDER
from tests.infra.alarms_of import AlarmOf, alarms_of
from tests.infra.synthesized import Assembly

RUNBOOKS = FOLDER.parent / "docs" / "runbooks"
SECTIONS = ["What it means", "What users see", "Look first", "Mend", "Prevent"]
OF_NO_ALARM = {"spending": "budget and anomaly detection speak by themselves"}


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


def test_no_page_is_left_over(prod: Assembly, staging: Assembly, preview: Assembly) -> None:
    used = {alarm.runbook.removesuffix(".md") for one in (prod, staging, preview) for alarm in alarms_of(one)}
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


@pytest.mark.parametrize("page", _pages(), ids=lambda page: page.stem)
def test_variables_are_set_by_the_script_of_names(page: Path) -> None:
    known = set(re.findall(r"^(?:export )?([A-Z_]+)=|(?<= )([A-Z_]+)=\$\(", (RUNBOOKS / "names.sh").read_text(), re.M))
    names = {name for pair in known for name in pair if name}
    used = set(re.findall(r"\$\{?([A-Z][A-Z_]+)", page.read_text()))
    assert used <= names


def test_the_pages_are_listed(prod: Assembly) -> None:
    listed = (RUNBOOKS / "README.md").read_text()
    assert [page.name for page in _pages() if f"({page.name})" not in listed] == []
