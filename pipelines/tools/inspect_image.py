"""Waits for ECR's scan of an image and judges it: `python -m pipelines.tools.inspect_image IMAGE`.

Critical and high findings fail, unless accepted (`config/tooling/accepted.toml`, tool "ecr"). So does a scan that
does not end in time: an image that nobody has looked at is not released.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable
from typing import Any

import boto3
from botocore.exceptions import ClientError

from pipelines.tools.findings import ROOT, Finding, accepted, judge, report

OUTPUT = ROOT / "out" / "inspect" / "scan.json"
FINDINGS = ROOT / "out" / "inspect" / "findings.json"
PATIENCE = 900
"""Seconds to wait for the scan's end."""

SEVERE = {"CRITICAL", "HIGH"}
_ENDED = {"COMPLETE", "ACTIVE"}  # basic scanning says COMPLETE; enhanced scanning goes on and says ACTIVE
_HOPELESS = {"FAILED", "UNSUPPORTED_IMAGE", "SCAN_ELIGIBILITY_EXPIRED", "FINDINGS_UNAVAILABLE"}
_IMAGE = re.compile(r"(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.[^/]+/([^@]+)@(sha256:[0-9a-f]{64})")


class ScanError(Exception):
    """There is no scan to judge."""


def findings(
    ecr: Any, image: str, *, patience: float = PATIENCE, sleep: Callable[[float], None] = time.sleep
) -> list[Finding]:
    """Severe findings of the image's scan. Raises ScanError when it failed, or did not end in `patience` seconds."""
    account, _, name, digest = _parts(image)
    asked = {"registryId": account, "repositoryName": name, "imageId": {"imageDigest": digest}}
    _wait(ecr, asked, patience=patience, sleep=sleep)
    found: list[Finding] = []
    for page in ecr.get_paginator("describe_image_scan_findings").paginate(**asked):
        scan = page["imageScanFindings"]
        found += [_basic(each) for each in scan.get("findings", []) if each["severity"] in SEVERE]
        found += [_enhanced(each) for each in scan.get("enhancedFindings", []) if each["severity"] in SEVERE]
    return found


def _wait(ecr: Any, asked: dict[str, Any], *, patience: float, sleep: Callable[[float], None]) -> None:
    deadline, status = time.monotonic() + patience, "PENDING"
    while True:
        try:
            answer = ecr.describe_image_scan_findings(**asked, maxResults=1)
            status = answer["imageScanStatus"]["status"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "ScanNotFoundException":
                raise
        if status in _ENDED:
            return
        if status in _HOPELESS:
            raise ScanError(f"the scan ended as {status}")
        if time.monotonic() >= deadline:
            raise ScanError(f"the scan is still {status} after {patience:.0f} s")
        sleep(10)


def _basic(finding: dict[str, Any]) -> Finding:
    attributes = {each["key"]: each["value"] for each in finding.get("attributes", [])}
    text = f"{finding['severity']} in {attributes.get('package_version', 'some version')}"
    return Finding(tool="ecr", id=finding["name"], where=attributes.get("package_name", "(unknown)"), text=text)


def _enhanced(finding: dict[str, Any]) -> Finding:
    details = finding.get("packageVulnerabilityDetails", {})
    packages = details.get("vulnerablePackages") or [{}]
    return Finding(
        tool="ecr",
        id=details.get("vulnerabilityId", finding.get("title", "(unknown)")),
        where=packages[0].get("name", "(unknown)"),
        text=f"{finding['severity']} in {packages[0].get('version', 'some version')}",
    )


def _parts(image: str) -> tuple[str, str, str, str]:
    found = _IMAGE.fullmatch(image)
    if found is None:
        raise ScanError(f"{image} is not an image in ECR by its digest")
    account, region, name, digest = found.groups()
    return account, region, name, digest


def main() -> int:
    if len(sys.argv) != 2:
        print("inspect_image: name one image by its digest", file=sys.stderr)
        return 2
    try:
        ecr = boto3.client("ecr", region_name=_parts(sys.argv[1])[1])
        found = findings(ecr, sys.argv[1])
    except ScanError as error:
        print(f"inspect_image: {error}", file=sys.stderr)
        return 1
    FINDINGS.parent.mkdir(parents=True, exist_ok=True)
    FINDINGS.write_text(json.dumps([finding.__dict__ for finding in found], indent=2) + "\n")
    return 0 if report([judge("ecr", found, accepted())], OUTPUT) else 1


if __name__ == "__main__":
    sys.exit(main())
