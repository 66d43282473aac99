"""`python -m audit.access FOLDER …`: who can do what in the assemblies, and what must not be."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from audit.access.report import AccessReport, access_report
from audit.access.settings import FILE, SettingsError, load_settings
from preflight.loading import LoadError, load


def main(arguments: list[str] | None = None) -> int:
    """0 when nothing was found, 1 when something was, 2 when the question could not be put."""
    parser = argparse.ArgumentParser(prog="python -m audit.access", description=__doc__)
    parser.add_argument("assemblies", nargs="+", type=Path, help="cloud assemblies (cdk.out) that are judged together")
    parser.add_argument("--settings", type=Path, default=FILE, help=f"what is judged by (default: {FILE})")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything as JSON")
    options = parser.parse_args(arguments)
    try:
        report = access_report([load(folder) for folder in options.assemblies], load_settings(options.settings))
    except (LoadError, SettingsError) as error:
        print(error, file=sys.stderr)
        return 2
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(report.to_json(), indent=1, default=_value) + "\n")
    _tell(report)
    return 0 if report.ok else 1


def _value(one: object) -> object:
    return getattr(one, "value", str(one))


def _tell(report: AccessReport) -> None:
    for one in report.principals:
        print(f"{one.path}  ({one.kind}, {one.environment})")
        for permission in one.permissions:
            actions = ", ".join(permission.actions[:6]) + (" …" if len(permission.actions) > 6 else "")
            when = f"  when {'; '.join(permission.conditions)}" if permission.conditions else ""
            print(f"    {actions}  on {permission.resource}{when}")
    print()
    for way in report.ways:
        print(f"{'accepted' if way.accepted else 'NOT ACCEPTED'}: {way.text}")
    for finding in report.findings:
        print(f"{finding.check}  {finding.path}: {finding.text}\n    {finding.remedy}")
    held = sum(len(one.wildcards) for one in report.principals)
    print(
        f"{len(report.principals)} principals, {len(report.stores)} stores, {held} wildcards, "
        f"{len(report.untrusted)} untrusted, {len(report.findings)} findings"
    )


if __name__ == "__main__":
    sys.exit(main())
