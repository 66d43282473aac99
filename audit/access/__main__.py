"""`python -m audit.access FOLDER …`: who can do what in the assemblies, and what must not be."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from audit.access.report import AccessReport, access_report
from audit.access.settings import FILE, SettingsError, load_settings
from audit.access.use import Use, UseError, load_calls, use
from preflight.loading import LoadError, load


def main(arguments: list[str] | None = None) -> int:
    """0 when nothing was found, 1 when something was, 2 when the question could not be put."""
    parser = argparse.ArgumentParser(prog="python -m audit.access", description=__doc__)
    parser.add_argument("assemblies", nargs="+", type=Path, help="cloud assemblies (cdk.out) that are judged together")
    parser.add_argument("--settings", type=Path, default=FILE, help=f"what is judged by (default: {FILE})")
    parser.add_argument("--calls", type=Path, help="calls that the local cloud has noted (.local/emulator/calls.jsonl)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything as JSON")
    options = parser.parse_args(arguments)
    try:
        report = access_report([load(folder) for folder in options.assemblies], load_settings(options.settings))
        used = use(report.principals, load_calls(options.calls)) if options.calls else ()
    except (LoadError, SettingsError, UseError) as error:
        print(error, file=sys.stderr)
        return 2
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        written = report.to_json() | ({"use": [asdict(one) for one in used]} if options.calls else {})
        options.json.write_text(json.dumps(written, indent=1, default=_value) + "\n")
    _tell(report)
    _tell_use(used)
    return 0 if report.ok and not any(one.refused or one.beyond for one in used) else 1


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


def _tell_use(used: Sequence[Use]) -> None:
    for one in used:
        if one.ran:
            print(f"{one.path}: used {', '.join(one.used) or 'nothing'}")
            for unused in one.unused:
                print(f"    candidate for removal: {', '.join(unused.actions)} on {unused.resource}")
            for call in one.refused:
                print(f"    REFUSED {call}")
            for call in one.beyond:
                print(f"    LET, though no template allows it: {call}")
    if used:
        print(f"{sum(one.ran for one in used)} of {len(used)} principals ran")


if __name__ == "__main__":
    sys.exit(main())
