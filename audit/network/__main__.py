"""`python -m audit.network FOLDER …`: who can reach what in each assembly, and what must not be."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from audit.access.settings import FILE, SettingsError, load_settings
from audit.network.picture import picture
from audit.network.report import NetworkReport, network_report
from preflight.loading import LoadError, load


def main(arguments: list[str] | None = None) -> int:
    """0 when nothing was found, 1 when something was, 2 when the question could not be put."""
    parser = argparse.ArgumentParser(prog="python -m audit.network", description=__doc__)
    parser.add_argument("assemblies", nargs="+", type=Path, help="cloud assemblies (cdk.out), each judged for itself")
    parser.add_argument("--settings", type=Path, default=FILE, help=f"what is judged by (default: {FILE})")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything as JSON (one assembly)")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw it (one assembly)")
    options = parser.parse_args(arguments)
    if len(options.assemblies) > 1 and (options.json or options.svg):
        parser.error("--json and --svg write one assembly's; give one folder")
    try:
        settings = load_settings(options.settings)
        reports = [network_report(load(folder), settings) for folder in options.assemblies]
    except (LoadError, SettingsError) as error:
        print(error, file=sys.stderr)
        return 2
    for report in reports:
        _tell(report)
        if options.json:
            _write(options.json, json.dumps(report.to_json(), indent=1) + "\n")
        if options.svg:
            _write(options.svg, picture(report))
    return 0 if all(report.ok for report in reports) else 1


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def _tell(report: NetworkReport) -> None:
    print(report.environment or "no VPC")
    for one in report.connections:
        ports = ", ".join(map(str, one.ports)) or "all ports"
        via = f" via {one.via}" if one.via else ""
        users = f" ({', '.join(one.users)})" if one.users else ""
        print(f"  {one.source}{users} → {one.target} on {ports}{via}")
    for finding in report.findings:
        print(f"  {finding.check}  {finding.path}: {finding.text}\n      {finding.remedy}")
    print(f"  {len(report.places)} places, {len(report.connections)} connections, {len(report.findings)} findings")


if __name__ == "__main__":
    sys.exit(main())
